/* SPDX-License-Identifier: MIT */
#include "subscription.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "keyspace.h"
#include "packed.h"
#include "session_private.h"

/* Further state, for a subscription that streams its answer. */
struct stream {
    struct kv_subscription *owner;
    struct weft_timer pulse; /* for a face that has one */
    struct weft_bytes begin; /* if it waits: what the answer begins with */
};

/* One may be idle for long, and there may be many. So this has no more than it must, and a unit test counts it. */
struct kv_subscription {
    struct kv_follower follower;          /* its format is the face's */
    struct kv_subscription *next, **link; /* in the session's list */
    struct weft_request *request;
    struct kv_session *session;
    struct stream *stream; /* owned; NULL: it has left the order of replies */
    const char *ending;    /* why it ends, once everything is sent; NULL: it goes on */
    uint32_t lost;         /* messages before it ended; UINT32_MAX also stands for more */
    uint32_t id;
    uint32_t topic_size; /* the first topic lies behind the struct */
    uint16_t status;     /* with which it ends */
    bool end_if_slow : 1;
    bool is_pattern : 1;
    bool is_refused : 1; /* it ends because the rules are others now */
    bool told : 1;       /* of its end: the last words wait for room */
    bool waits : 1;      /* what it begins with, or a pulse, waits for room */
};

static struct weft_view topic_of(const struct kv_subscription *self)
{
    return weft_view((const uint8_t *)(self + 1), self->topic_size);
}

static const struct kv_topic_face *face_of(const struct kv_subscription *self)
{
    return (const struct kv_topic_face *)(const void *)self->follower.format;
}

static const struct kv_keyspace *keyspace_of(const struct kv_subscription *self)
{
    return self->session->loop->config->context->keyspace;
}

static void stop_pulse(struct kv_subscription *self)
{
    if (self->stream)
        weft_timer_stop(&self->stream->pulse);
}

static void free_subscription(struct kv_subscription *self)
{
    kv_follower_leave(&self->follower);
    stop_pulse(self);
    if (self->stream)
        weft_bytes_fini(&self->stream->begin);
    weft_free(self->stream);
    *self->link = self->next;
    if (self->next)
        self->next->link = self->link;
    weft_free(self);
}

/* --- what it sends --------------------------------------------------------------------------------- */

struct words_body {
    struct weft_body body; /* first: it is cast back */
    const struct kv_topic_face *face;
    struct kv_topic_words words;
};

static void write_words(const struct weft_body *body, uint8_t *dst)
{
    const struct words_body *self = (const struct words_body *)(const void *)body;
    (void)self->face->put_words(dst, &self->words);
}

static struct words_body make_words(const struct kv_subscription *self, struct weft_view topic,
                                    enum kv_status status, uint64_t lost, const char *text)
{
    struct words_body body = {
        .face = face_of(self),
        .words = {.id = self->id, .topic = topic, .status = status, .lost = lost, .text = text},
    };
    body.body =
        (struct weft_body){.size = body.face->put_words(NULL, &body.words), .write = write_words};
    return body;
}

/* Ends the request, now or when there is room for its last words. True: the subscription is gone. */
static bool end(struct kv_subscription *self)
{
    struct words_body body =
        make_words(self, topic_of(self), (enum kv_status)self->status, self->lost, self->ending);
    kv_follower_leave(&self->follower);
    stop_pulse(self);
    self->told = true;
    self->request->status = self->status;
    if (weft_request_end(self->request, &body.body) == -EAGAIN)
        return false;
    free_subscription(self);
    return true;
}

static struct weft_action action_of(bool is_pattern, struct weft_view topic)
{
    return (struct weft_action){.name = "subscribe",
                                .object = is_pattern ? weft_view(NULL, 0) : topic,
                                .flags = WEFT_ACTION_SUBSCRIBES};
}

