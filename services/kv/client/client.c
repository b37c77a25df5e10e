/* SPDX-License-Identifier: MIT */
#include "services/kv/client.h"

#include "core/base/container.h"
#include "message.h"

void kvc_client_init(struct kvc_client *client, struct weft_client *connection, size_t budget)
{
    *client = (struct kvc_client){.connection = connection};
    weft_arena_init(&client->arena, budget);
}

void kvc_client_fini(struct kvc_client *client)
{
    weft_arena_fini(&client->arena);
    *client = (struct kvc_client){0};
}

static void on_done(struct weft_call *raw, int status, struct weft_view payload, bool last)
{
    (void)last; /* kv answers a command with one message */
    struct kvc_call *call = weft_container_of(raw, struct kvc_call, call);
    struct weft_arena *arena = &call->client->arena;
    if (status < 0) {
        call->done(call, status, NULL);
        return;
    }
    struct kvc_reply reply;
    const char *why;
    status = kvc_reply_read(&reply, payload, arena, &why);
    call->why = status < 0 ? why : NULL;
    call->done(call, status, status < 0 ? NULL : &reply);
    weft_arena_reset(arena);
}

int kvc_send(struct kvc_client *client, struct kvc_call *call, const struct kvc_request *request,
             struct weft_error *error)
{
    int err = kvc_request_check(request, error);
    if (err < 0)
        return err;
    call->client = client;
    call->why = NULL;
    call->call = (struct weft_call){.done = on_done, .timeout = call->timeout};
    struct kvc_request_body body = kvc_request_to_body(request);
    return weft_client_call(client->connection, &call->call, &body.body, error);
}

static int call_keys(struct kvc_client *client, struct kvc_call *call, enum kvc_op op,
                     struct weft_view table, const struct weft_view *keys, size_t count,
                     struct weft_error *error)
{
    const struct kvc_request request = {.op = op, .table = table, .keys = keys, .key_count = count};
    return kvc_send(client, call, &request, error);
}

static int call_pairs(struct kvc_client *client, struct kvc_call *call, enum kvc_op op,
                      struct weft_view table, const struct kvc_pair *pairs, size_t count,
                      struct weft_error *error)
{
    const struct kvc_request request = {
        .op = op, .table = table, .pairs = pairs, .pair_count = count};
    return kvc_send(client, call, &request, error);
}

int kvc_hget(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
             struct weft_view key, struct weft_error *error)
{
    return call_keys(client, call, KVC_HGET, table, &key, 1, error);
}

int kvc_hgetall(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
                struct weft_error *error)
{
    return call_keys(client, call, KVC_HGETALL, table, NULL, 0, error);
}

int kvc_hmget(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
              const struct weft_view *keys, size_t count, struct weft_error *error)
{
    return call_keys(client, call, KVC_HMGET, table, keys, count, error);
}

int kvc_hset(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
             const struct kvc_pair *pair, struct weft_error *error)
{
    return call_pairs(client, call, KVC_HSET, table, pair, 1, error);
}

int kvc_hmset(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
              const struct kvc_pair *pairs, size_t count, struct weft_error *error)
{
    return call_pairs(client, call, KVC_HMSET, table, pairs, count, error);
}

int kvc_hdel(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
             struct weft_view key, struct weft_error *error)
{
    return call_keys(client, call, KVC_HDEL, table, &key, 1, error);
}

int kvc_hmdel(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
              const struct weft_view *keys, size_t count, struct weft_error *error)
{
    return call_keys(client, call, KVC_HMDEL, table, keys, count, error);
}

int kvc_hexist(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
               struct weft_view key, struct weft_error *error)
{
    return call_keys(client, call, KVC_HEXIST, table, &key, 1, error);
}

int kvc_hmexist(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
                const struct weft_view *keys, size_t count, struct weft_error *error)
{
    return call_keys(client, call, KVC_HMEXIST, table, keys, count, error);
}

int kvc_hscan(struct kvc_client *client, struct kvc_call *call, struct weft_view table,
              struct weft_view cursor, uint32_t limit, struct weft_error *error)
{
    const struct kvc_request request = {
        .op = KVC_HSCAN, .table = table, .cursor = cursor, .limit = limit};
    return kvc_send(client, call, &request, error);
}
