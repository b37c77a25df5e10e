/* SPDX-License-Identifier: MIT */
#include "services/kv/client_topics.h"

#include "abi.pb-c.h"
#include "line.h"
#include "services/kv/faces/protobuf/abi.h"
#include "services/payload/protobuf/reader.h"

int weft_kv_client_subscribe(struct weft_kv_client *client, struct weft_kv_call *call,
                             struct weft_view topic, bool pattern, bool end_if_slow,
                             struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_SUBSCRIBE, .table = topic, .pattern = pattern, .end_if_slow = end_if_slow};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_unsubscribe(struct weft_kv_client *client, struct weft_kv_call *call,
                               struct weft_view topic, uint32_t id, struct weft_error *error)
{
    const struct weft_kv_request request = {.op = WEFT_KV_UNSUBSCRIBE, .table = topic, .id = id};
    return weft_kv_client_send(client, call, &request, error);
}

int weft_kv_client_publish(struct weft_kv_client *client, struct weft_kv_call *call,
                           struct weft_view topic, const struct weft_kv_value *values, size_t count,
                           struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_PUBLISH, .table = topic, .values = values, .value_count = count};
    return weft_kv_client_send(client, call, &request, error);
}

/* Looks for the topic alone, since most messages of a connection may be replies. */
static bool is_push(struct weft_view payload)
{
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_response__descriptor, &budget);
    struct weft_pb_field field;
    while (weft_pb_next(&reader, &field) > 0)
        if (field.descriptor && field.number == ABI_RESPONSE_TOPIC)
            return true;
    return false;
}

bool weft_kv_client_take_push(struct weft_kv_client *client, struct weft_view payload,
                              void (*told)(void *arg, const struct weft_kv_reply *message),
                              void *arg)
{
    struct weft_arena arena;
    struct weft_kv_reply message;
    const char *why;
    if (!(client->in_lines ? weft__kv_line_is_push(payload) : is_push(payload)))
        return false;
    /* The callback may close the connection and free the client. */
    weft_arena_init(&arena, SIZE_MAX);
    int err = client->in_lines ? weft__kv_line_read_push(&message, payload, &arena, &why)
                               : weft__kv_reply_read(&message, payload, &arena, &why);
    told(arg, err < 0 ? NULL : &message);
    weft_arena_fini(&arena);
    return true;
}
