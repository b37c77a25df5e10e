/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "message.h"

static bool counts_fit(const struct weft_kv_request *request)
{
    size_t keys = request->key_count, pairs = request->pair_count, changes = request->change_count;
    switch (request->op) {
    case WEFT_KV_HGET:
    case WEFT_KV_HDEL:
    case WEFT_KV_HEXIST:
    case WEFT_KV_HINCR:
        return keys == 1 && pairs + changes == 0;
    case WEFT_KV_HGETALL:
    case WEFT_KV_HSCAN:
    case WEFT_KV_TABLES:
    case WEFT_KV_DROP:
    case WEFT_KV_COUNT:
    case WEFT_KV_NUMBER:
    case WEFT_KV_SUBSCRIBE:
    case WEFT_KV_UNSUBSCRIBE:
    case WEFT_KV_PUBLISH:
        return keys + pairs + changes == 0;
    case WEFT_KV_HMGET:
    case WEFT_KV_HMDEL:
    case WEFT_KV_HMEXIST:
    case WEFT_KV_HEXPIRE:
        return pairs + changes == 0;
    case WEFT_KV_HSET:
        return pairs == 1 && keys + changes == 0;
    case WEFT_KV_HMSET:
        return keys + changes == 0;
    case WEFT_KV_HPUT:
        return keys + pairs == 0;
    }
    return false;
}

static int check_item(struct weft_view key, const struct weft_kv_value *value, size_t index,
                      struct weft_error *error)
{
    if (!weft_utf8_valid(key))
        return weft_error_set(error, -EINVAL, "key %zu is not UTF-8", index + 1);
    if (value && value->type == WEFT_KV_STRING && !weft_utf8_valid(value->bytes))
        return weft_error_set(error, -EINVAL, "string %zu is not UTF-8", index + 1);
    return 0;
}

static int check_change(const struct weft_kv_change *change, size_t index, struct weft_error *error)
{
    size_t size = change->version.size;
    if (change->condition == WEFT_KV_IF_VERSION && size != 0 && size != 16)
        return weft_error_set(error, -EINVAL, "version %zu is not of 16 bytes", index + 1);
    return check_item(change->key, change->what == WEFT_KV_STORE ? &change->value : NULL, index,
                      error);
}

static int check_options(const struct weft_kv_request *request, struct weft_error *error)
{
    enum weft_kv_type delta = request->delta.type;
    bool is_topic = request->op >= WEFT_KV_SUBSCRIBE && request->op <= WEFT_KV_PUBLISH;
    if (!weft_utf8_valid(request->table))
        return weft_error_set(error, -EINVAL, "the %s is not UTF-8", is_topic ? "topic" : "table");
    if (!weft_utf8_valid(request->prefix))
        return weft_error_set(error, -EINVAL, "the prefix is not UTF-8");
    if (!weft_utf8_valid(request->match))
        return weft_error_set(error, -EINVAL, "the pattern is not UTF-8");
    if (request->op == WEFT_KV_HINCR && delta != WEFT_KV_INTEGER && delta != WEFT_KV_FLOAT)
        return weft_error_set(error, -EINVAL, "what is added is neither an integer nor a float");
    if (request->op == WEFT_KV_HEXPIRE && request->expiry.when == WEFT_KV_EXPIRE_KEEP)
        return weft_error_set(error, -EINVAL, "hexpire does not keep an expiry: say nothing");
    return 0;
}

int weft__kv_request_check(const struct weft_kv_request *request, struct weft_error *error)
{
    if (!counts_fit(request))
        return weft_error_set(error, -EINVAL, "not as many keys and pairs as the command takes");
    int err = check_options(request, error);
    for (size_t i = 0; err == 0 && i < request->key_count; i++)
        err = check_item(request->keys[i], NULL, i, error);
    for (size_t i = 0; err == 0 && i < request->pair_count; i++)
        err = check_item(request->pairs[i].key, &request->pairs[i].value, i, error);
    for (size_t i = 0; err == 0 && i < request->value_count; i++)
        err = check_item(weft_view(NULL, 0), &request->values[i], i, error);
    for (size_t i = 0; err == 0 && i < request->change_count; i++)
        err = check_change(&request->changes[i], i, error);
    return err;
}
