/* SPDX-License-Identifier: MIT */
#include "method.h"

#include "abi.h"

static const char service[] = "/weft.kv.v1.Kv/";

/* A test compares this with proto/kv.proto. */
static const struct {
    const char *name;
    int number;
} methods[] = {
    {"Hget", ABI_HGET},
    {"Hset", ABI_HSET},
    {"Execute", KV_METHOD_EXECUTE},
    {"Watch", ABI_WATCH},
    {"Hgetall", ABI_HGETALL},
    {"Hmget", ABI_HMGET},
    {"Hmset", ABI_HMSET},
    {"Hdel", ABI_HDEL},
    {"Hmdel", ABI_HMDEL},
    {"Hexist", ABI_HEXIST},
    {"Hmexist", ABI_HMEXIST},
    {"Hscan", ABI_HSCAN},
    {"Hput", ABI_HPUT},
    {"Hincr", ABI_HINCR},
    {"Hexpire", ABI_HEXPIRE},
    {"Tables", ABI_TABLES},
    {"Drop", ABI_DROP},
    {"Count", ABI_COUNT},
    {"Subscribe", ABI_SUBSCRIBE},
    {"Unsubscribe", ABI_UNSUBSCRIBE},
    {"Publish", ABI_PUBLISH},
    {"Login", ABI_LOGIN},
};

int kv__method_of(struct weft_view target)
{
    const size_t size = sizeof service - 1;
    if (target.size < size || memcmp(target.data, service, size) != 0)
        return KV_METHOD_BESIDE;
    const struct weft_view name = weft_view_skip(target, size);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (weft_view_equal(name, weft_view_str(methods[i].name)))
            return methods[i].number;
    return KV_METHOD_UNKNOWN;
}
