/* SPDX-License-Identifier: MIT
 *
 * A request becomes a task: the face decodes it, the store does its call, the face makes the reply.
 * If the store is INLINE, the task lies on the stack of the face's `call` and all of that happens
 * before it returns. So it is for reads of a store with READS_INLINE while no write is unfinished. Any other store answers later, so the payload is kept, the task lies in the
 * request's arena, and it goes through the queue, from which pump() submits what may be submitted.
 *
 * Memory that late tasks keep is counted with their requests' arenas, which is why the queue needs no
 * bound of its own: the core decodes no more while they keep pending-bytes or are max-pending. */
#include "session_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/units.h"

int kv_session_configure(struct kv_session_config *config, void *context,
                         const struct weft_limits *limits, const struct kv_face *face)
{
    char size[WEFT_UNITS_TEXT];
    config->face = face;
    config->context = context;
    config->limits = limits;
    uint64_t max_memory = config->context->limits.max_memory;
    (void)snprintf(config->full_text, sizeof config->full_text, "Store is full: %s%s",
                   max_memory > 0 ? "max-memory is " : "there is no room on its disk",
                   max_memory > 0 ? weft_format_size(max_memory, size) : "");
    (void)snprintf(config->key_text, sizeof config->key_text, "Key is too big: max-key is %s",
                   weft_format_size(config->context->limits.max_key, size));
    return 0;
}

int kv_session_loop_start(void *loop_state, const void *config, struct weft_loop *loop)
{
    struct kv_session_loop *self = loop_state;
    self->config = config;
    self->face = self->config->face;
    self->loop = loop;
    self->store = self->config->context->store;
    return kv_store_loop_take(self->config->context, loop, &self->store_loop);
}

void kv_session_loop_stop(void *loop_state)
{
    struct kv_session_loop *self = loop_state;
    kv_store_loop_give(self->config->context, self->store_loop);
}

int kv_session_open(void *conn_state, void *loop_state)
{
    struct kv_session *self = conn_state;
    self->loop = loop_state;
    const struct kv_store *store = self->loop->store;
    self->store_session = self->space;
    if (store->session_size > sizeof self->space) {
        self->store_session = weft_calloc(1, store->session_size);
        if (!self->store_session)
            return -ENOMEM;
    }
    int err = store->open(self->store_session, self->loop->store_loop->state);
    if (err < 0 && self->store_session != self->space)
        weft_free(self->store_session);
    return err;
}

void kv_session_close(void *conn_state, void *loop_state)
{
    struct kv_session *self = conn_state;
    (void)loop_state;
    self->loop->store->close(self->store_session);
    if (self->store_session != self->space)
        weft_free(self->store_session);
}

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
                              .counts = task->submitted};
        session->refused += held->counts;
        kv__task_count_kept(task, weft_blob_view(blob).size);
        request->data = held;
        request->on_room = room_for_held;
    } else {
        weft_blob_unref(blob);
        request->data = (void *)(uintptr_t)session->loop->face;
        request->on_room = bad ? room_for_lost_bad : room_for_lost;
    }
}

