/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>

#include "abi.h"
#include "abi.pb-c.h"
#include "core/service.h"
#include "request_usual.h"
#include "services/payload/protobuf/reader.h"
#include "services/payload/protobuf/writer.h"

static const enum kv_command_id command_of_field[] = {
    [ABI_HGET] = KV_HGET,   [ABI_HGETALL] = KV_HGETALL, [ABI_HMGET] = KV_HMGET,
    [ABI_HSET] = KV_HSET,   [ABI_HMSET] = KV_HMSET,     [ABI_HDEL] = KV_HDEL,
    [ABI_HMDEL] = KV_HMDEL, [ABI_HEXIST] = KV_HEXIST,   [ABI_HMEXIST] = KV_HMEXIST,
    [ABI_HSCAN] = KV_HSCAN,
};

struct decoder {
    struct weft_pb_budget budget;
    struct weft_request *request;
    enum kv_decoded failure; /* why memory was not to be had */
};

static void *allocate(struct decoder *self, size_t size)
{
    struct weft_arena *arena = weft_request_arena(self->request);
    void *p = weft_arena_alloc(arena, size);
    if (!p)
        self->failure = arena->over_budget ? KV_DECODED_BYTES : KV_DECODED_NO_MEMORY;
    return p;
}

/* Ten bytes hold 70 bits, of which a varint has 64. */
static bool has_dropped_bits(const struct weft_pb_field *field)
{
    return field->wire == WEFT_PB_VARINT && field->raw.size > WEFT_PB_VARINT_MAX &&
           field->raw.data[field->raw.size - 1] > 1;
}

/* A value's last member in the form that is stored: minimal varints, and nothing else with it. It
 * mostly lies in the message in that form. */
static int canonical_value(struct decoder *self, const struct weft_pb_field *field,
                           struct weft_view *value)
{
    enum { TAG = 1 };
    uint64_t scalar = field->scalar;
    if (field->descriptor->type == PROTOBUF_C_TYPE_BOOL)
        scalar = scalar != 0;
    size_t size;
    switch (field->wire) {
    case WEFT_PB_LENGTH:
        size = weft_pb_bytes_size(field->number, field->bytes.size);
        break;
    case WEFT_PB_VARINT:
        size = weft_pb_uint_size(field->number, scalar);
        break;
    default:
        size = TAG + sizeof scalar;
        break;
    }
    *value = field->raw;
    if (field->raw.size == size && scalar == field->scalar && !has_dropped_bits(field))
        return 0;

    uint8_t *dst = allocate(self, size);
    if (!dst)
        return -ENOMEM;
    *value = weft_view(dst, size);
    if (field->wire == WEFT_PB_LENGTH)
        (void)weft_pb_put_bytes(dst, field->number, field->bytes);
    else if (field->wire == WEFT_PB_VARINT)
        (void)weft_pb_put_uint(dst, field->number, scalar);
    else
        (void)weft_pb_put_fixed64(dst, field->number, scalar);
    return 0;
}

/* A Value that comes twice in a pair is one, as if their fields stood side by side. */
static int decode_value(struct decoder *self, struct weft_view message, struct weft_view *value)
{
    struct weft_pb_reader reader = weft_pb_read(message, &abi__value__descriptor, &self->budget);
    struct weft_pb_field field, last = {0};
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.descriptor)
            last = field;
    }
    if (err < 0 || !last.descriptor)
        return err;
    return canonical_value(self, &last, value);
}

static int decode_pair(struct decoder *self, struct weft_view message, struct kv_item *item)
{
    struct weft_pb_reader reader = weft_pb_read(message, &abi__kvpair__descriptor, &self->budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (!field.descriptor)
            continue;
        if (field.number == ABI_PAIR_KEY)
            item->key = field.bytes;
        else
            err = decode_value(self, field.bytes, &item->value.bytes);
        if (err < 0)
            break;
    }
    return err;
}

/* How many items the rest of a command has, without looking into them. */
static int count_items(const struct weft_pb_reader *reader, size_t *count)
{
    /* On a copy of the budget: the items are paid for when they are read. */
    struct weft_pb_budget budget = *reader->budget;
    struct weft_pb_reader ahead = *reader;
    ahead.budget = &budget;
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&ahead, &field)) > 0)
        *count += field.number == ABI_COMMAND_ITEM;
    if (err < 0)
        reader->budget->what = budget.what;
    return err;
}