/* Fills the actions that following a source is. Returns their number. */
static size_t put_actions(struct weft_action actions[1 + KV_KEYSPACE_READS],
                          const struct kv_keyspace *keyspace, const struct kv_feed_source *source)
{
    bool is_pattern = source->matches != NULL;
    actions[0] = action_of(is_pattern, source->name);
    return 1 + kv_keyspace_reads(keyspace, is_pattern, source->name, actions + 1);
}

int kv_may_still_follow(struct weft_request *request, const struct kv_keyspace *keyspace,
                        const struct kv_feed_source *source, const char **why)
{
    struct weft_action actions[1 + KV_KEYSPACE_READS];
    size_t count = request->layers ? put_actions(actions, keyspace, source) : 0;
    int refused = 0;
    for (size_t i = 0; i < count && refused == 0; i++)
        refused = kv_may_go_on(request, &actions[i], why);
    return refused;
}

/* The rules may have changed. Notes why the subscription may no longer follow a source. */
static void ask_again(void *arg, const struct kv_feed_source *source)
{
    struct kv_subscription *self = arg;
    int refused = self->is_refused ? 0
                                   : kv_may_still_follow(self->request, keyspace_of(self), source,
                                                         &self->ending);
    if (refused == 0)
        return;
    self->is_refused = true;
    self->status = (uint16_t)refused;
}

static int send(struct kv_follower *follower, struct weft_blob *blob, bool shared)
{
    struct kv_subscription *self = weft_container_of(follower, struct kv_subscription, follower);
    kv_follower_each(follower, ask_again, self);
    if (self->is_refused)
        return end(self) ? KV_FOLLOWER_LEFT : -ESHUTDOWN;
    struct weft_body body = weft_body_from_blob(blob);
    if (self->waits)
        return -EAGAIN;
    if (body.size > self->session->loop->config->limits->max_message)
        return WEFT_ETOOBIG;
    body.lasting = shared;
    return weft_request_send(self->request, &body);
}

static int lost(struct kv_follower *follower, const struct kv_feed_source *source, uint64_t count)
{
    struct kv_subscription *self = weft_container_of(follower, struct kv_subscription, follower);
    if (self->waits)
        return -EAGAIN;
    if (self->end_if_slow) {
        self->ending =
            count > 0 ? "The subscription ends: messages came faster than they were read"
                      : "The subscription ends: messages may be missing, as the store was away";
        self->lost = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
        return end(self) ? KV_FOLLOWER_LEFT : -ESHUTDOWN;
    }
    struct words_body body =
        make_words(self, source->name, KV_GONE, count,
                   count > 0 ? "Messages were lost: they came faster than they were read"
                             : "Messages may be missing: the store was away");
    return weft_request_send(self->request, &body.body);
}

/* --- a stream in the order of replies -------------------------------------------------------------- */

static void send_bytes(struct kv_subscription *self, struct weft_view bytes)
{
    struct weft_body_bytes body = weft_body_from_view(bytes);
    self->waits = weft_request_send(self->request, &body.body) < 0;
}

static void send_begin(struct kv_subscription *self)
{
    struct stream *stream = self->stream;
    if (!stream || stream->begin.size == 0)
        return;
    send_bytes(self, weft_view(stream->begin.data, stream->begin.size));
    if (!self->waits)
        weft_bytes_fini(&stream->begin);
}

/* Not while something waits, which shows as much. */
static void on_pulse(struct weft_timer *timer)
{
    struct stream *stream = weft_container_of(timer, struct stream, pulse);
    struct kv_subscription *self = stream->owner;
    weft_loop_after(self->session->loop->loop, &stream->pulse, KV_STREAM_PULSE);
    if (!self->waits && !self->follower.waits)
        send_bytes(self, weft_view_str(face_of(self)->pulse));
}

/* --- its end --------------------------------------------------------------------------------------- */

