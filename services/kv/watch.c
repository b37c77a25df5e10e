/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "session_private.h"
#include "update.h"

enum {
    MESSAGE_SIZE = 16 << 10, /* a message that has so many bytes gets no further change */
    LOOKED_AT = 1000,        /* changes that a step looks at */
};

/* A watcher hears at most so often that there were changes which it has not asked for. */
static const int64_t progress_pause = 100 * 1000 * 1000;

struct watch {
    struct weft_request *request;
    struct weft_loop *loop;
    struct kv_turns *turns;
    struct kv_turn turn; /* the next step */
    const struct kv_store *store;
    void *store_session;
    const struct kv_face *face;
    const struct kv_watch_face *words;
    uint64_t max_message;
    struct kv_follow follow;
    bool follows;
    struct weft_timer timer; /* the number is to be told */
    bool tells_number;       /* even if there is no change; the timer has fired */
    struct weft_timer pulse; /* for a face that has one */
    uint64_t number;         /* changes up to this one were looked at; not one within a batch */
    uint64_t told;           /* as the last message said that was sent */
    struct weft_buf message; /* waits for room, or is being made */
    bool waits;              /* for room, or for the end of a connection that is gone */
    int failed;              /* why the watch ends once the message is sent, or 0 */
    bool drains;             /* it ends once it has told the changes up to `until` */
    uint64_t until;
    enum kv_status ending; /* 0: it goes on */
    const char *why;
    bool all, one, versions;
    struct weft_view table, key; /* behind the struct */
};

static void free_watch(struct watch *watch)
{
    kv_turn_end(&watch->turn);
    if (watch->follows)
        watch->store->unfollow(watch->store_session, &watch->follow);
    weft_timer_stop(&watch->timer);
    weft_timer_stop(&watch->pulse);
    weft_buf_fini(&watch->message);
    weft_free(watch);
}

static size_t put_end(const struct watch *watch, uint8_t dst[WEFT_REJECT_MAX])
{
    char text[KV_LINE_MAX];
    (void)snprintf(text, sizeof text, "%s; the last number was %" PRIu64, watch->why, watch->told);
    return watch->words->put_end ? watch->words->put_end(dst, watch->ending, text)
                                 : watch->face->put_text(dst, watch->ending, text);
}

/* Ends the request, now or when there is room for its last words. */
static void end(struct watch *watch)
{
    uint8_t bytes[WEFT_REJECT_MAX];
    size_t size = put_end(watch, bytes);
    struct weft_body_bytes body = weft_body_from_view(weft_view(bytes, size));
    if (watch->follows)
        watch->store->unfollow(watch->store_session, &watch->follow);
    watch->follows = false;
    kv_turn_end(&watch->turn);
    weft_timer_stop(&watch->timer);
    weft_timer_stop(&watch->pulse);
    watch->request->status = watch->ending;
    int err = weft_request_end(watch->request, &body.body);
    watch->waits = err == -EAGAIN;
    if (err != -EAGAIN)
        free_watch(watch);
}

static bool fits(const struct watch *watch, const struct kv_change *change)
{
    if (!watch->all && !weft_view_equal(change->table, watch->table))
        return false;
    if (change->kind == KV_CHANGE_DROPPED)
        return true;
    if (watch->one)
        return weft_view_equal(change->key, watch->key);
    return change->key.size >= watch->key.size &&
           (watch->key.size == 0 ||
            memcmp(change->key.data, watch->key.data, watch->key.size) == 0);
}

static int add_number(struct watch *watch)
{
    uint8_t bytes[KV_WATCH_NUMBER];
    bool has_changes = weft_buf_size(&watch->message) > 0;
    size_t size = watch->words->put_number(bytes, watch->number, has_changes);
    return weft_buf_append(&watch->message, weft_view(bytes, size));
}