/* Moves the items into the arena, once, when more come than are at hand. */
static int make_room(struct decoder *self, const struct weft_pb_reader *reader,
                     struct kv_call *call)
{
    size_t count = call->count + 1;
    int err = count_items(reader, &count);
    if (err < 0)
        return err;
    struct kv_item *items = allocate(self, count * sizeof *items);
    if (!items)
        return -ENOMEM;
    memcpy(items, call->items, call->count * sizeof *items);
    call->items = items;
    return 0;
}

static int decode_item(struct decoder *self, const struct weft_pb_reader *reader,
                       const struct weft_pb_field *field, struct kv_call *call)
{
    const struct kv_command *command = call->command;
    /* A second occurrence of what there is one of adds to the first. */
    if (command->many || call->count == 0) {
        if (call->count == KV_REQUEST_ITEMS) {
            int err = make_room(self, reader, call);
            if (err < 0)
                return err;
        }
        struct kv_item *fresh = &call->items[call->count++];
        fresh->key = weft_view(NULL, 0);
        fresh->value = (struct kv_value){{NULL, 0}, NULL};
    }
    struct kv_item *item = &call->items[call->count - 1];
    if (command->takes == KV_TAKES_PAIRS)
        return decode_pair(self, field->bytes, item);
    item->key = field->bytes;
    return 0;
}

static void decode_page(const struct weft_pb_field *field, struct kv_call *call)
{
    if (field->number == ABI_HSCAN_CURSOR)
        call->from = field->bytes;
    else if (field->number == ABI_HSCAN_LIMIT)
        call->limit = (uint32_t)field->scalar;
}

static int decode_command(struct decoder *self, const struct weft_pb_field *command_field,
                          struct kv_call *call)
{
    call->command = &kv_commands[command_of_field[command_field->number]];
    call->table = weft_view(NULL, 0);
    call->count = 0;
    call->from = weft_view(NULL, 0);
    call->limit = 0;
    struct weft_pb_reader reader = weft_pb_read(
        command_field->bytes,
        (const ProtobufCMessageDescriptor *)command_field->descriptor->descriptor, &self->budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (!field.descriptor)
            continue;
        if (field.number == ABI_COMMAND_TABLE)
            call->table = field.bytes;
        else if (call->command->takes == KV_TAKES_PAGE)
            decode_page(&field, call);
        else
            err = decode_item(self, &reader, &field, call);
        if (err < 0)
            return err;
    }
    if (err < 0)
        return err;
    /* An empty key is not on the wire, and is a key. */
    if (call->count == 0 && call->command->takes == KV_TAKES_KEYS && !call->command->many) {
        call->items[0].key = weft_view(NULL, 0);
        call->count = 1;
    }
    return 0;
}

/* The command that comes last is the one; those before it have to be well formed. */
static int decode_request(struct decoder *self, struct weft_view payload,
                          struct weft_pb_field *command, uint32_t *unknown)
{
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_request__descriptor, &self->budget);
    struct weft_pb_field field;
    int err;
    command->descriptor = NULL;
    *unknown = 0;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (!field.descriptor) {
            if (field.wire == WEFT_PB_LENGTH && (*unknown == 0 || field.number < *unknown))
                *unknown = field.number;
            continue;
        }
        if (command->descriptor) {
            const ProtobufCMessageDescriptor *type =
                (const ProtobufCMessageDescriptor *)command->descriptor->descriptor;
            err = weft_pb_check(command->bytes, type, &self->budget);
            if (err < 0)
                break;
        }
        *command = field;
    }
    return err;
}

WEFT_NOINLINE static enum kv_decoded decode_any(struct kv_request *self, struct weft_view payload,
                                                struct kv_call *call)
{
    struct decoder decoder = {.budget.elements = self->max_elements, .request = self->request};
    struct weft_pb_field command;
    call->items = self->items;
    int err = decode_request(&decoder, payload, &command, &self->field);
    if (err == 0 && command.descriptor)
        err = decode_command(&decoder, &command, call);

    switch (err) {
    case 0:
        break;
    case WEFT_EMALFORMED:
        self->what = decoder.budget.what;
        return KV_DECODED_MALFORMED;
    case WEFT_ETOOBIG:
        return KV_DECODED_ELEMENTS;
    default:
        return decoder.failure;
    }
    if (command.descriptor)
        return call->count > 0 || call->command != &kv_commands[KV_HSET] ? KV_DECODED
                                                                         : KV_DECODED_NO_PAIR;
    return self->field == 0 ? KV_DECODED_NO_COMMAND : KV_DECODED_UNKNOWN;
}

enum kv_decoded kv_request_decode(struct kv_request *self, struct weft_view payload,
                                  struct kv_call *call)
{
    if (kv_request_decode_usual(self, payload, call))
        return KV_DECODED;
    return decode_any(self, payload, call);
}