static void on_room(struct weft_request *request)
{
    struct kv_subscription *self = request->data;
    self->waits = false;
    send_begin(self);
    if (self->waits)
        return;
    if (!self->told && kv_follower_resume(&self->follower) != 0)
        return;
    if (self->ending)
        (void)end(self);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct kv_subscription *self = request->data;
    if (reason != WEFT_REASON_DRAINED) {
        free_subscription(self);
        (void)!weft_request_end(request, NULL);
        return;
    }
    if (self->ending)
        return;
    self->ending = "The subscription ends: the server is shutting down";
    /* One that waits for room sends the rest, and its last words, in on_room. */
    if (!self->waits && !self->follower.waits && kv_follower_finish(&self->follower) == 0)
        (void)end(self);
}

/* --- subscribe ------------------------------------------------------------------------------------- */

struct kv_feed_loop *kv_task_feed(const struct kv_task *task)
{
    return task->session->loop->feed;
}

static bool matches(struct weft_view pattern, struct weft_view topic)
{
    size_t steps = 0;
    return kv_pattern_matches(pattern, topic, &steps);
}

/* A name comes back with each message, which must have room for it. */
bool kv__refuse_long_topic(struct kv_task *task, struct weft_view topic)
{
    if (topic.size <= kv_task_kv_limits(task)->max_key)
        return false;
    kv_task_refuse(task, KV_TOO_BIG, kv_task_config(task)->key_text, false);
    return true;
}

bool kv_task_may_follow(struct kv_task *task, const struct kv_feed_source *source)
{
    struct weft_action actions[1 + KV_KEYSPACE_READS];
    size_t count = put_actions(actions, kv_task_config(task)->context->keyspace, source);
    bool may = !kv__refuse_long_topic(task, source->name);
    for (size_t i = 0; i < count && may; i++)
        may = kv_task_ask(task, &actions[i]);
    return may;
}

static struct kv_subscription *new_subscription(struct kv_task *task,
                                                const struct kv_topic_spec *spec,
                                                const struct kv_topic_face *face)
{
    static const struct kv_follower_ops ops = {.send = send, .lost = lost};
    struct kv_session *session = task->session;
    struct kv_subscription *self = weft_malloc(sizeof *self + spec->topic.size);
    if (!self)
        return NULL;
    *self = (struct kv_subscription){
        .follower = {.ops = &ops, .format = &face->format},
        .request = task->request,
        .session = session,
        .id = ++session->loop->last_id,
        .end_if_slow = spec->end_if_slow,
        .is_pattern = spec->is_pattern,
        .status = KV_RETRY,
        .topic_size = (uint32_t)spec->topic.size,
    };
    if (spec->topic.size > 0)
        memcpy(self + 1, spec->topic.data, spec->topic.size);
    self->next = session->subscriptions;
    self->link = &session->subscriptions;
    if (self->next)
        self->next->link = &self->next;
    session->subscriptions = self;
    return self;
}

static void refuse(struct kv_task *task, int err)
{
    switch (err) {
    case -EINVAL:
        kv_task_refuse(task, KV_BAD_REQUEST, "Pattern is too long: it may have 128 bytes", false);
        break;
    case -ENOSPC:
        kv_task_refuse(task, KV_TOO_OFTEN,
                       "Too many subscriptions: feed-topics or feed-followers is reached, or 4096 "
                       "topics of one",
                       false);
        break;
    case -EMFILE:
        kv_task_refuse(task, KV_TOO_OFTEN,
                       "Too many subscriptions on this connection: max-detached is reached", false);
        break;
    case -EPROTO:
        kv_task_refuse(task, KV_NOT_IMPLEMENTED,
                       "No subscriptions in this protocol: it has no place for messages", false);
        break;
    default:
        kv_task_refuse_no_memory(task);
        break;
    }
}

