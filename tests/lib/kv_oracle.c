/* SPDX-License-Identifier: MIT */
#include "kv_oracle.h"

#include <stdlib.h>

#include "abi.pb-c.h"
#include "abi_bytes.pb-c.h"
#include "fake_request.h"
#include "services/kv/faces/protobuf/request.h"
#include "services/payload/protobuf/reader.h"

enum { VALUE_MAX = 64 }; /* beyond the value's bytes: tag and length */

static struct weft_view view_of(ProtobufCBinaryData data)
{
    return weft_view(data.data, data.len);
}

/* What ours refuses by design and protobuf-c takes. */
static bool is_stricter(const char *what)
{
    return strcmp(what, "a string is not UTF-8") == 0 ||
           strcmp(what, "a field number is out of range") == 0 ||
           strcmp(what, "a bool is of another wire type") == 0;
}

static bool same_value(const AbiBytes__Value *value, struct weft_view ours)
{
    size_t size = value ? abi_bytes__value__get_packed_size(value) : 0;
    if (size != ours.size)
        return false;
    uint8_t *packed = malloc(size + VALUE_MAX);
    if (!packed)
        abort();
    /* Of unknown fields, which it would pack as well, there must be none. */
    bool same = size == 0 || (abi_bytes__value__pack(value, packed) == size &&
                              memcmp(packed, ours.data, size) == 0);
    free(packed);
    return same;
}

static void drop_unknown(ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        free(message->unknown_fields[i].data);
    free(message->unknown_fields);
    message->unknown_fields = NULL;
    message->n_unknown_fields = 0;
}

static const char *compare_pair(const AbiBytes__Kvpair *pair, const struct kv_item *item)
{
    if (!weft_view_equal(view_of(pair->key), item->key))
        return "a pair's key";
    if (pair->value)
        drop_unknown(&pair->value->base);
    return same_value(pair->value, item->value.bytes) ? NULL : "a value";
}

static const char *compare_keys(const ProtobufCBinaryData *keys, size_t count,
                                const struct kv_call *call)
{
    if (call->count != count)
        return "the number of keys";
    for (size_t i = 0; i < count; i++) {
        if (!weft_view_equal(view_of(keys[i]), call->items[i].key))
            return "a key";
    }
    return NULL;
}

static const char *compare_hset(const AbiBytes__Hset *hset, const struct kv_call *call)
{
    if (call->count != (hset->pair ? 1 : 0))
        return "whether there is a pair";
    if (!hset->pair)
        return NULL;
    return compare_pair(hset->pair, &call->items[0]);
}

static const char *compare_hmset(const AbiBytes__Hmset *hmset, const struct kv_call *call)
{
    if (call->count != hmset->n_pairs)
        return "the number of pairs";
    for (size_t i = 0; i < hmset->n_pairs; i++) {
        const char *difference = compare_pair(hmset->pairs[i], &call->items[i]);
        if (difference)
            return difference;
    }
    return NULL;
}

static const char *compare_hscan(const AbiBytes__Hscan *hscan, const struct kv_call *call)
{
    if (!weft_view_equal(view_of(hscan->cursor), call->from))
        return "the cursor";
    return call->limit == hscan->limit ? NULL : "the limit";
}

#define COMMAND(id) (call->command == &kv_commands[id])
#define TABLE(x)    weft_view_equal(view_of((x)->table), call->table)

