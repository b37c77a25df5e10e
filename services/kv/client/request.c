/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>

#include "services/kv/faces/protobuf/abi.h"
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
           request->op == WEFT_KV_HEXIST || request->op == WEFT_KV_HINCR;
}

/* Fields at their defaults are left out. */
static size_t optional_size(uint32_t number, uint64_t value)
{
    return value == 0 ? 0 : weft_pb_uint_size(number, value);
}

static uint8_t *put_optional(uint8_t *dst, uint32_t number, uint64_t value)
{
    return value == 0 ? dst : weft_pb_put_uint(dst, number, value);
}

static size_t page_size(const struct weft_kv_request *request)
{
    size_t size = weft_pb_text_size(ABI_PAGE_CURSOR, request->cursor.size) +
                  optional_size(ABI_PAGE_LIMIT, request->limit);
    if (request->op != WEFT_KV_HSCAN)
        return size;
    return size + weft_pb_text_size(ABI_HSCAN_PREFIX, request->prefix.size) +
           weft_pb_text_size(ABI_HSCAN_MATCH, request->match.size) +
           optional_size(ABI_HSCAN_KEYS_ONLY, request->keys_only) +
           optional_size(ABI_HSCAN_STATE, request->state);
}

static uint8_t *put_page(uint8_t *dst, const struct weft_kv_request *request)
{
    dst = weft_pb_put_text(dst, ABI_PAGE_CURSOR, request->cursor);
    dst = put_optional(dst, ABI_PAGE_LIMIT, request->limit);
    if (request->op != WEFT_KV_HSCAN)
        return dst;
    dst = weft_pb_put_text(dst, ABI_HSCAN_PREFIX, request->prefix);
    dst = weft_pb_put_text(dst, ABI_HSCAN_MATCH, request->match);
    dst = put_optional(dst, ABI_HSCAN_KEYS_ONLY, request->keys_only);
    return put_optional(dst, ABI_HSCAN_STATE, request->state);
}

/* The number of an expiry's field, or 0: nothing is said. */
static uint32_t expiry_number(const struct weft_kv_expiry *expiry)
{
    switch (expiry->when) {
    case WEFT_KV_EXPIRE_UNSAID:
        break;
    case WEFT_KV_EXPIRE_AFTER:
        return ABI_EXPIRE_AFTER;
    case WEFT_KV_EXPIRE_AT:
        return ABI_EXPIRE_AT;
    case WEFT_KV_EXPIRE_NEVER:
        return ABI_EXPIRE_NEVER;
    case WEFT_KV_EXPIRE_KEEP:
        return ABI_EXPIRE_KEEP;
    }
    return 0;
}

/* A member of a oneof is written even if it is 0. */
static uint64_t expiry_scalar(const struct weft_kv_expiry *expiry)
{
    bool has_time = expiry->when == WEFT_KV_EXPIRE_AFTER || expiry->when == WEFT_KV_EXPIRE_AT;
    return has_time ? expiry->milliseconds : 1;
}

static size_t expiry_size(const struct weft_kv_expiry *expiry)
{
    uint32_t number = expiry_number(expiry);
    return number == 0 ? 0 : weft_pb_uint_size(number, expiry_scalar(expiry));
}

static uint8_t *put_expiry(uint8_t *dst, const struct weft_kv_expiry *expiry)
{
    uint32_t number = expiry_number(expiry);
    return number == 0 ? dst : weft_pb_put_uint(dst, number, expiry_scalar(expiry));
}

static size_t condition_size(const struct weft_kv_change *change)
{
    switch (change->condition) {
    case WEFT_KV_ALWAYS:
        break;
    case WEFT_KV_IF_ABSENT:
        return weft_pb_uint_size(ABI_CHANGE_IF_ABSENT, 1);
    case WEFT_KV_IF_PRESENT:
        return weft_pb_uint_size(ABI_CHANGE_IF_PRESENT, 1);
    case WEFT_KV_IF_VERSION:
        return weft_pb_bytes_size(ABI_CHANGE_IF_VERSION, change->version.size);
    }
    return 0;
}

