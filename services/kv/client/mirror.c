/* SPDX-License-Identifier: MIT
 *
 * First the watch begins, so that no change can be missed. Then the table is read, page by page, while the changes that
 * come are held. Then a number is asked for that no change exceeds which a page can have shown. Once the watch has come
 * that far, the changes that were held are told, and the copy is whole. */
#include <errno.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "message.h"
#include "services/kv/client_watch.h"

enum { HELD_MOST = 256 << 20 };

struct state {
    struct weft_kv_mirror *mirror;
    struct weft_kv_client *watching, *reading;
    struct weft_kv_watch watch;
    struct weft_kv_call call;
    struct weft_bytes table, cursor;
    struct weft_buf held;  /* messages of the watch: size and bytes each */
    struct weft_buf empty; /* keys that came without a value: size and bytes each */
    bool began;            /* the watch has */
    bool has_fence;
    uint64_t fence;  /* the copy is whole when the watch has told so much */
    uint64_t number; /* all up to it have come, and are held or told */
    bool ended;
};

static void end(struct state *self, bool again, struct weft_error *error)
{
    if (self->ended)
        return;
    self->ended = true;
    self->mirror->ended(self->mirror, again, error);
}

static void end_with(struct state *self, int status, const char *why)
{
    struct weft_error error;
    weft_error_set(&error, status, "%s", why && *why ? why : weft_strerror(status));
    end(self, false, &error);
}

static void end_refused(struct state *self, const struct weft_kv_reply *reply)
{
    struct weft_error error;
    int size = (int)(reply->message.size < 300 ? reply->message.size : 300);
    weft_error_set(&error, -EPROTO, "%u %.*s", reply->status, size,
                   (const char *)reply->message.data);
    end(self, reply->status == 410, &error);
}

static int put_aside(struct weft_buf *buf, struct weft_view bytes)
{
    int err = weft_buf_append(buf, weft_view(&bytes.size, sizeof bytes.size));
    return err < 0 ? err : weft_buf_append(buf, bytes);
}

/* Returns what was put aside first. */
static struct weft_view first_of(const struct weft_buf *buf)
{
    struct weft_view view = weft_buf_view(buf);
    size_t size;
    memcpy(&size, view.data, sizeof size);
    return weft_view(view.data + sizeof size, size);
}

static void drop_first(struct weft_buf *buf)
{
    weft_buf_consume(buf, sizeof(size_t) + first_of(buf).size);
}

static void tell_changes(struct state *self, const struct weft_kv_reply *reply)
{
    for (size_t i = 0; i < reply->change_count && !self->ended; i++)
        self->mirror->changed(self->mirror, &reply->changes[i]);
    self->mirror->number = reply->number;
}

/* Tells what was held. False: the mirror has ended. */
static bool tell_held(struct state *self)
{
    struct weft_arena *arena = &self->reading->arena;
    while (weft_buf_size(&self->held) > 0 && !self->ended) {
        struct weft_kv_reply reply;
        const char *why;
        int err = weft__kv_reply_read(&reply, first_of(&self->held), arena, &why);
        if (err < 0)
            end_with(self, err, why);
        else
            tell_changes(self, &reply);
        drop_first(&self->held);
    }
    weft_buf_fini(&self->held);
    return !self->ended;
}

static void become_whole_if_due(struct state *self)
{
    struct weft_kv_mirror *mirror = self->mirror;
    if (mirror->is_whole || !self->has_fence || self->number < self->fence || !tell_held(self))
        return;
    mirror->number = self->number;
    mirror->is_whole = true;
    if (mirror->whole)
        mirror->whole(mirror);
}

static void ask(struct state *self);

static void on_fence(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct state *self = weft_container_of(call, struct state, call);
    if (status < 0 || reply->status != 200) {
        if (status < 0)
            end_with(self, status, call->why);
        else
            end_refused(self, reply);
        return;
    }
    self->has_fence = true;
    self->fence = reply->number;
    become_whole_if_due(self);
}

static uint64_t expires_of(const struct weft_kv_reply *reply, size_t index)
{
    return index < reply->state_count ? reply->states[index].expires : 0;
}

/* A page has a pair without its value if that is empty, or larger than a page. */
static int take_page(struct state *self, const struct weft_kv_reply *reply)
{
    struct weft_kv_mirror *mirror = self->mirror;
    weft_bytes_fini(&self->cursor);
    int err = weft_bytes_copy(&self->cursor, reply->cursor);
    for (size_t i = 0; i < reply->pair_count && err == 0; i++) {
        const struct weft_kv_pair *pair = &reply->pairs[i];
        if (pair->value.type == WEFT_KV_EMPTY)
            err = put_aside(&self->empty, pair->key);
        else
            mirror->pair(mirror, pair, expires_of(reply, i));
    }
    return err;
}

