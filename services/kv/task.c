/* SPDX-License-Identifier: MIT
 *
 * The life of a task: it is submitted when its turn has come, its operations are done one after another, and its
 * reply is sent, or held until there is room for it. */
#include "session_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"

const struct kv_session_config *kv_task_config(const struct kv_task *task)
{
    return task->session->loop->config;
}

const struct weft_limits *kv_task_limits(const struct kv_task *task)
{
    return task->session->loop->config->limits;
}

const struct weft_kv_limits *kv_task_kv_limits(const struct kv_task *task)
{
    return &task->session->loop->config->context->limits;
}

struct weft_loop *kv_task_loop(const struct kv_task *task)
{
    return task->session->loop->loop;
}

static int end(struct weft_request *request, const struct weft_body *body, bool bad)
{
    return bad ? weft_request_end_bad(request, body) : weft_request_end(request, body);
}

static void pump(struct kv_session *session);

/* A reply that was refused for want of room. */
struct held {
    struct kv_session *session;
    struct weft_blob *blob;
    bool bad;
    bool on_heap; /* else it lies in the request's arena */
    bool counts;  /* in session->refused */
};

/* The on_room callbacks. A request that is refused once more stays as it is, and its callback comes
 * again. */

static void room_for_held(struct weft_request *request)
{
    const struct held held = *(struct held *)request->data;
    void *heap = held.on_heap ? request->data : NULL;
    struct weft_body body = weft_body_from_blob(held.blob);
    if (end(request, &body, held.bad) < 0)
        return;
    weft_blob_unref(held.blob);
    weft_free(heap);
    if (held.counts && --held.session->refused == 0)
        pump(held.session);
}

static void end_lost(struct weft_request *request, bool bad)
{
    const struct kv_face *face = request->data;
    uint8_t bytes[WEFT_REJECT_MAX];
    size_t size = face->put_text(bytes, KV_RETRY, "Out of memory: the reply is lost");
    struct weft_body_bytes body = weft_body_from_view(weft_view(bytes, size));
    (void)!end(request, &body.body, bad);
}

static void room_for_lost(struct weft_request *request)
{
    end_lost(request, false);
}

static void room_for_lost_bad(struct weft_request *request)
{
    end_lost(request, true);
}

/* Nobody will read the reply, or has room for it: it ends now, and is dropped. */
static void cancel_held(struct weft_request *request, enum weft_reason reason)
{
    (void)reason;
    request->on_room(request);
}

/* Returns a reply that says that `size` bytes are over max-message. NULL: no memory. */
static struct weft_blob *too_big_blob(const struct kv_face *face, size_t size, uint64_t limit)
{
    char line[KV_LINE_MAX];
    uint8_t bytes[WEFT_REJECT_MAX], *data;
    (void)snprintf(line, sizeof line, "Reply is too big: %zu bytes, max-message is %" PRIu64, size,
                   limit);
    size_t text_size = face->put_text(bytes, KV_TOO_BIG, line);
    struct weft_blob *blob = weft_blob_new(text_size, &data);
    if (blob)
        memcpy(data, bytes, text_size);
    return blob;
}

/* Makes a body a blob that outlives the task. NULL: no memory. */
static struct weft_blob *lasting_blob(const struct kv_task *task, const struct weft_body *body)
{
    uint64_t max_message = kv_task_limits(task)->max_message;
    uint8_t *data;
    if (body->blob)
        return weft_blob_ref(body->blob);
    if (body->size > max_message)
        return too_big_blob(task->session->loop->face, body->size, max_message);
    struct weft_blob *blob = weft_blob_new(body->size, &data);
    if (blob)
        weft_body_write(body, data);
    return blob;
}

/* Too much output waits before this reply. What it shows will be gone when its turn comes, so it
 * becomes a blob, which the request holds. */
