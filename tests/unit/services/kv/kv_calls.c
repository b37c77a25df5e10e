/* SPDX-License-Identifier: MIT */
#include "kv_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "services/kv/client/message.h"

static struct weft_arena arena;

struct weft_bytes kv_call_payload(const struct weft_kv_request *request)
{
    struct weft__kv_request_body body = weft__kv_request_to_body(request);
    struct weft_error error;
    if (weft__kv_request_check(request, &error) < 0)
        fail_msg("%s", error.text);
    uint8_t *payload = malloc(body.body.size + 1);
    assert_non_null(payload);
    weft_body_write(&body.body, payload);
    return (struct weft_bytes){payload, body.body.size};
}

const struct weft_kv_reply *kv_call(const struct weft_kv_request *request)
{
    static struct weft_kv_reply reply;
    const char *why;
    (void)ask(kv_call_payload(request));
    weft_arena_fini(&arena);
    weft_arena_init(&arena, SIZE_MAX);
    assert_int_equal(weft__kv_reply_read(&reply, weft_view(kv_talk.reply.data, kv_talk.reply.size),
                                         &arena, &why),
                     0);
    return &reply;
}

const struct weft_kv_reply *kv_put(const struct weft_kv_change *changes, size_t count)
{
    const struct weft_kv_request request = {.op = WEFT_KV_HPUT,
                                            .table = VIEW("t"),
                                            .changes = changes,
                                            .change_count = count,
                                            .state = true};
    return kv_call(&request);
}

const struct weft_kv_reply *kv_put_one(struct weft_kv_change change)
{
    return kv_put(&change, 1);
}

const struct weft_kv_reply *kv_expire(const char *key, struct weft_kv_expiry expiry)
{
    const struct weft_view view = weft_view_str(key);
    const struct weft_kv_request request = {
        .op = WEFT_KV_HEXPIRE, .table = VIEW("t"), .keys = &view, .key_count = 1, .expiry = expiry};
    return kv_call(&request);
}

int kv_calls_teardown(void **state)
{
    weft_arena_fini(&arena);
    return kv_talk_teardown(state);
}

struct weft_kv_change storing(const char *key, const char *text)
{
    return (struct weft_kv_change){
        .key = weft_view_str(key),
        .what = WEFT_KV_STORE,
        .value = {.type = WEFT_KV_STRING, .bytes = weft_view_str(text)},
    };
}

struct weft_kv_change removing(const char *key)
{
    return (struct weft_kv_change){.key = weft_view_str(key), .what = WEFT_KV_REMOVE};
}