static int add_change(struct watch *watch, const struct kv_change *change)
{
    uint8_t bytes[KV_VERSION_SIZE], *version = NULL;
    if (watch->versions && change->kind == KV_CHANGE_SET) {
        weft_kv_version(change->value, bytes);
        version = bytes;
    }
    size_t size = watch->words->change_size(change, version);
    if (size + KV_WATCH_NUMBER > watch->max_message)
        return WEFT_ETOOBIG;
    uint8_t *dst = weft_buf_reserve(&watch->message, size);
    if (!dst)
        return -ENOMEM;
    watch->words->put_change(dst, change, version);
    weft_buf_commit(&watch->message, size);
    return 0;
}

/* Adds changes to the message, and counts those that it looks at in *looked. Returns 1 if there may be more, 0 if there
 * are none, or an error. */
static int collect(struct watch *watch, unsigned *looked)
{
    struct kv_change change;
    for (unsigned i = 0; i < LOOKED_AT; i++, ++*looked) {
        int found = watch->store->next_change(watch->store_session, &watch->follow, &change);
        if (found == 0)
            watch->number = watch->follow.reached;
        if (found <= 0)
            return found;
        if (!change.more)
            watch->number = change.number;
        int err = fits(watch, &change) ? add_change(watch, &change) : 0;
        if (err < 0)
            return err;
        if (weft_buf_size(&watch->message) >= MESSAGE_SIZE)
            return 1;
    }
    return 1;
}

/* Sends the message. False: it waits for room, or the connection is gone. */
static bool send_message(struct watch *watch)
{
    struct weft_body_bytes body = weft_body_from_view(weft_buf_view(&watch->message));
    int err = weft_request_send(watch->request, &body.body);
    watch->waits = err < 0;
    if (err < 0)
        return false;
    watch->told = watch->number;
    weft_buf_consume(&watch->message, weft_buf_size(&watch->message));
    if (watch->words->pulse)
        weft_loop_after(watch->loop, &watch->pulse, KV_STREAM_PULSE);
    return true;
}

static void fail(struct watch *watch, int err)
{
    watch->ending = err == -ERANGE ? KV_GONE : err == WEFT_ETOOBIG ? KV_TOO_BIG : KV_RETRY;
    watch->why = err == -ERANGE ? "Changes were lost, because they came faster than they were read"
                 : err == WEFT_ETOOBIG ? "A change is over max-message"
                                       : "Out of memory: the watch ends";
    end(watch);
}

static void ignore(struct kv_follow *follow)
{
    (void)follow;
}

/* Sets *latest to a number that no change exceeds which could be read before. */
static int find_latest(const struct kv_store *store, void *store_session, uint64_t *latest)
{
    struct kv_follow follow = {.ready = ignore};
    int err = store->follow(store_session, &follow);
    if (err < 0)
        return err;
    store->unfollow(store_session, &follow);
    *latest = follow.latest;
    return 0;
}

static bool has_drained(const struct watch *watch)
{
    return watch->drains && watch->number >= watch->until;
}

static void end_drained(struct watch *watch)
{
    watch->ending = KV_RETRY;
    watch->why = "The server is shutting down";
    end(watch);
}

/* Lets the watch have a step, in its turn. */
static void queue(struct watch *watch)
{
    kv_turn_queue(watch->turns, &watch->turn);
}

/* Asks the layers. If they do not allow the watch, *why says so. */
static bool is_allowed(const struct watch *watch, struct weft_rejection *why)
{
    const struct weft_action action = {.name = "watch",
                                       .object = watch->all ? weft_view(NULL, 0) : watch->table};
    return !watch->request->layers || weft_request_ask(watch->request, &action, why);
}

/* One step: what has come, up to one message. Called while no message waits. Counts the changes that it looks at in
 * *looked. The watch may have ended afterwards. */