static uint8_t *put_condition(uint8_t *dst, const struct weft_kv_change *change)
{
    switch (change->condition) {
    case WEFT_KV_ALWAYS:
        break;
    case WEFT_KV_IF_ABSENT:
        return weft_pb_put_uint(dst, ABI_CHANGE_IF_ABSENT, 1);
    case WEFT_KV_IF_PRESENT:
        return weft_pb_put_uint(dst, ABI_CHANGE_IF_PRESENT, 1);
    case WEFT_KV_IF_VERSION:
        return weft_pb_put_bytes(dst, ABI_CHANGE_IF_VERSION, change->version);
    }
    return dst;
}

static size_t change_size(const struct weft_kv_change *change)
{
    size_t size = weft_pb_text_size(ABI_CHANGE_KEY, change->key.size) +
                  expiry_size(&change->expiry) + condition_size(change);
    if (change->what == WEFT_KV_STORE)
        size += weft_pb_bytes_size(ABI_CHANGE_VALUE, value_size(&change->value));
    else if (change->what == WEFT_KV_REMOVE)
        size += weft_pb_uint_size(ABI_CHANGE_REMOVE, 1);
    return size;
}

static uint8_t *put_change(uint8_t *dst, const struct weft_kv_change *change)
{
    dst = weft_pb_put_text(dst, ABI_CHANGE_KEY, change->key);
    if (change->what == WEFT_KV_STORE) {
        dst = weft_pb_put_head(dst, ABI_CHANGE_VALUE, value_size(&change->value));
        dst = put_value(dst, &change->value);
    }
    dst = put_expiry(dst, &change->expiry);
    if (change->what == WEFT_KV_REMOVE)
        dst = weft_pb_put_uint(dst, ABI_CHANGE_REMOVE, 1);
    return put_condition(dst, change);
}

static size_t delta_size(const struct weft_kv_value *delta)
{
    if (delta->type == WEFT_KV_INTEGER)
        return weft_pb_uint_size(ABI_HINCR_INTEGER, (uint64_t)delta->integer);
    return weft_pb_varint_size((uint64_t)ABI_HINCR_FLOAT << 3) + sizeof delta->number;
}

static uint8_t *put_delta(uint8_t *dst, const struct weft_kv_value *delta)
{
    uint64_t bits;
    if (delta->type == WEFT_KV_INTEGER)
        return weft_pb_put_uint(dst, ABI_HINCR_INTEGER, (uint64_t)delta->integer);
    memcpy(&bits, &delta->number, sizeof bits);
    return weft_pb_put_fixed64(dst, ABI_HINCR_FLOAT, bits);
}

/* The fields behind the table and the items. */
static size_t options_size(const struct weft_kv_request *request)
{
    switch (request->op) {
    case WEFT_KV_HSCAN:
    case WEFT_KV_TABLES:
        return page_size(request);
    case WEFT_KV_HINCR:
        return delta_size(&request->delta);
    case WEFT_KV_HEXPIRE:
        return expiry_size(&request->expiry);
    case WEFT_KV_NUMBER:
        return weft_pb_uint_size(ABI_WATCH_ONLY_NUMBER, 1);
    case WEFT_KV_SUBSCRIBE:
        return optional_size(ABI_SUBSCRIBE_PATTERN, request->pattern) +
               optional_size(ABI_SUBSCRIBE_END_IF_SLOW, request->end_if_slow);
    case WEFT_KV_UNSUBSCRIBE:
        return optional_size(ABI_UNSUBSCRIBE_ID, request->id);
    default:
        return optional_size(ABI_COMMAND_STATE, request->state);
    }
}

