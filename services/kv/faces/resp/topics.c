/* SPDX-License-Identifier: MIT */
#include "topics.h"

#include <errno.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/connections.h"
#include "services/kv/keyspace.h"
#include "services/kv/subscription.h"

struct resp_subscriber {
    struct kv_follower follower;
    struct resp_conn *conn; /* NULL: it has ended, and only the walk is awaited */
    struct weft_request *request;
    const struct kv_keyspace *keyspace;
    uint64_t max_message;
    struct weft_blob *first; /* the reply to the first SUBSCRIBE, while it waits for room */
    bool ends;               /* nothing is followed any more; what waits is sent */
    bool is_walking;
    struct weft_walk walk;
};

/* --- messages -------------------------------------------------------------------------------------- */

/* A message is an array of its kind, in RESP3 a push: the pattern, if it came by one, the topic, and the text. */
static size_t message_size(const struct kv_feed_run *run, struct weft_view text)
{
    bool by_pattern = run->source->matches;
    return weft_resp_head_size(by_pattern ? 4 : 3) + weft_resp_bulk_size(by_pattern ? 8 : 7) +
           (by_pattern ? weft_resp_bulk_size(run->source->name.size) : 0) +
           weft_resp_bulk_size(run->topic.size) + weft_resp_bulk_size(text.size);
}

static uint8_t *put_message(uint8_t *dst, const struct kv_feed_run *run, struct weft_view text,
                            enum weft_resp_mark mark)
{
    bool by_pattern = run->source->matches;
    dst = weft_resp_put_head(dst, mark, by_pattern ? 4 : 3);
    dst = weft_resp_put_bulk(dst, weft_view_str(by_pattern ? "pmessage" : "message"));
    if (by_pattern)
        dst = weft_resp_put_bulk(dst, run->source->name);
    dst = weft_resp_put_bulk(dst, run->topic);
    return weft_resp_put_bulk(dst, text);
}

/* The messages of a run stand side by side. */
static struct weft_blob *make(const struct kv_feed_run *run, enum weft_resp_mark mark)
{
    char space[RESP_NUMBER_MAX];
    struct weft_view rest = run->values, value;
    size_t size = 0;
    uint8_t *dst;
    while (kv_feed_next_value(&rest, &value))
        size += message_size(run, resp_value_text(value, space));
    struct weft_blob *blob = weft_blob_new(size, &dst);
    rest = run->values;
    while (blob && kv_feed_next_value(&rest, &value))
        dst = put_message(dst, run, resp_value_text(value, space), mark);
    return blob;
}

static struct weft_blob *make_2(const struct kv_feed_run *run)
{
    return make(run, WEFT_RESP_ARRAY);
}

static struct weft_blob *make_3(const struct kv_feed_run *run)
{
    return make(run, WEFT_RESP_PUSH);
}

static const struct kv_feed_format resp_2 = {.slot = KV_FEED_RESP2, .make = make_2};
static const struct kv_feed_format resp_3 = {.slot = KV_FEED_RESP3, .make = make_3};

/* --- the subscriber -------------------------------------------------------------------------------- */

static void free_subscriber(struct resp_subscriber *self)
{
    kv_follower_leave(&self->follower);
    if (self->conn)
        self->conn->subscriber = NULL;
    self->conn = NULL;
    weft_blob_unref(self->first);
    self->first = NULL;
    if (!self->is_walking)
        weft_free(self);
}

static void end(struct resp_subscriber *self)
{
    struct weft_request *request = self->request;
    free_subscriber(self);
    (void)!weft_request_end(request, NULL);
}

static int send_blob(struct resp_subscriber *self, struct weft_blob *blob, bool shared)
{
    struct weft_body body = weft_body_from_blob(blob);
    body.lasting = shared;
    return weft_request_send(self->request, &body);
}

static unsigned visit(struct weft_walk *walk, const struct weft_connection *connection)
{
    (void)walk;
    return connection->asks ? WEFT_VISIT_END | WEFT_VISIT_STOP : WEFT_VISIT_NEXT;
}

