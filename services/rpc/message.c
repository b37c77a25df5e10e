/* SPDX-License-Identifier: MIT */
#include "message.h"

#include "services/payload/protobuf/text.h"
#include "services/payload/protobuf/wire.h"

enum { MOST_NUMBER = (1 << 29) - 1 };

static bool take_long_varint(struct weft_view *rest, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < 10 && i < rest->size; i++) {
        uint8_t byte = rest->data[i];
        *value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *rest = weft_view_skip(*rest, i + 1);
            return true;
        }
    }
    return false;
}

/* Keys and sizes mostly have one byte. */
static inline bool take_varint(struct weft_view *rest, uint64_t *value)
{
    if (rest->size == 0 || rest->data[0] >= 0x80)
        return take_long_varint(rest, value);
    *value = rest->data[0];
    *rest = weft_view_skip(*rest, 1);
    return true;
}

static bool take_bytes(struct weft_view *rest, uint64_t size, struct weft_view *bytes)
{
    if (size > rest->size)
        return false;
    *bytes = weft_view(rest->data, (size_t)size);
    *rest = weft_view_skip(*rest, (size_t)size);
    return true;
}

int weft__rpc_next(struct weft_view *rest, struct weft__rpc_field *field)
{
    uint64_t key, size;
    if (rest->size == 0)
        return 0;
    if (!take_varint(rest, &key) || key >> 3 == 0 || key >> 3 > MOST_NUMBER)
        return WEFT_EMALFORMED;
    bool good = false;
    *field = (struct weft__rpc_field){.number = (uint32_t)(key >> 3), .wire = key & 7};
    switch (field->wire) {
    case WEFT_PB_VARINT:
        good = take_varint(rest, &field->value);
        break;
    case WEFT_PB_FIXED64:
        good = take_bytes(rest, 8, &field->bytes);
        break;
    case WEFT_PB_FIXED32:
        good = take_bytes(rest, 4, &field->bytes);
        break;
    case WEFT_PB_LENGTH:
        good = take_varint(rest, &size) && take_bytes(rest, size, &field->bytes);
        break;
    default: /* a group, which proto3 does not have */
        break;
    }
    return good ? 1 : WEFT_EMALFORMED;
}

const ProtobufCFieldDescriptor *weft__rpc_field_of(const ProtobufCMessageDescriptor *type,
                                                   uint32_t number)
{
    size_t low = 0, high = type->n_fields;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (type->fields[middle].id < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < type->n_fields && type->fields[low].id == number ? &type->fields[low] : NULL;
}

/* Returns NULL if protobuf-c may unpack the message, else what is wrong. */
static const char *check(const ProtobufCMessageDescriptor *type, struct weft_view rest, int depth)
{
    struct weft__rpc_field field;
    const char *why = NULL;
    int more = 0;
    if (depth == 0)
        return "The message has too many messages within messages";
    while (!why && (more = weft__rpc_next(&rest, &field)) > 0) {
        const ProtobufCFieldDescriptor *known =
            field.wire == WEFT_PB_LENGTH ? weft__rpc_field_of(type, field.number) : NULL;
        if (!known)
            continue;
        if (known->type == PROTOBUF_C_TYPE_MESSAGE)
            why = check(known->descriptor, field.bytes, depth - 1);
        else if (known->type == PROTOBUF_C_TYPE_STRING && !weft_pb_is_text(field.bytes))
            why = "A string of the message is not UTF-8";
        else if (known->type == PROTOBUF_C_TYPE_STRING && field.bytes.size > 0 &&
                 memchr(field.bytes.data, 0, field.bytes.size))
            why = "A string of the message has a NUL, which C cannot hold";
    }
    if (!why && more < 0)
        why = "The message is malformed";
    return why;
}

struct memory {
    struct weft_arena *arena;
    bool failed;
};

static void *take(void *data, size_t size)
{
    struct memory *memory = data;
    void *block = weft_arena_alloc(memory->arena, size);
    memory->failed |= !block;
    return block;
}

static void leave(void *data, void *block)
{
    (void)data, (void)block; /* the arena takes all of it back at once */
}

ProtobufCMessage *weft__rpc_unpack(const ProtobufCMessageDescriptor *type, struct weft_view bytes,
                                   struct weft_arena *arena, const char **why, bool *malformed)
{
    struct memory memory = {.arena = arena};
    ProtobufCAllocator allocator = {.alloc = take, .free = leave, .allocator_data = &memory};
    *malformed = true;
    *why = check(type, bytes, WEFT__RPC_DEPTH);
    if (*why)
        return NULL;
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, bytes.size, bytes.data);
    *malformed = !memory.failed;
    *why = memory.failed ? "The message takes more memory than a request may have"
                         : "The message is malformed, or lacks a required field";
    return message;
}
