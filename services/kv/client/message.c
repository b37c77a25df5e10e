/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>

#include "abi.pb-c.h"
#include "services/kv/faces/protobuf/abi.h"
#include "services/payload/protobuf/reader.h"
#include "services/payload/protobuf/writer.h"

static size_t value_size(const struct weft_kv_value *value)
{
    switch (value->type) {
    case WEFT_KV_EMPTY:
        break;
    case WEFT_KV_STRING:
        return weft_pb_bytes_size(KV_TYPE_STRING, value->bytes.size);
    case WEFT_KV_BINARY:
        return weft_pb_bytes_size(KV_TYPE_BINARY, value->bytes.size);
    case WEFT_KV_INTEGER:
        return weft_pb_uint_size(KV_TYPE_INTEGER, (uint64_t)value->integer);
    case WEFT_KV_FLOAT:
        return weft_pb_varint_size((uint64_t)KV_TYPE_FLOAT << 3) + sizeof value->number;
    case WEFT_KV_BOOL:
        return weft_pb_uint_size(KV_TYPE_BOOL, value->boolean);
    }
    return 0;
}

static uint8_t *put_value(uint8_t *dst, const struct weft_kv_value *value)
{
    uint64_t bits;
    switch (value->type) {
    case WEFT_KV_EMPTY:
        break;
    case WEFT_KV_STRING:
        return weft_pb_put_bytes(dst, KV_TYPE_STRING, value->bytes);
    case WEFT_KV_BINARY:
        return weft_pb_put_bytes(dst, KV_TYPE_BINARY, value->bytes);
    case WEFT_KV_INTEGER:
        return weft_pb_put_uint(dst, KV_TYPE_INTEGER, (uint64_t)value->integer);
    case WEFT_KV_FLOAT:
        memcpy(&bits, &value->number, sizeof bits);
        return weft_pb_put_fixed64(dst, KV_TYPE_FLOAT, bits);
    case WEFT_KV_BOOL:
        return weft_pb_put_uint(dst, KV_TYPE_BOOL, value->boolean);
    }
    return dst;
}

static size_t pair_size(const struct weft_kv_pair *pair)
{
    return weft_pb_text_size(ABI_PAIR_KEY, pair->key.size) +
           weft_pb_bytes_size(ABI_PAIR_VALUE, value_size(&pair->value));
}

static uint8_t *put_pair(uint8_t *dst, const struct weft_kv_pair *pair)
{
    dst = weft_pb_put_text(dst, ABI_PAIR_KEY, pair->key);
    dst = weft_pb_put_head(dst, ABI_PAIR_VALUE, value_size(&pair->value));
    return put_value(dst, &pair->value);
}

/* A single key is a plain field, which is left out if it is empty. A key of several is an element of a
 * repeated field, which is written even if it is empty. */
static bool has_single_key(const struct weft_kv_request *request)
{
    return request->op == WEFT_KV_HGET || request->op == WEFT_KV_HDEL ||
           request->op == WEFT_KV_HEXIST;
}

/* Fields at their defaults are left out. */
static size_t page_size(const struct weft_kv_request *request)
{
    return weft_pb_text_size(ABI_HSCAN_CURSOR, request->cursor.size) +
           (request->limit > 0 ? weft_pb_uint_size(ABI_HSCAN_LIMIT, request->limit) : 0);
}

static void put_page(uint8_t *dst, const struct weft_kv_request *request)
{
    dst = weft_pb_put_text(dst, ABI_HSCAN_CURSOR, request->cursor);
    if (request->limit > 0)
        (void)weft_pb_put_uint(dst, ABI_HSCAN_LIMIT, request->limit);
}