void kv_task_answer(struct kv_task *task, const struct kv_reply *reply, bool bad)
{
    /* The end may take the task with it. */
    struct kv_pairs_chunk *pairs = task->pairs.first;
    const struct weft_body *body = task->session->loop->face->reply(task, reply);
    task->request->status = reply->status;
    int err = end(task->request, body, bad);
    if (err == -EAGAIN)
        hold(task, body, bad);
    if (pairs)
        kv_pairs_free(pairs);
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

/* Drops the blobs that decode made of the values of a write: the store has references of its own. */
static void drop_values(struct kv_call *call)
{
    if (!kv_takes_values(call->command))
        return;
    for (size_t i = 0; i < call->count; i++)
        weft_blob_unref(call->items[i].value.blob);
}

static void answer_denied(struct kv_task *task, const struct weft_rejection *why)
{
    task->request->status = kv__status_of(why->cause);
    weft_request_refuse(task->request, why);
}

bool kv_task_ask(struct kv_task *task, const struct weft_action *action)
{
    struct weft_rejection why;
    if (!task->request->layers || weft_request_ask(task->request, action, &why))
        return true;
    answer_denied(task, &why);
    return false;
}

/* Asks the layers of the endpoint whether the task may be done. If not, it is answered. */
WEFT_NOINLINE static bool ask_layers(struct kv_task *task)
{
    const struct kv_face *face = task->session->loop->face;
    struct weft_action action = {
        .name = task->call.command->name,
        .object = task->call.table,
        .flags = task->call.command->writes ? WEFT_ACTION_WRITES : 0,
    };
    struct weft_rejection why;
    if (face->action)
        face->action(task, &action);
    if (weft_request_ask(task->request, &action, &why))
        return true;
    drop_values(&task->call);
    answer_denied(task, &why);
    return false;
}

static bool may_do(struct kv_task *task)
{
    return !task->request->layers || ask_layers(task);
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

static void start_task(struct kv_task *task)
{
    struct kv_session *session = task->session;
    if (is_key_too_big(task)) {
        refuse_key(task);
        return;
    }
    kv_call_start(&task->call, session->loop->store, session->store_session);
}

/* True if nothing may be submitted while the task is under way. A store that keeps no order gets one
 * command at a time. A walk is submitted page by page, and a task in steps step by step, so a later
 * command would take effect in the middle of it; and many walks at once could keep a reply each. */
static bool must_be_alone(const struct kv_task *task)
{
    return !(task->session->loop->store->flags & KV_STORE_ORDERED) || task->in_steps ||
           task->call.command->does == KV_WALK;
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
    while (session->first && !session->alone && session->refused == 0) {
        struct kv_task *task = session->first;
        session->first = task->next;
        task->submitted = true;
        if (must_be_alone(task))
            session->alone = task;
        start_task(task);
    }
    session->pumping = false;
}

static void call_done(struct kv_call *call)
{
    struct kv_task *task = weft_container_of(call, struct kv_task, call);
    struct kv_session *session = task->session;
    drop_values(call);
    if (session->alone == task)
        session->alone = NULL;
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
        start_task(task);
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
        call_done(call);
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

static void task_init(struct kv_task *task, struct kv_session *session,
                      struct weft_request *request, bool late)
{
    task->request = request;
    task->session = session;
    task->late = late;
    task->submitted = false;
    task->looking = false;
    task->pairs = (struct kv_pairs){0};
    task->pairs_error = 0;
    task->call.pair = kv__take_pair;
    task->call.done = call_done;
}

static void queue(struct kv_session *session, struct kv_task *task)
{
    task->next = NULL;
    if (session->first)
        session->last->next = task;
    else
        session->first = task;
    session->last = task;
}

static void count_values(struct kv_task *task)
{
    const struct kv_call *call = &task->call;
    if (!kv_takes_values(call->command))
        return;
    for (size_t i = 0; i < call->count; i++)
        if (call->items[i].value.blob)
            kv__task_count_kept(task, weft_blob_view(call->items[i].value.blob).size);
}

/* `fallback` is a task on the caller's stack, for a refusal. */
WEFT_NOINLINE static void call_later(struct kv_session *session, struct weft_request *request,
                                     struct kv_task *fallback)
{
    const struct kv_face *face = session->loop->face;
    struct kv_task *task = NULL;
    if (weft_request_keep(request) == 0)
        task = weft_arena_alloc(weft_request_arena(request), face->task_size);
    if (!task) {
        task_init(fallback, session, request, false);
        kv_task_refuse_no_memory(fallback);
        return;
    }
    task_init(task, session, request, true);
    task->in_steps = false;
    if (!face->decode(task) || !may_do(task))
        return;
    count_values(task);
    session->unfinished++;
    queue(session, task);
    pump(session);
}

/* A read that will be done before submit returns needs nothing that outlives the caller, as if the store were
 * INLINE. A request that turns out to write is decoded again, which is cheaper than to ask before each read. */
static void call_reader(struct kv_session *session, struct weft_request *request,
                        struct kv_task *task)
{
    if (session->unfinished > 0 || session->refused > 0) {
        call_later(session, request, task);
        return;
    }
    task_init(task, session, request, false);
    task->looking = true;
    if (!session->loop->face->decode(task))
        return;
    if (task->call.command->writes) {
        drop_values(&task->call);
        call_later(session, request, task);
    } else if (may_do(task)) {
        start_task(task);
    }
}

void kv_session_call(struct kv_session *session, struct weft_request *request, struct kv_task *task)
{
    unsigned flags = session->loop->store->flags;
    if (!(flags & KV_STORE_INLINE)) {
        if (flags & KV_STORE_READS_INLINE)
            call_reader(session, request, task);
        else
            call_later(session, request, task);
        return;
    }
    task_init(task, session, request, false);
    if (session->loop->face->decode(task) && may_do(task))
        start_task(task);
}