static void step(struct kv_turn *turn, unsigned *looked)
{
    struct watch *watch = weft_container_of(turn, struct watch, turn);
    struct weft_rejection rejection;
    bool tells_number = watch->tells_number;
    watch->tells_number = false;
    if (!is_allowed(watch, &rejection)) {
        watch->ending = kv__status_of(rejection.cause);
        watch->why = "The watch is not allowed any more";
        end(watch);
        return;
    }
    int found = collect(watch, looked);
    bool is_news = tells_number && found == 0 && watch->number > watch->told;
    if (weft_buf_size(&watch->message) > 0 || is_news) {
        if (add_number(watch) < 0) {
            fail(watch, -ENOMEM);
            return;
        }
        if (!send_message(watch)) {
            watch->failed = found < 0 ? found : 0;
            return;
        }
    }
    if (found < 0)
        fail(watch, found);
    else if (has_drained(watch))
        end_drained(watch);
    else if (found > 0)
        queue(watch);
    else if (watch->number > watch->told && !weft_timer_is_armed(&watch->timer))
        weft_loop_after(watch->loop, &watch->timer, progress_pause);
}

static void on_timer(struct weft_timer *timer)
{
    struct watch *watch = weft_container_of(timer, struct watch, timer);
    watch->tells_number = true;
    if (!watch->waits)
        queue(watch);
}

static void on_pulse(struct weft_timer *timer)
{
    struct watch *watch = weft_container_of(timer, struct watch, pulse);
    if (watch->waits)
        return;
    if (weft_buf_append(&watch->message, weft_view_str(watch->words->pulse)) < 0)
        fail(watch, -ENOMEM);
    else
        (void)send_message(watch);
}

static void on_ready(struct kv_follow *follow)
{
    struct watch *watch = weft_container_of(follow, struct watch, follow);
    if (!watch->waits)
        queue(watch);
}

static void on_room(struct weft_request *request)
{
    struct watch *watch = request->data;
    if (watch->ending != 0)
        end(watch);
    else if (!send_message(watch))
        return;
    else if (watch->failed < 0)
        fail(watch, watch->failed);
    else
        queue(watch);
}

/* A change that was answered may still be on its way from another loop, or wait for the watch's turn. It is told before
 * the end. Without memory for `until`, nothing is waited for. */
static void drain(struct watch *watch)
{
    if (watch->drains)
        return;
    watch->drains = true;
    if (find_latest(watch->store, watch->store_session, &watch->until) < 0)
        watch->until = watch->number;
    if (watch->waits)
        return; /* on_room goes on */
    if (has_drained(watch))
        end_drained(watch);
    else
        queue(watch);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    struct watch *watch = request->data;
    if (reason == WEFT_REASON_DRAINED) {
        drain(watch);
        return;
    }
    free_watch(watch);
    (void)!weft_request_end(request, NULL);
}

static struct watch *new_watch(const struct kv_task *task, const struct kv_watch_spec *spec,
                               const struct kv_watch_face *face)
{
    struct kv_session *session = task->session;
    struct watch *watch = weft_malloc(sizeof *watch + spec->table.size + spec->key.size);
    if (!watch)
        return NULL;
    uint8_t *bytes = (uint8_t *)(watch + 1);
    *watch = (struct watch){
        .request = task->request,
        .loop = session->loop->loop,
        .turns = &session->loop->store_loop->turns,
        .store = session->loop->store,
        .store_session = session->store_session,
        .face = session->loop->face,
        .words = face,
        .max_message = kv_task_limits(task)->max_message,
        .follow = {.from = spec->from, .ready = on_ready},
        .timer.fire = on_timer,
        .pulse.fire = on_pulse,
        .all = spec->all,
        .one = spec->one,
        .versions = spec->versions,
        .table = weft_view(bytes, spec->table.size),
        .key = weft_view(bytes + spec->table.size, spec->key.size),
    };
    kv_turn_init(&watch->turn, step);
    if (spec->table.size > 0)
        memcpy(bytes, spec->table.data, spec->table.size);
    if (spec->key.size > 0)
        memcpy(bytes + spec->table.size, spec->key.data, spec->key.size);
    return watch;
}