/* Stays in the order of replies. */
static int start_stream(struct kv_subscription *self, const struct kv_task *task)
{
    const struct kv_topic_face *face = face_of(self);
    uint8_t bytes[KV_STREAM_BEGIN_MAX];
    struct stream *stream = weft_malloc(sizeof *stream);
    if (!stream)
        return -ENOMEM;
    *stream = (struct stream){.owner = self, .pulse.fire = on_pulse};
    self->stream = stream;
    int err = weft_bytes_copy(&stream->begin, weft_view(bytes, face->put_begin(task, bytes)));
    if (err < 0)
        return err;
    weft_request_endless(self->request);
    if (face->pulse)
        weft_loop_after(kv_task_loop(task), &stream->pulse, KV_STREAM_PULSE);
    return 0;
}

static struct kv_feed_source source_at(const struct kv_topic_spec *spec, size_t index)
{
    return (struct kv_feed_source){spec->is_pattern ? matches : NULL,
                                   index == 0 ? spec->topic : spec->more[index - 1]};
}

static bool may_follow_all(struct kv_task *task, const struct kv_topic_spec *spec)
{
    for (size_t i = 0; i <= spec->more_count; i++) {
        const struct kv_feed_source source = source_at(spec, i);
        if (!kv_task_may_follow(task, &source))
            return false;
    }
    return true;
}

/* Follows, and leaves the order of replies if the face can. Returns an error of refuse. */
static int start(struct kv_subscription *self, const struct kv_task *task,
                 const struct kv_topic_spec *spec)
{
    int err = 0;
    for (size_t i = 0; i <= spec->more_count; i++) {
        const struct kv_feed_source source = source_at(spec, i);
        err = kv_follower_follow(&self->follower, kv_task_feed(task), &source);
        if (err < 0 && err != -EEXIST)
            return err;
    }
    if (face_of(self)->put_begin)
        return start_stream(self, task);
    err = weft_request_detach(self->request);
    return err == -ENOTSUP ? -EPROTO : err == -ENOSPC ? -EMFILE : err;
}

void kv_task_subscribe(struct kv_task *task, const struct kv_topic_spec *spec,
                       const struct kv_topic_face *face)
{
    struct weft_request *request = task->request;
    if (!may_follow_all(task, spec))
        return;
    struct kv_subscription *self = new_subscription(task, spec, face);
    int err = self ? start(self, task, spec) : -ENOMEM;
    if (err < 0) {
        if (self)
            free_subscription(self);
        refuse(task, err);
        return;
    }
    kv_keyspace_followed(task->session->loop);
    request->data = self;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    if (face->put_begin) {
        send_begin(self);
        return;
    }
    struct words_body body = make_words(self, topic_of(self), KV_OK, 0, "");
    /* The first message is always taken, unless the connection is gone: then on_cancel comes. */
    (void)!weft_request_send(request, &body.body);
}

/* --- unsubscribe ----------------------------------------------------------------------- */

void kv__answer_number(struct kv_task *task, uint64_t number)
{
    uint8_t packed[KV_NUMBER_MAX];
    struct kv_reply reply;
    kv_reply_text(&reply, KV_OK, "");
    reply.text.count = 0;
    reply.gives = KV_GIVES_VALUE;
    reply.value = weft_view(packed, kv_pack_integer(packed, (int64_t)number));
    kv_task_answer(task, &reply, false);
}

void kv_task_unsubscribe(struct kv_task *task, const struct kv_topic_spec *spec)
{
    static const struct weft_action action = {.name = "unsubscribe", .flags = WEFT_ACTION_PLAIN};
    uint64_t count = 0;
    if (!kv_task_ask(task, &action))
        return;
    for (struct kv_subscription *self = task->session->subscriptions, *next; self; self = next) {
        next = self->next;
        if ((spec->id != 0 && spec->id != self->id) ||
            (!spec->by_id && !weft_view_equal(topic_of(self), spec->topic)))
            continue;
        struct weft_request *request = self->request;
        free_subscription(self);
        (void)!weft_request_end(request, NULL);
        count++;
    }
    if (count > 0)
        kv__answer_number(task, count);
    else
        kv_task_refuse(task, KV_NOT_FOUND, "No such subscription on this connection", false);
}
