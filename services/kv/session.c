/* SPDX-License-Identifier: MIT
 *
 * A request becomes a task: the face decodes it, the store does its call, the face makes the reply.
 * If the store is INLINE, the task lies on the stack of the face's `call` and all of that happens
 * before it returns. So it is for reads of a store with READS_INLINE while no write is unfinished. Any other store answers later, so the payload is kept, the task lies in the
 * request's arena, and it goes through the queue (task.c), which submits what may be submitted.
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
#include "feed.h"

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
    int err = kv_feed_loop_take(self->config->context->feed, loop, &self->feed);
    if (err < 0)
        return err;
    err = kv_store_loop_take(self->config->context, loop, &self->store_loop);
    if (err < 0)
        goto err_after_feed;
    self->store_loop->keyspace.feed = self->feed;
    if (self->store_loop->hears)
        err = kv_relay_start(&self->store_loop->relay, self->store, self->store_loop->state,
                             self->feed);
    if (err < 0)
        goto err_after_store_loop;
    return 0;

err_after_store_loop:
    kv_store_loop_give(self->config->context, self->store_loop);
err_after_feed:
    kv_feed_loop_give(self->feed);
    return err;
}

void kv_session_loop_stop(void *loop_state)
{
    struct kv_session_loop *self = loop_state;
    kv_store_loop_give(self->config->context, self->store_loop);
    kv_feed_loop_give(self->feed);
}

int kv_session_open(void *conn_state, void *loop_state)
{
    struct kv_session *self = conn_state;
    self->loop = loop_state;
    kv__link_init(&self->flight);
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
    kv__drop_values(&task->call);
    answer_denied(task, &why);
    return false;
}

struct kv_task *kv_task_postpone(struct kv_task *task)
{
    struct kv_task *later = NULL;
    if (task->late)
        return task;
    size_t size = task->session->loop->face->task_size;
    if (weft_request_keep_with_room(task->request, size) == 0)
        later = weft_arena_alloc(weft_request_arena(task->request), size);
    if (later)
        kv__task_init(later, task->session, task->request, true);
    else
        kv_task_refuse_no_memory(task);
    return later;
}

/* For endpoints with layers. Most peers have a pass for what they do often. */
WEFT_NOINLINE static bool may_do_layered(struct kv_task *task)
{
    unsigned flags = task->call.command->writes ? WEFT_ACTION_WRITES : 0;
    if (task->session->loop->face->action ||
        !weft_request_passes(task->request, flags, task->call.table))
        return ask_layers(task);
    task->request->action = task->call.command->name;
    return true;
}

static bool may_do(struct kv_task *task)
{
    struct weft_request *request = task->request;
    if (!request->layers)
        return true;
    if (!weft_request_unasked(request))
        return may_do_layered(task);
    if (!request->action) /* a face has no other name for it */
        request->action = task->call.command->name;
    return true;
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

/* Executes a request in a late task. */
static void run_later(struct kv_session *session, struct kv_task *task)
{
    if (!session->loop->face->decode(task) || !may_do(task))
        return;
    count_values(task);
    kv__task_queue(session, task);
}

/* `fallback` is a task on the caller's stack, for a refusal. */
WEFT_NOINLINE static void call_later(struct kv_session *session, struct weft_request *request,
                                     struct kv_task *fallback)
{
    const struct kv_face *face = session->loop->face;
    struct kv_task *task = NULL;
    if (weft_request_keep_with_room(request, face->task_size) == 0)
        task = weft_arena_alloc(weft_request_arena(request), face->task_size);
    if (!task) {
        kv__task_init(fallback, session, request, false);
        kv_task_refuse_no_memory(fallback);
        return;
    }
    kv__task_init(task, session, request, true);
    task->in_steps = false;
    run_later(session, task);
}

void kv__session_run_known(struct kv_session *session, struct weft_request *request, int result)
{
    static const struct weft_rejection no_memory = {.cause = WEFT_REJECT_NO_MEMORY};
    struct kv_task *task =
        weft_arena_alloc(weft_request_arena(request), session->loop->face->task_size);
    if (!task) {
        weft_request_refuse(request, &no_memory);
        return;
    }
    kv__task_init(task, session, request, true);
    task->in_steps = false;
    task->known = true;
    task->login = result;
    run_later(session, task);
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
    kv__task_init(task, session, request, false);
    task->looking = true;
    if (!session->loop->face->decode(task))
        return;
    if (task->call.command->writes) {
        kv__drop_values(&task->call);
        call_later(session, request, task);
    } else if (may_do(task)) {
        kv__task_start(task);
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
    kv__task_init(task, session, request, false);
    if (session->loop->face->decode(task) && may_do(task))
        kv__task_start(task);
}