static void done(struct weft_walk *walk)
{
    struct resp_subscriber *self = weft_container_of(walk, struct resp_subscriber, walk);
    struct weft_request *request = self->request;
    self->is_walking = false;
    /* A connection whose peer has ended its direction is closing already, and closes once the request has ended. */
    if (self->conn) {
        end(self);
        return;
    }
    weft_free(self);
    (void)!weft_request_end(request, NULL);
}

static int close_connection(struct resp_subscriber *self)
{
    if (!self->is_walking) {
        self->is_walking = true;
        self->walk = (struct weft_walk){.visit = visit, .done = done};
        weft_connections_walk(self->request, &self->walk);
    }
    return -ESHUTDOWN;
}

struct asked_again {
    struct resp_subscriber *self;
    bool is_refused;
};

static void ask_again(void *arg, const struct kv_feed_source *source)
{
    struct asked_again *asked = arg;
    const char *why;
    asked->is_refused =
        asked->is_refused ||
        kv_may_still_follow(asked->self->request, asked->self->keyspace, source, &why) != 0;
}

static int send(struct kv_follower *follower, struct weft_blob *blob, bool shared)
{
    struct resp_subscriber *self = weft_container_of(follower, struct resp_subscriber, follower);
    struct asked_again asked = {.self = self};
    if (self->request->layers)
        kv_follower_each(follower, ask_again, &asked);
    if (asked.is_refused)
        return close_connection(self);
    if (self->first)
        return -EAGAIN;
    return weft_blob_view(blob).size > self->max_message ? WEFT_ETOOBIG
                                                         : send_blob(self, blob, shared);
}

/* Redis has no word for lost messages. As it does, the connection is closed, and the client subscribes anew. */
static int lost(struct kv_follower *follower, const struct kv_feed_source *source, uint64_t count)
{
    (void)source, (void)count;
    return close_connection(weft_container_of(follower, struct resp_subscriber, follower));
}

static void on_room(struct weft_request *request)
{
    struct resp_subscriber *self = request->data;
    if (self->first) {
        if (send_blob(self, self->first, false) < 0)
            return;
        weft_blob_unref(self->first);
        self->first = NULL;
    }
    if (kv_follower_resume(&self->follower) == 0 && self->ends)
        end(self);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct resp_subscriber *self = request->data;
    if (reason == WEFT_REASON_DRAINED) {
        self->ends = true;
        if (!self->follower.waits && !self->first && kv_follower_finish(&self->follower) == 0)
            end(self);
    } else if (self->is_walking) {
        free_subscriber(self); /* done() ends the request */
    } else {
        end(self);
    }
}

void resp_topics_end(struct resp_conn *conn)
{
    struct resp_subscriber *self = conn->subscriber;
    if (!self || self->is_walking)
        return;
    kv_follower_leave(&self->follower);
    conn->subscriber = NULL;
    self->conn = NULL;
    self->ends = true;
    if (!self->first)
        end(self);
}

void resp_topics_set_protocol(struct resp_conn *conn)
{
    if (conn->subscriber)
        conn->subscriber->follower.format = conn->protocol == 3 ? &resp_3 : &resp_2;
}

bool resp_topics_restrict(const struct resp_conn *conn)
{
    return conn->subscriber && conn->protocol != 3;
}

/* --- SUBSCRIBE and PSUBSCRIBE ---------------------------------------------------------------------- */

static struct kv_feed_source source_of(bool is_pattern, struct weft_view name)
{
    return (struct kv_feed_source){is_pattern ? resp_matches : NULL, name};
}

static uint32_t count_of(const struct resp_conn *conn)
{
    return conn->subscriber ? conn->subscriber->follower.count : 0;
}