static uint8_t *put_options(uint8_t *dst, const struct weft_kv_request *request)
{
    switch (request->op) {
    case WEFT_KV_HSCAN:
    case WEFT_KV_TABLES:
        return put_page(dst, request);
    case WEFT_KV_HINCR:
        return put_delta(dst, &request->delta);
    case WEFT_KV_HEXPIRE:
        return put_expiry(dst, &request->expiry);
    case WEFT_KV_NUMBER:
        return weft_pb_put_uint(dst, ABI_WATCH_ONLY_NUMBER, 1);
    case WEFT_KV_SUBSCRIBE:
        dst = put_optional(dst, ABI_SUBSCRIBE_PATTERN, request->pattern);
        return put_optional(dst, ABI_SUBSCRIBE_END_IF_SLOW, request->end_if_slow);
    case WEFT_KV_UNSUBSCRIBE:
        return put_optional(dst, ABI_UNSUBSCRIBE_ID, request->id);
    default:
        return put_optional(dst, ABI_COMMAND_STATE, request->state);
    }
}

/* The first field: the table, or the prefix of names of tables. */
static struct weft_view first_field(const struct weft_kv_request *request)
{
    return request->op == WEFT_KV_TABLES ? request->prefix : request->table;
}

static size_t items_size(const struct weft_kv_request *request)
{
    size_t size = 0;
    if (has_single_key(request))
        return weft_pb_text_size(ABI_COMMAND_ITEM, request->keys->size);
    for (size_t i = 0; i < request->key_count; i++)
        size += weft_pb_bytes_size(ABI_COMMAND_ITEM, request->keys[i].size);
    for (size_t i = 0; i < request->pair_count; i++)
        size += weft_pb_bytes_size(ABI_COMMAND_ITEM, pair_size(&request->pairs[i]));
    for (size_t i = 0; i < request->change_count; i++)
        size += weft_pb_bytes_size(ABI_COMMAND_ITEM, change_size(&request->changes[i]));
    for (size_t i = 0; i < request->value_count; i++)
        size += weft_pb_bytes_size(ABI_COMMAND_ITEM, value_size(&request->values[i]));
    return size;
}

static uint8_t *put_items(uint8_t *dst, const struct weft_kv_request *request)
{
    if (has_single_key(request))
        return weft_pb_put_text(dst, ABI_COMMAND_ITEM, *request->keys);
    for (size_t i = 0; i < request->key_count; i++)
        dst = weft_pb_put_bytes(dst, ABI_COMMAND_ITEM, request->keys[i]);
    for (size_t i = 0; i < request->pair_count; i++) {
        dst = weft_pb_put_head(dst, ABI_COMMAND_ITEM, pair_size(&request->pairs[i]));
        dst = put_pair(dst, &request->pairs[i]);
    }
    for (size_t i = 0; i < request->change_count; i++) {
        dst = weft_pb_put_head(dst, ABI_COMMAND_ITEM, change_size(&request->changes[i]));
        dst = put_change(dst, &request->changes[i]);
    }
    for (size_t i = 0; i < request->value_count; i++) {
        dst = weft_pb_put_head(dst, ABI_COMMAND_ITEM, value_size(&request->values[i]));
        dst = put_value(dst, &request->values[i]);
    }
    return dst;
}

static void write_request(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__kv_request_body *self =
        (const struct weft__kv_request_body *)(const void *)body;
    const struct weft_kv_request *request = self->request;
    dst = weft_pb_put_head(dst, (uint32_t)request->op, self->inner);
    dst = weft_pb_put_text(dst, ABI_COMMAND_TABLE, first_field(request));
    dst = put_items(dst, request);
    (void)put_options(dst, request);
}

struct weft__kv_request_body weft__kv_request_to_body(const struct weft_kv_request *request)
{
    size_t inner = weft_pb_text_size(ABI_COMMAND_TABLE, first_field(request).size) +
                   items_size(request) + options_size(request);
    return (struct weft__kv_request_body){
        .body = {.size = weft_pb_bytes_size((uint32_t)request->op, inner), .write = write_request},
        .request = request,
        .inner = inner,
    };
}