WEFT_NOINLINE static void hold(struct kv_task *task, const struct weft_body *body, bool bad)
{
    struct weft_request *request = task->request;
    struct kv_session *session = task->session;
    struct weft_blob *blob = lasting_blob(task, body);
    struct held *held = NULL;
    if (blob)
        held = task->late ? weft_arena_alloc(weft_request_arena(request), sizeof *held)
                          : weft_malloc(sizeof *held);
    if (held) {
        *held = (struct held){.session = session,
                              .blob = blob,
                              .bad = bad,
                              .on_heap = !task->late,
                              /* A stream that nobody reads holds up no other. */
                              .counts = task->submitted && request->stream == 0};
        session->refused += held->counts;
        kv__task_count_kept(task, weft_blob_view(blob).size);
        request->data = held;
        request->on_room = room_for_held;
    } else {
        weft_blob_unref(blob);
        request->data = (void *)(uintptr_t)session->loop->face;
        request->on_room = bad ? room_for_lost_bad : room_for_lost;
    }
    request->on_cancel = cancel_held;
}

void kv_task_answer(struct kv_task *task, const struct kv_reply *reply, bool bad)
{
    /* The end may take the task with it. */
    struct kv_pairs_chunk *pairs = task->pairs.first;
    const struct weft_body *body = task->session->loop->face->reply(task, reply);
    if (task->late)
        kv__flight_note(task->session, body->size);
    task->request->status = reply->status;
    int err = end(task->request, body, bad);
    if (err == -EAGAIN)
        hold(task, body, bad);
    if (pairs)
        kv_pairs_free(pairs);
}

void kv_task_answer_bytes(struct kv_task *task, struct weft_view bytes)
{
    struct weft_body_bytes body = weft_body_from_view(bytes);
    task->request->status = KV_OK;
    int err = end(task->request, &body.body, false);
    if (err == -EAGAIN)
        hold(task, &body.body, false);
}

void kv_task_refuse(struct kv_task *task, enum kv_status status, const char *text, bool bad)
{
    struct kv_reply reply;
    kv_reply_text(&reply, status, text);
    kv_task_answer(task, &reply, bad);
}

void kv_task_refuse_no_memory(struct kv_task *task)
{
    kv_task_refuse(task, KV_RETRY, "Out of memory: nothing was changed", false);
}

/* Answers a command that the store did not do, or whose pairs the reply has no room for. */
WEFT_NOINLINE static void answer_failure(struct kv_task *task)
{
    char line[KV_LINE_MAX];
    kv_pairs_free(task->pairs.first);
    task->pairs = (struct kv_pairs){0};
    if (task->pairs_error == 0) {
        if (task->call.reply.status == KV_STORE_FULL)
            kv_reply_text(&task->call.reply, KV_STORE_FULL, task->session->loop->config->full_text);
        kv_task_answer(task, &task->call.reply, false);
        return;
    }
    if (task->pairs_error != WEFT_ETOOBIG) {
        kv_task_refuse_no_memory(task);
        return;
    }
    (void)snprintf(line, sizeof line, "Reply is too big: over max-message, which is %" PRIu64,
                   kv_task_limits(task)->max_message);
    kv_task_refuse(task, KV_TOO_BIG, line, false);
}

/* A key that is stored comes back in walks, where a reply must have room for it. */
static bool is_key_too_big(const struct kv_task *task)
{
    const struct kv_call *call = &task->call;
    uint64_t most = task->session->loop->config->context->limits.max_key;
    if (!kv_takes_values(call->command))
        return false;
    bool is_big = call->table.size > most;
    for (size_t i = 0; i < call->count; i++)
        is_big |= call->items[i].key.size > most;
    return is_big;
}

WEFT_NOINLINE static void refuse_key(struct kv_task *task)
{
    kv_reply_text(&task->call.reply, KV_TOO_BIG, task->session->loop->config->key_text);
    task->call.done(&task->call);
}