/* Adds a confirmation. A NULL name is nil. */
static int put_confirmation(struct weft_buf *reply, const struct resp_task *task, const char *kind,
                            const struct weft_view *name, uint32_t count)
{
    enum weft_resp_mark mark = resp_is_3(task) ? WEFT_RESP_PUSH : WEFT_RESP_ARRAY;
    struct weft_view nil = weft_view_str(resp_is_3(task) ? "_\r\n" : "$-1\r\n");
    size_t size = weft_resp_head_size(3) + weft_resp_bulk_size(strlen(kind)) +
                  (name ? weft_resp_bulk_size(name->size) : nil.size) + weft_resp_head_size(count);
    uint8_t *dst = weft_buf_reserve(reply, size);
    if (!dst)
        return -ENOMEM;
    dst = weft_resp_put_head(dst, mark, 3);
    dst = weft_resp_put_bulk(dst, weft_view_str(kind));
    if (name)
        dst = weft_resp_put_bulk(dst, *name);
    else
        memcpy(dst, nil.data, nil.size);
    dst += name ? 0 : nil.size;
    (void)weft_resp_put_head(dst, WEFT_RESP_INTEGER, count);
    weft_buf_commit(reply, size);
    return 0;
}

static struct resp_subscriber *new_subscriber(struct resp_task *task)
{
    struct resp_conn *conn = resp_conn_of(task);
    struct resp_subscriber *self = weft_calloc(1, sizeof *self);
    if (!self)
        return NULL;
    static const struct kv_follower_ops ops = {.send = send, .lost = lost};
    self->follower = (struct kv_follower){.ops = &ops};
    self->conn = conn;
    self->request = task->base.request;
    self->keyspace = kv_task_config(&task->base)->context->keyspace;
    self->max_message = kv_task_limits(&task->base)->max_message;
    conn->subscriber = self;
    resp_topics_set_protocol(conn);
    return self;
}

/* Follows all names and writes their confirmations, or undoes that. `fresh` has room for a bool per name. */
static int follow_all(struct resp_task *task, bool is_pattern, struct weft_buf *reply, bool *fresh)
{
    struct resp_subscriber *self = resp_conn_of(task)->subscriber;
    const char *kind = is_pattern ? "psubscribe" : "subscribe";
    int err = 0;
    size_t i = 1;
    for (; i < task->count && err == 0; i++) {
        const struct kv_feed_source source = source_of(is_pattern, task->args[i]);
        err = kv_follower_follow(&self->follower, kv_task_feed(&task->base), &source);
        fresh[i] = err == 0;
        if (err == 0 || err == -EEXIST)
            err = put_confirmation(reply, task, kind, &task->args[i], self->follower.count);
    }
    while (err < 0 && --i > 0) {
        const struct kv_feed_source source = source_of(is_pattern, task->args[i]);
        if (fresh[i])
            (void)kv_follower_unfollow(&self->follower, &source);
    }
    return err;
}

/* The first confirmation is a message of the request that becomes the subscriber's. */
static int begin_first(struct resp_subscriber *self, struct weft_view reply)
{
    struct weft_request *request = self->request;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(reply.size, &data);
    int err = blob ? weft_request_detach(request) : -ENOMEM;
    if (err < 0) {
        weft_blob_unref(blob);
        return err == -ENOSPC ? -EMFILE : err;
    }
    memcpy(data, reply.data, reply.size);
    request->data = self;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    self->first = blob;
    if (send_blob(self, blob, false) == 0) {
        self->first = NULL;
        weft_blob_unref(blob);
    }
    return 0;
}

static bool refuse(struct resp_task *task, int err)
{
    switch (err) {
    case -EINVAL:
        (void)resp_error(task, "ERR pattern is too long: it may have 128 bytes");
        break;
    case -EMFILE:
        (void)resp_error(task, "ERR too many subscriptions: max-detached is reached");
        break;
    case -ENOSPC:
        (void)resp_error(task, "ERR too many subscriptions: feed-topics or feed-followers is "
                               "reached, or 4096 of a connection");
        break;
    default:
        (void)resp_no_memory(task);
        break;
    }
    return resp_answer(task);
}