static const char *compare_command(const AbiBytes__CommandRequest *request,
                                   const struct kv_call *call)
{
    const char *table = "the table";
    const char *command = "the command";
    switch (request->request_data_case) {
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HGET:
        if (!COMMAND(KV_HGET))
            return command;
        return TABLE(request->hget) ? compare_keys(&request->hget->key, 1, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HGETALL:
        if (!COMMAND(KV_HGETALL))
            return command;
        return TABLE(request->hgetall) ? NULL : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMGET:
        if (!COMMAND(KV_HMGET))
            return command;
        return TABLE(request->hmget)
                   ? compare_keys(request->hmget->keys, request->hmget->n_keys, call)
                   : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HSET:
        if (!COMMAND(KV_HSET))
            return command;
        return TABLE(request->hset) ? compare_hset(request->hset, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMSET:
        if (!COMMAND(KV_HMSET))
            return command;
        return TABLE(request->hmset) ? compare_hmset(request->hmset, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HDEL:
        if (!COMMAND(KV_HDEL))
            return command;
        return TABLE(request->hdel) ? compare_keys(&request->hdel->key, 1, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMDEL:
        if (!COMMAND(KV_HMDEL))
            return command;
        return TABLE(request->hmdel)
                   ? compare_keys(request->hmdel->keys, request->hmdel->n_keys, call)
                   : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HEXIST:
        if (!COMMAND(KV_HEXIST))
            return command;
        return TABLE(request->hexist) ? compare_keys(&request->hexist->key, 1, call) : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HMEXIST:
        if (!COMMAND(KV_HMEXIST))
            return command;
        return TABLE(request->hmexist)
                   ? compare_keys(request->hmexist->keys, request->hmexist->n_keys, call)
                   : table;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HSCAN:
        if (!COMMAND(KV_HSCAN))
            return command;
        return TABLE(request->hscan) ? compare_hscan(request->hscan, call) : table;
    default:
        return command;
    }
}

#undef COMMAND
#undef TABLE

/* The lowest number of an unknown field that could be a command; 0: there is none. */
static uint32_t lowest_unknown(const ProtobufCMessage *message)
{
    uint32_t lowest = 0;
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        if (field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
            (lowest == 0 || field->tag < lowest))
            lowest = field->tag;
    }
    return lowest;
}

/* Whether a message that there may be one of comes twice: then they are one, as if their fields stood
 * side by side. protobuf-c 1.4 is no judge of that: where the first has set a oneof that the second
 * has not it may lose it, and where neither has it refuses both. */
static bool has_merge(struct weft_view message, const ProtobufCMessageDescriptor *type)
{
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    struct weft_pb_reader reader = weft_pb_read(message, type, &budget);
    struct weft_pb_field field;
    const ProtobufCFieldDescriptor *once = NULL;
    while (weft_pb_next(&reader, &field) > 0) {
        if (!field.descriptor || field.descriptor->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (has_merge(field.bytes, field.descriptor->descriptor))
            return true;
        if (field.descriptor->label == PROTOBUF_C_LABEL_REPEATED ||
            (field.descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
            continue;
        if (once)
            return true;
        once = field.descriptor;
    }
    return false;
}

/* What our decoder says of a request that has a command. */
static enum kv_decoded expected_of(const AbiBytes__CommandRequest *request)
{
    bool has_no_pair =
        request->request_data_case == ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HSET &&
        !request->hset->pair;
    return has_no_pair ? KV_DECODED_NO_PAIR : KV_DECODED;
}

static const char *compare(const AbiBytes__CommandRequest *request, enum kv_decoded decoded,
                           const struct kv_request *ours, const struct kv_call *call,
                           struct weft_view payload)
{
    if (decoded == KV_DECODED_MALFORMED && (!request || is_stricter(ours->what)))
        return NULL;
    if (decoded == KV_DECODED_MALFORMED)
        return "whether it is well formed: ours refuses";
    if (has_merge(payload, &abi__command_request__descriptor))
        return NULL;
    if (!request)
        return "whether it is well formed: ours accepts";
    if (request->request_data_case != ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA__NOT_SET)
        return decoded == expected_of(request) ? compare_command(request, call) : "the outcome";

    uint32_t unknown = lowest_unknown(&request->base);
    if (decoded != (unknown == 0 ? KV_DECODED_NO_COMMAND : KV_DECODED_UNKNOWN))
        return "the outcome without a command";
    return unknown == ours->field ? NULL : "the lowest unknown field";
}

const char *kv_oracle_differs(struct weft_view payload)
{
    struct fake_request fake;
    struct kv_call call;
    fake_request_init(&fake, payload, SIZE_MAX);
    struct kv_request ours = {.request = &fake.request, .max_elements = UINT64_MAX};
    enum kv_decoded decoded = kv_request_decode(&ours, fake.request.payload, &call);
    AbiBytes__CommandRequest *request =
        abi_bytes__command_request__unpack(NULL, payload.size, payload.data);
    const char *difference = compare(request, decoded, &ours, &call, payload);
    abi_bytes__command_request__free_unpacked(request, NULL);
    fake_request_fini(&fake);
    return difference;
}
