/* SPDX-License-Identifier: MIT */
#include "services/kv/client.h"

#include "core/base/compiler.h"
#include "line.h"
#include "message.h"

void weft_kv_client_init(struct weft_kv_client *client, struct weft_client *connection,
                         size_t budget)
{
    *client = (struct weft_kv_client){
        .connection = connection,
        .in_lines = strcmp(weft_client_speaks(connection), "line") == 0,
    };
    weft_arena_init(&client->arena, budget);
}

void weft_kv_client_fini(struct weft_kv_client *client)
{
    weft_arena_fini(&client->arena);
    *client = (struct weft_kv_client){0};
}

static void on_done(struct weft_call *raw, int status, struct weft_view payload, bool last)
{
    (void)last; /* kv answers a command with one message */
    struct weft_kv_call *call = weft_container_of(raw, struct weft_kv_call, call);
    struct weft_arena *arena = &call->client->arena;
    if (status < 0) {
        call->done(call, status, NULL);
        return;
    }
    struct weft_kv_reply reply;
    const char *why;
    status = call->client->in_lines
                 ? weft__kv_line_read(&reply, payload, (enum weft__kv_line_answer)call->answer,
                                      arena, &why)
                 : weft__kv_reply_read(&reply, payload, arena, &why);
    call->why = status < 0 ? why : NULL;
    call->done(call, status, status < 0 ? NULL : &reply);
    weft_arena_reset(arena);
}

static struct weft__kv_request_body body_of(const struct weft_kv_client *client,
                                            const struct weft_kv_request *request)
{
    return client->in_lines ? weft__kv_line_to_body(request) : weft__kv_request_to_body(request);
}

static void begin(struct weft_kv_client *client, struct weft_kv_call *call,
                  enum weft__kv_line_answer answer)
{
    call->answer = (int)answer;
    call->client = client;
    call->why = NULL;
    call->call = (struct weft_call){.done = on_done, .timeout = call->timeout};
}

int weft_kv_client_send(struct weft_kv_client *client, struct weft_kv_call *call,
                        const struct weft_kv_request *request, struct weft_error *error)
{
    int err = weft__kv_request_check(request, error);
    if (err == 0 && client->in_lines)
        err = weft__kv_line_check(request, error);
    if (err < 0)
        return err;
    begin(client, call, weft__kv_line_answer_of(request));
    struct weft__kv_request_body body = body_of(client, request);
    return weft_client_call(client->connection, &call->call, &body.body, error);
}

int weft_kv_client_login(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view user, struct weft_view password, struct weft_error *error)
{
    struct weft__kv_login_body body;
    int err = weft__kv_login_to_body(&body, user, password, client->in_lines, error);
    if (err < 0)
        return err;
    begin(client, call, WEFT__KV_LINE_VALUES);
    call->call.is_secret = true;
    return weft_client_call(client->connection, &call->call, &body.body, error);
}

static int call_keys(struct weft_kv_client *client, struct weft_kv_call *call, enum weft_kv_op op,
                     struct weft_view table, const struct weft_view *keys, size_t count,
                     struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = op, .table = table, .keys = keys, .key_count = count};
    return weft_kv_client_send(client, call, &request, error);
}

static int call_pairs(struct weft_kv_client *client, struct weft_kv_call *call, enum weft_kv_op op,
                      struct weft_view table, const struct weft_kv_pair *pairs, size_t count,
                      struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = op, .table = table, .pairs = pairs, .pair_count = count};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_hget(struct weft_kv_client *client, struct weft_kv_call *call,
                        struct weft_view table, struct weft_view key, struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HGET, table, &key, 1, error);
}

int weft_kv_client_hgetall(struct weft_kv_client *client, struct weft_kv_call *call,
                           struct weft_view table, struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HGETALL, table, NULL, 0, error);
}

int weft_kv_client_hmget(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view table, const struct weft_view *keys, size_t count,
                         struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HMGET, table, keys, count, error);
}

int weft_kv_client_hset(struct weft_kv_client *client, struct weft_kv_call *call,
                        struct weft_view table, const struct weft_kv_pair *pair,
                        struct weft_error *error)
{
    return call_pairs(client, call, WEFT_KV_HSET, table, pair, 1, error);
}

int weft_kv_client_hmset(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view table, const struct weft_kv_pair *pairs, size_t count,
                         struct weft_error *error)
{
    return call_pairs(client, call, WEFT_KV_HMSET, table, pairs, count, error);
}

int weft_kv_client_hdel(struct weft_kv_client *client, struct weft_kv_call *call,
                        struct weft_view table, struct weft_view key, struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HDEL, table, &key, 1, error);
}

int weft_kv_client_hmdel(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view table, const struct weft_view *keys, size_t count,
                         struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HMDEL, table, keys, count, error);
}

int weft_kv_client_hexist(struct weft_kv_client *client, struct weft_kv_call *call,
                          struct weft_view table, struct weft_view key, struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HEXIST, table, &key, 1, error);
}

int weft_kv_client_hmexist(struct weft_kv_client *client, struct weft_kv_call *call,
                           struct weft_view table, const struct weft_view *keys, size_t count,
                           struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_HMEXIST, table, keys, count, error);
}

int weft_kv_client_hscan(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view table, struct weft_view cursor, uint32_t limit,
                         struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_HSCAN, .table = table, .cursor = cursor, .limit = limit};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_hput(struct weft_kv_client *client, struct weft_kv_call *call,
                        struct weft_view table, const struct weft_kv_change *changes, size_t count,
                        bool state, struct weft_error *error)
{
    const struct weft_kv_request request = {.op = WEFT_KV_HPUT,
                                            .table = table,
                                            .changes = changes,
                                            .change_count = count,
                                            .state = state};
    return weft_kv_client_send(client, call, &request, error);
}

static int call_hincr(struct weft_kv_client *client, struct weft_kv_call *call,
                      struct weft_view table, struct weft_view key, struct weft_kv_value delta,
                      struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_HINCR, .table = table, .keys = &key, .key_count = 1, .delta = delta};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_hincr(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view table, struct weft_view key, int64_t delta,
                         struct weft_error *error)
{
    const struct weft_kv_value value = {.type = WEFT_KV_INTEGER, .integer = delta};
    return call_hincr(client, call, table, key, value, error);
}

int weft_kv_client_hincr_float(struct weft_kv_client *client, struct weft_kv_call *call,
                               struct weft_view table, struct weft_view key, double delta,
                               struct weft_error *error)
{
    const struct weft_kv_value value = {.type = WEFT_KV_FLOAT, .number = delta};
    return call_hincr(client, call, table, key, value, error);
}

int weft_kv_client_hexpire(struct weft_kv_client *client, struct weft_kv_call *call,
                           struct weft_view table, const struct weft_view *keys, size_t count,
                           struct weft_kv_expiry expiry, struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_HEXPIRE, .table = table, .keys = keys, .key_count = count, .expiry = expiry};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_tables(struct weft_kv_client *client, struct weft_kv_call *call,
                          struct weft_view prefix, struct weft_view cursor, uint32_t limit,
                          struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_TABLES, .prefix = prefix, .cursor = cursor, .limit = limit};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_drop(struct weft_kv_client *client, struct weft_kv_call *call,
                        struct weft_view table, struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_DROP, table, NULL, 0, error);
}

int weft_kv_client_count(struct weft_kv_client *client, struct weft_kv_call *call,
                         struct weft_view table, struct weft_error *error)
{
    return call_keys(client, call, WEFT_KV_COUNT, table, NULL, 0, error);
}