static bool may_follow_all(struct resp_task *task, bool is_pattern)
{
    for (size_t i = 1; i < task->count; i++) {
        const struct kv_feed_source source = source_of(is_pattern, task->args[i]);
        if (!kv_task_may_follow(&task->base, &source))
            return false;
    }
    return true;
}

static bool subscribe(struct resp_task *task, bool is_pattern)
{
    struct resp_conn *conn = resp_conn_of(task);
    bool is_first = !conn->subscriber;
    struct weft_buf reply = {0};
    if (!may_follow_all(task, is_pattern))
        return false;
    bool *fresh = weft_arena_alloc(weft_request_arena(task->base.request), task->count);
    int err = fresh && (!is_first || new_subscriber(task)) ? 0 : -ENOMEM;
    if (err == 0)
        err = follow_all(task, is_pattern, &reply, fresh);
    if (err == 0 && is_first)
        err = begin_first(conn->subscriber, weft_buf_view(&reply));
    if (err == 0)
        kv_keyspace_followed(conn->session.loop);
    if (err < 0) {
        if (is_first && conn->subscriber)
            free_subscriber(conn->subscriber);
        (void)refuse(task, err);
    } else if (!is_first) {
        (void)resp_raw(task, weft_buf_view(&reply));
        (void)resp_answer(task);
    }
    weft_buf_fini(&reply);
    return false;
}

bool resp_begin_subscribe(struct resp_task *task)
{
    return subscribe(task, false);
}

bool resp_begin_psubscribe(struct resp_task *task)
{
    return subscribe(task, true);
}

/* --- UNSUBSCRIBE and PUNSUBSCRIBE ------------------------------------------------------------------ */

struct leaving {
    struct resp_task *task;
    struct weft_buf reply;
    bool is_pattern;
    size_t count;
    int err;
};

static void leave(struct leaving *self, struct weft_view name)
{
    struct resp_conn *conn = resp_conn_of(self->task);
    const struct kv_feed_source source = source_of(self->is_pattern, name);
    bool is_followed = conn->subscriber && kv_follower_has(&conn->subscriber->follower, &source);
    uint32_t left = count_of(conn) - is_followed;
    if (self->err == 0)
        self->err =
            put_confirmation(&self->reply, self->task,
                             self->is_pattern ? "punsubscribe" : "unsubscribe", &name, left);
    if (is_followed)
        (void)kv_follower_unfollow(&conn->subscriber->follower, &source);
    self->count++;
}

static void leave_each(void *arg, const struct kv_feed_source *source)
{
    struct leaving *self = arg;
    if ((source->matches != NULL) == self->is_pattern)
        leave(self, source->name);
}

static bool unsubscribe(struct resp_task *task, bool is_pattern)
{
    struct resp_conn *conn = resp_conn_of(task);
    struct leaving leaving = {.task = task, .is_pattern = is_pattern};
    for (size_t i = 1; i < task->count; i++)
        leave(&leaving, task->args[i]);
    if (task->count == 1 && conn->subscriber)
        kv_follower_each(&conn->subscriber->follower, leave_each, &leaving);
    if (leaving.count == 0)
        leaving.err =
            put_confirmation(&leaving.reply, task, is_pattern ? "punsubscribe" : "unsubscribe",
                             NULL, count_of(conn));
    if (count_of(conn) == 0)
        resp_topics_end(conn);
    if (leaving.err < 0)
        (void)resp_no_memory(task);
    else
        (void)resp_raw(task, weft_buf_view(&leaving.reply));
    (void)resp_answer(task);
    weft_buf_fini(&leaving.reply);
    return false;
}

bool resp_begin_unsubscribe(struct resp_task *task)
{
    return unsubscribe(task, false);
}

bool resp_begin_punsubscribe(struct resp_task *task)
{
    return unsubscribe(task, true);
}