static void refuse(struct kv_task *task, int err, uint64_t from)
{
    char line[KV_LINE_MAX];
    switch (err) {
    case -ERANGE:
        if (from == 0) {
            kv_task_refuse(task, KV_RETRY, "The store has no place for a watch now: try again",
                           false);
            break;
        }
        (void)snprintf(line, sizeof line,
                       "Changes after number %" PRIu64 " are not kept any more: read anew", from);
        kv_task_refuse(task, KV_GONE, line, false);
        break;
    case -ENOTSUP:
        kv_task_refuse(task, KV_NOT_IMPLEMENTED,
                       "Changes cannot be watched: the store was started with changes=0", false);
        break;
    case -ENOSPC:
        kv_task_refuse(task, KV_TOO_OFTEN,
                       "Too many watches on this connection: max-detached is reached", false);
        break;
    case -EPROTO:
        kv_task_refuse(task, KV_NOT_IMPLEMENTED,
                       "Changes cannot be watched in this protocol: it has no place for them",
                       false);
        break;
    default:
        kv_task_refuse_no_memory(task);
        break;
    }
}

static int put_begin(struct watch *watch, const struct kv_task *task)
{
    uint8_t bytes[KV_STREAM_BEGIN_MAX];
    if (!watch->words->put_begin)
        return 0;
    size_t size = watch->words->put_begin(task, bytes);
    return weft_buf_append(&watch->message, weft_view(bytes, size));
}

/* Leaves the order of replies, or says that the answer goes on in it. */
static int take_place(struct watch *watch)
{
    if (watch->words->put_begin) {
        weft_request_endless(watch->request);
        return 0;
    }
    int err = weft_request_detach(watch->request);
    return err == -ENOTSUP ? -EPROTO : err;
}

/* Follows the store and makes the first message. Returns one of the errors that `refuse` takes. */
static int start(struct watch *watch, const struct kv_task *task)
{
    int err = watch->store->follow(watch->store_session, &watch->follow);
    if (err < 0)
        return err;
    watch->follows = true;
    watch->number = watch->told = watch->follow.from;
    uint8_t number[KV_WATCH_NUMBER];
    size_t size = watch->words->put_number(number, watch->number, false);
    err = put_begin(watch, task);
    if (err == 0)
        err = weft_buf_append(&watch->message, weft_view(number, size));
    return err < 0 ? err : take_place(watch);
}

/* Answers the number that no change has which could be read before. */
static void answer_number(struct kv_task *task, const struct kv_watch_face *face)
{
    const struct kv_session *session = task->session;
    uint8_t number[KV_WATCH_NUMBER];
    uint64_t latest;
    int err = find_latest(session->loop->store, session->store_session, &latest);
    if (err < 0) {
        refuse(task, err, 0);
        return;
    }
    kv_task_answer_bytes(task, weft_view(number, face->put_number(number, latest, false)));
}

void kv_task_watch(struct kv_task *task, const struct kv_watch_spec *spec,
                   const struct kv_watch_face *face)
{
    const struct kv_session *session = task->session;
    const struct kv_store *store = session->loop->store;
    const struct weft_action action = {.name = "watch",
                                       .object = spec->all ? weft_view(NULL, 0) : spec->table};
    if (!kv_task_ask(task, &action))
        return;
    if (!(store->flags & KV_STORE_CHANGES)) {
        kv_task_refuse(
            task, KV_NOT_IMPLEMENTED,
            "Changes cannot be watched in this store: it cannot promise to tell all of them",
            false);
        return;
    }
    struct weft_request *request = task->request;
    if (spec->only_number) {
        answer_number(task, face);
        return;
    }
    struct watch *watch = new_watch(task, spec, face);
    int err = watch ? start(watch, task) : -ENOMEM;
    if (err < 0) {
        if (watch)
            free_watch(watch);
        refuse(task, err, spec->from);
        return;
    }
    request->data = watch;
    request->on_room = on_room;
    request->on_cancel = on_cancel;
    if (send_message(watch))
        queue(watch);
}
