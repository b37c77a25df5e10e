/* SPDX-License-Identifier: MIT
 *
 * Declarations that session.c, login.c, task.c, page.c and reject.c share. */
#ifndef KV_SESSION_PRIVATE_H
#define KV_SESSION_PRIVATE_H

#include "core/base/mem.h"
#include "session.h"

/* Counts bytes that a task keeps outside of its request's arena towards the limit of pending bytes. A task that is
 * not late is gone at once, so it counts nothing. */
static inline void kv__task_count_kept(struct kv_task *task, size_t bytes)
{
    if (task->late)
        weft_arena_count_beside(weft_request_arena(task->request), bytes);
}

/* The function `pair` of a task's kv_call: adds the pair to task->pairs, within the limits of a reply. */
bool kv__take_pair(struct kv_call *call, const struct kv_pair *pair);

/* The `done` of a task's kv_call: answers the task, and submits what waited for its end. */
void kv__task_done(struct kv_call *call);

/* Sets the fields of a task that lies in uninitialized memory, but in_steps. */
static inline void kv__task_init(struct kv_task *task, struct kv_session *session,
                                 struct weft_request *request, bool late)
{
    task->request = request;
    task->session = session;
    task->late = late;
    task->submitted = false;
    task->looking = false;
    task->known = false;
    task->flies = false;
    task->mark_count = 0;
    task->pairs = (struct kv_pairs){0};
    task->pairs_error = 0;
    task->call.pair = kv__take_pair;
    task->call.done = kv__task_done;
}

/* Submits a task that decode has filled, or refuses its key. The task may be gone afterwards. */
void kv__task_start(struct kv_task *task);
/* Puts a late task behind the others, and submits it once it may be. */
void kv__task_queue(struct kv_session *session, struct kv_task *task);
/* overlap.c: which tasks are under way together. True if a task may be submitted beside those that are. */
bool kv__flight_has_room(struct kv_session *session, struct kv_task *task);
void kv__flight_add(struct kv_session *session, struct kv_task *task);
void kv__flight_remove(struct kv_session *session, struct kv_task *task);
/* Notes the size of a reply. */
void kv__flight_note(struct kv_session *session, size_t size);

/* Drops the blobs that decode made of the values of a write. The store has references of its own. */
static inline void kv__drop_values(struct kv_call *call)
{
    if (!kv_takes_values(call->command))
        return;
    for (size_t i = 0; i < call->count; i++)
        if (call->items[i].value.blob)
            weft_blob_unref(call->items[i].value.blob);
}

/* Decodes a request, for which a face has called kv_task_login, again, now that the layers can say. */
void kv__session_run_known(struct kv_session *session, struct weft_request *request, int result);

/* Answers a task with an integer (subscription.c). */
void kv__answer_number(struct kv_task *task, uint64_t number);
/* Returns true if a topic is longer than max-key; the task is answered then (subscription.c). */
bool kv__refuse_long_topic(struct kv_task *task, struct weft_view topic);

/* Returns the status with which kv replies to a rejection. */
enum kv_status kv__status_of(enum weft_reject_cause cause);

#endif