static size_t command_size(const struct weft_kv_request *request)
{
    size_t size = weft_pb_text_size(ABI_COMMAND_TABLE, request->table.size);
    if (request->op == WEFT_KV_HSCAN)
        return size + page_size(request);
    if (has_single_key(request))
        return size + weft_pb_text_size(ABI_COMMAND_ITEM, request->keys->size);
    for (size_t i = 0; i < request->key_count; i++)
        size += weft_pb_bytes_size(ABI_COMMAND_ITEM, request->keys[i].size);
    for (size_t i = 0; i < request->pair_count; i++)
        size += weft_pb_bytes_size(ABI_COMMAND_ITEM, pair_size(&request->pairs[i]));
    return size;
}

static void write_request(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__kv_request_body *self =
        (const struct weft__kv_request_body *)(const void *)body;
    const struct weft_kv_request *request = self->request;
    dst = weft_pb_put_head(dst, (uint32_t)request->op, self->inner);
    dst = weft_pb_put_text(dst, ABI_COMMAND_TABLE, request->table);
    if (request->op == WEFT_KV_HSCAN) {
        put_page(dst, request);
        return;
    }
    if (has_single_key(request)) {
        (void)weft_pb_put_text(dst, ABI_COMMAND_ITEM, *request->keys);
        return;
    }
    for (size_t i = 0; i < request->key_count; i++)
        dst = weft_pb_put_bytes(dst, ABI_COMMAND_ITEM, request->keys[i]);
    for (size_t i = 0; i < request->pair_count; i++) {
        dst = weft_pb_put_head(dst, ABI_COMMAND_ITEM, pair_size(&request->pairs[i]));
        dst = put_pair(dst, &request->pairs[i]);
    }
}

struct weft__kv_request_body weft__kv_request_to_body(const struct weft_kv_request *request)
{
    size_t inner = command_size(request);
    return (struct weft__kv_request_body){
        .body = {.size = weft_pb_bytes_size((uint32_t)request->op, inner), .write = write_request},
        .request = request,
        .inner = inner,
    };
}

static bool counts_fit(const struct weft_kv_request *request)
{
    switch (request->op) {
    case WEFT_KV_HGET:
    case WEFT_KV_HDEL:
    case WEFT_KV_HEXIST:
        return request->key_count == 1 && request->pair_count == 0;
    case WEFT_KV_HGETALL:
    case WEFT_KV_HSCAN:
        return request->key_count == 0 && request->pair_count == 0;
    case WEFT_KV_HMGET:
    case WEFT_KV_HMDEL:
    case WEFT_KV_HMEXIST:
        return request->pair_count == 0;
    case WEFT_KV_HSET:
        return request->key_count == 0 && request->pair_count == 1;
    case WEFT_KV_HMSET:
        return request->key_count == 0;
    }
    return false;
}

int weft__kv_request_check(const struct weft_kv_request *request, struct weft_error *error)
{
    if (!counts_fit(request))
        return weft_error_set(error, -EINVAL, "not as many keys and pairs as the command takes");
    if (!weft_utf8_valid(request->table))
        return weft_error_set(error, -EINVAL, "the table is not UTF-8");
    for (size_t i = 0; i < request->key_count; i++) {
        if (!weft_utf8_valid(request->keys[i]))
            return weft_error_set(error, -EINVAL, "key %zu is not UTF-8", i + 1);
    }
    for (size_t i = 0; i < request->pair_count; i++) {
        const struct weft_kv_pair *pair = &request->pairs[i];
        if (!weft_utf8_valid(pair->key))
            return weft_error_set(error, -EINVAL, "key %zu is not UTF-8", i + 1);
        if (pair->value.type == WEFT_KV_STRING && !weft_utf8_valid(pair->value.bytes))
            return weft_error_set(error, -EINVAL, "string %zu is not UTF-8", i + 1);
    }
    return 0;
}

static void set_value(struct weft_kv_value *value, const struct weft_pb_field *field)
{
    switch (field->descriptor ? field->number : 0) {
    case KV_TYPE_STRING:
        *value = (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = field->bytes};
        break;
    case KV_TYPE_BINARY:
        *value = (struct weft_kv_value){.type = WEFT_KV_BINARY, .bytes = field->bytes};
        break;
    case KV_TYPE_INTEGER:
        *value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = (int64_t)field->scalar};
        break;
    case KV_TYPE_FLOAT:
        *value = (struct weft_kv_value){.type = WEFT_KV_FLOAT};
        memcpy(&value->number, &field->scalar, sizeof value->number);
        break;
    case KV_TYPE_BOOL:
        *value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = field->scalar != 0};
        break;
    }
}