void kv__task_start(struct kv_task *task)
{
    struct kv_session *session = task->session;
    if (is_key_too_big(task)) {
        refuse_key(task);
        return;
    }
    kv_call_start(&task->call, session->loop->store, session->store_session);
}

/* True if nothing may be submitted while the task is under way. A store that keeps no order gets one
 * command at a time, unless it says OVERLAP. A walk is submitted page by page, and a task in steps step by step, so a
 * later command would take effect in the middle of it; and many walks at once could keep a reply each. */
static bool must_be_alone(const struct kv_task *task, unsigned flags)
{
    if (task->call.command->does == KV_WALK)
        return true;
    if (flags & KV_STORE_ORDERED)
        return task->in_steps;
    return !(flags & KV_STORE_OVERLAP) || (task->in_steps && task->mark_count == 0);
}

static bool overlaps(unsigned flags)
{
    return (flags & (KV_STORE_ORDERED | KV_STORE_OVERLAP)) == KV_STORE_OVERLAP;
}

/* Submits the first task of the queue. False: it has to wait for others. */
static bool submit_first(struct kv_session *session)
{
    struct kv_task *task = session->first;
    unsigned flags = session->loop->store->flags;
    bool alone = must_be_alone(task, flags);
    if (overlaps(flags) && (alone ? session->flying > 0 : !kv__flight_has_room(session, task)))
        return false;
    session->first = task->next;
    task->submitted = true;
    if (alone)
        session->alone = task;
    else if (overlaps(flags))
        kv__flight_add(session, task);
    kv__task_start(task);
    return true;
}

/* Submits what waits in the queue, as far as it may be. While replies of commands wait for room nothing
 * is: each command could add another one. They are older than what is queued, so the oldest request is
 * never one that waits here for them. Never nested, so that a store which completes within submit does not
 * grow the stack. */
static void pump(struct kv_session *session)
{
    if (session->pumping)
        return;
    session->pumping = true;
    while (session->first && !session->alone && session->refused == 0)
        if (!submit_first(session))
            break;
    session->pumping = false;
}

void kv__task_done(struct kv_call *call)
{
    struct kv_task *task = weft_container_of(call, struct kv_task, call);
    struct kv_session *session = task->session;
    kv__drop_values(call);
    if (session->alone == task)
        session->alone = NULL;
    if (task->flies)
        kv__flight_remove(session, task);
    if (task->late)
        session->unfinished--;
    if (task->pairs_error != 0 || call->reply.status != KV_OK)
        answer_failure(task);
    else
        kv_task_answer(task, &call->reply, false);
    if (session->first)
        pump(session);
}

/* The steps that complete inside submit. It lies on the stack of run_steps, because the task may be gone by
 * then. */
struct kv_task_run {
    bool more, finished;
};

/* Does one operation after another for as long as each completes inside submit. A loop does this, not a
 * recursion, so that the stack does not grow with their number. */
static void run_steps(struct kv_task *task)
{
    struct kv_task_run run;
    do {
        run = (struct kv_task_run){false, false};
        task->run = &run;
        kv__task_start(task);
    } while (run.more);
    if (!run.finished)
        task->run = NULL;
}

static void step_done(struct kv_call *call)
{
    struct kv_task *task = weft_container_of(call, struct kv_task, call);
    struct kv_task_run *run = task->run;
    bool more = task->pairs_error == 0 && task->step(task);
    if (run)
        *run = (struct kv_task_run){.more = more, .finished = !more};
    if (!more)
        kv__task_done(call);
    else if (!run)
        run_steps(task);
}

void kv_task_in_steps(struct kv_task *task, bool (*step)(struct kv_task *task))
{
    task->step = step;
    task->run = NULL;
    task->in_steps = true;
    task->call.done = step_done;
}

void kv__task_queue(struct kv_session *session, struct kv_task *task)
{
    task->next = NULL;
    if (session->first)
        session->last->next = task;
    else
        session->first = task;
    session->last = task;
    session->unfinished++;
    pump(session);
}
