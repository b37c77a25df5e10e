/* SPDX-License-Identifier: MIT */
#include "services/kv/client_watch.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "line.h"
#include "services/kv/faces/protobuf/abi.h"
#include "services/payload/protobuf/text.h"
#include "services/payload/protobuf/writer.h"

struct watch_body {
    struct weft_body body; /* first */
    const struct weft_kv_watched *watched;
    size_t inner;
};

static uint32_t key_field(const struct weft_kv_watched *watched)
{
    return watched->one ? ABI_WATCH_KEY : ABI_WATCH_PREFIX;
}

/* A key is one that may be empty; an empty prefix is as good as none. */
static bool has_key(const struct weft_kv_watched *watched)
{
    return watched->one || watched->key.size > 0;
}

static size_t inner_size(const struct weft_kv_watched *watched)
{
    size_t size = weft_pb_text_size(ABI_COMMAND_TABLE, watched->table.size);
    if (has_key(watched))
        size += weft_pb_bytes_size(key_field(watched), watched->key.size);
    if (watched->from != 0)
        size += weft_pb_uint_size(ABI_WATCH_FROM, watched->from);
    if (watched->all_tables)
        size += weft_pb_uint_size(ABI_WATCH_ALL_TABLES, 1);
    return watched->versions ? size + weft_pb_uint_size(ABI_WATCH_VERSIONS, 1) : size;
}

static void write_watch(const struct weft_body *body, uint8_t *dst)
{
    const struct watch_body *self = (const struct watch_body *)(const void *)body;
    const struct weft_kv_watched *watched = self->watched;
    dst = weft_pb_put_head(dst, ABI_WATCH, self->inner);
    dst = weft_pb_put_text(dst, ABI_COMMAND_TABLE, watched->table);
    if (has_key(watched))
        dst = weft_pb_put_bytes(dst, key_field(watched), watched->key);
    if (watched->from != 0)
        dst = weft_pb_put_uint(dst, ABI_WATCH_FROM, watched->from);
    if (watched->all_tables)
        dst = weft_pb_put_uint(dst, ABI_WATCH_ALL_TABLES, 1);
    if (watched->versions)
        (void)weft_pb_put_uint(dst, ABI_WATCH_VERSIONS, 1);
}

/* A watch that has ended takes no further message. */
static void end(struct weft_kv_watch *watch, int status, const struct weft_kv_reply *reply)
{
    if (watch->has_ended)
        return;
    watch->has_ended = true;
    watch->ended(watch, status, reply);
}

static void tell(struct weft_kv_watch *watch, const struct weft_kv_reply *reply,
                 struct weft_view payload)
{
    watch->payload = payload;
    watch->changed(watch, reply);
}

static void on_message(struct weft_call *raw, int status, struct weft_view payload, bool last)
{
    struct weft_kv_watch *watch = weft_container_of(raw, struct weft_kv_watch, call);
    struct weft_arena *arena = &watch->client->arena;
    struct weft_kv_reply reply;
    const char *why = NULL;
    (void)last;
    if (watch->has_ended)
        return;
    if (status == 0)
        status = weft__kv_reply_read(&reply, payload, arena, &why);
    watch->why = status < 0 ? why : NULL;
    if (status < 0)
        end(watch, status, NULL);
    else if (reply.status != 200)
        end(watch, 0, &reply);
    else
        tell(watch, &reply, payload);
    weft_arena_reset(arena);
}

int weft_kv_client_watch(struct weft_kv_client *client, struct weft_kv_watch *watch,
                         const struct weft_kv_watched *watched, struct weft_error *error)
{
    if (client->in_lines)
        return weft_error_set(error, -ENOTSUP,
                              "codec 'line' carries no watches: use codec '" WEFT__KV_LINE_INSTEAD
                              "'");
    if (!weft_pb_is_text(watched->table) || !weft_pb_is_text(watched->key))
        return weft_error_set(error, -EINVAL, "the %s is not valid UTF-8",
                              weft_pb_is_text(watched->table) ? "key" : "table");
    watch->client = client;
    watch->has_ended = false;
    watch->why = NULL;
    watch->call = (struct weft_call){.done = on_message, .replies = UINT32_MAX};
    struct watch_body body = {.watched = watched, .inner = inner_size(watched)};
    body.body =
        (struct weft_body){.size = weft_pb_bytes_size(ABI_WATCH, body.inner), .write = write_watch};
    return weft_client_call(client->connection, &watch->call, &body.body, error);
}

int weft_kv_client_number(struct weft_kv_client *client, struct weft_kv_call *call,
                          struct weft_view table, struct weft_error *error)
{
    const struct weft_kv_request request = {.op = WEFT_KV_NUMBER, .table = table};
    return weft_kv_client_send(client, call, &request, error);
}