static int read_value(struct weft_kv_value *value, struct weft_view bytes,
                      struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__value__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *value = (struct weft_kv_value){.type = WEFT_KV_EMPTY};
    while ((err = weft_pb_next(&reader, &field)) > 0)
        set_value(value, &field);
    return err;
}

static int read_pair(struct weft_kv_pair *pair, struct weft_view bytes,
                     struct weft_pb_budget *budget)
{
    struct weft_pb_reader reader = weft_pb_read(bytes, &abi__kvpair__descriptor, budget);
    struct weft_pb_field field;
    int err;
    *pair = (struct weft_kv_pair){0};
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.number == ABI_PAIR_KEY)
            pair->key = field.bytes;
        else if (field.number == ABI_PAIR_VALUE)
            err = read_value(&pair->value, field.bytes, budget);
        if (err < 0)
            return err;
    }
    return err;
}

/* The arrays of a reply while they are filled. */
struct target {
    struct weft_kv_reply *reply;
    struct weft_kv_value *values;
    struct weft_kv_pair *pairs;
};

static int take_field(struct target *target, const struct weft_pb_field *field,
                      struct weft_pb_budget *budget)
{
    struct weft_kv_reply *reply = target->reply;
    switch (field->number) {
    case ABI_RESPONSE_STATUS:
        reply->status = (uint32_t)field->scalar;
        return 0;
    case ABI_RESPONSE_MESSAGE:
        reply->message = field->bytes;
        return 0;
    case ABI_RESPONSE_VALUES:
        return read_value(&target->values[reply->value_count++], field->bytes, budget);
    case ABI_RESPONSE_PAIRS:
        return read_pair(&target->pairs[reply->pair_count++], field->bytes, budget);
    case ABI_RESPONSE_CURSOR:
        reply->cursor = field->bytes;
        return 0;
    default:
        return 0;
    }
}

static int count_items(struct weft_view payload, struct weft_pb_budget *budget, size_t *values,
                       size_t *pairs)
{
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_response__descriptor, budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        *values += field.number == ABI_RESPONSE_VALUES;
        *pairs += field.number == ABI_RESPONSE_PAIRS;
    }
    return err;
}

/* Neither product overflows, because each item takes at least two bytes of the payload. */
static int allocate(struct target *target, size_t values, size_t pairs, struct weft_arena *arena)
{
    target->values = weft_arena_alloc(arena, values * sizeof *target->values);
    if (target->values)
        target->pairs = weft_arena_alloc(arena, pairs * sizeof *target->pairs);
    if (!target->pairs)
        return arena->over_budget ? WEFT_ETOOBIG : -ENOMEM;
    target->reply->values = target->values;
    target->reply->pairs = target->pairs;
    return 0;
}

int weft__kv_reply_read(struct weft_kv_reply *reply, struct weft_view payload,
                        struct weft_arena *arena, const char **why)
{
    /* The arena's budget bounds the items of a reply, and its size the elements. */
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    struct target target = {.reply = reply};
    size_t values = 0, pairs = 0;
    *reply = (struct weft_kv_reply){0};
    int err = count_items(payload, &budget, &values, &pairs);
    *why = budget.what;
    if (err < 0)
        return err;
    err = allocate(&target, values, pairs, arena);
    *why = err == WEFT_ETOOBIG ? "the reply has too many items" : weft_strerror(err);
    if (err < 0)
        return err;
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_response__descriptor, &budget);
    struct weft_pb_field field;
    while (err == 0 && weft_pb_next(&reader, &field) > 0)
        err = take_field(&target, &field, &budget);
    *why = budget.what;
    return err;
}