static void on_page(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct state *self = weft_container_of(call, struct state, call);
    int err = status == 0 && reply->status == 200 ? take_page(self, reply) : 0;
    if (status < 0 || err < 0)
        end_with(self, status < 0 ? status : err, call->why);
    else if (reply->status != 200)
        end_refused(self, reply);
    else
        ask(self);
}

static void on_value(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct state *self = weft_container_of(call, struct state, call);
    if (status < 0) {
        end_with(self, status, call->why);
        return;
    }
    if (reply->status != 200 && reply->status != 404) {
        end_refused(self, reply);
        return;
    }
    if (reply->status == 200 && reply->value_count == 1) {
        const struct weft_kv_pair pair = {first_of(&self->empty), reply->values[0]};
        self->mirror->pair(self->mirror, &pair, expires_of(reply, 0));
    }
    drop_first(&self->empty);
    ask(self);
}

static int ask_value(struct state *self, struct weft_error *error)
{
    struct weft_view key = first_of(&self->empty);
    const struct weft_kv_request request = {
        .op = WEFT_KV_HGET,
        .table = weft_view(self->table.data, self->table.size),
        .keys = &key,
        .key_count = 1,
        .state = true,
    };
    self->call = (struct weft_kv_call){.done = on_value};
    return weft_kv_client_send(self->reading, &self->call, &request, error);
}

static int ask_page(struct state *self, struct weft_error *error)
{
    const struct weft_kv_request request = {
        .op = WEFT_KV_HSCAN,
        .table = weft_view(self->table.data, self->table.size),
        .cursor = weft_view(self->cursor.data, self->cursor.size),
        .state = true,
    };
    self->call = (struct weft_kv_call){.done = on_page};
    return weft_kv_client_send(self->reading, &self->call, &request, error);
}

static int ask_fence(struct state *self, struct weft_error *error)
{
    self->call = (struct weft_kv_call){.done = on_fence};
    return weft_kv_client_number(self->reading, &self->call,
                                 weft_view(self->table.data, self->table.size), error);
}

/* Asks for what is missing next. */
static void ask(struct state *self)
{
    struct weft_error error;
    int err = 0;
    if (self->ended)
        return;
    bool is_first = !self->began;
    self->began = true;
    if (weft_buf_size(&self->empty) > 0)
        err = ask_value(self, &error);
    else if (is_first || self->cursor.size > 0)
        err = ask_page(self, &error);
    else
        err = ask_fence(self, &error);
    if (err < 0)
        end(self, false, &error);
}

static void hold(struct state *self, struct weft_view payload)
{
    size_t most = self->mirror->most_held > 0 ? self->mirror->most_held : HELD_MOST;
    struct weft_error error;
    if (weft_buf_size(&self->held) + payload.size > most) {
        weft_error_set(&error, -ENOBUFS, "too many changes came while the table was read");
        end(self, true, &error);
        return;
    }
    int err = put_aside(&self->held, payload);
    if (err < 0)
        end_with(self, err, NULL);
}

static void on_changed(struct weft_kv_watch *watch, const struct weft_kv_reply *reply)
{
    struct state *self = weft_container_of(watch, struct state, watch);
    if (self->ended)
        return;
    self->number = reply->number;
    if (!self->began)
        ask(self);
    else if (self->mirror->is_whole)
        tell_changes(self, reply);
    else
        hold(self, watch->payload);
    if (!self->ended)
        become_whole_if_due(self);
}

static void on_ended(struct weft_kv_watch *watch, int status, const struct weft_kv_reply *reply)
{
    struct state *self = weft_container_of(watch, struct state, watch);
    if (status < 0)
        end_with(self, status,
                 watch->why ? watch->why : weft_client_trouble(self->watching->connection));
    else
        end_refused(self, reply);
}

int weft_kv_mirror_start(struct weft_kv_mirror *mirror, struct weft_kv_client *watching,
                         struct weft_kv_client *reading, struct weft_view table,
                         struct weft_error *error)
{
    const struct weft_kv_watched watched = {.table = table};
    struct state *self = weft_calloc(1, sizeof *self);
    int err = self ? weft_bytes_copy(&self->table, table) : -ENOMEM;
    if (err < 0) {
        weft_free(self);
        return weft_error_set(error, err, "%s", weft_strerror(err));
    }
    self->mirror = mirror;
    self->watching = watching;
    self->reading = reading;
    self->watch = (struct weft_kv_watch){.changed = on_changed, .ended = on_ended};
    mirror->state = self;
    mirror->is_whole = false;
    err = weft_kv_client_watch(watching, &self->watch, &watched, error);
    if (err < 0)
        weft_kv_mirror_stop(mirror);
    return err;
}

void weft_kv_mirror_stop(struct weft_kv_mirror *mirror)
{
    struct state *self = mirror->state;
    if (!self)
        return;
    mirror->state = NULL;
    weft_bytes_fini(&self->table);
    weft_bytes_fini(&self->cursor);
    weft_buf_fini(&self->held);
    weft_buf_fini(&self->empty);
    weft_free(self);
}
