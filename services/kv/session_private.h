/* SPDX-License-Identifier: MIT
 *
 * Declarations that session.c, page.c and reject.c share. */
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

/* Returns the status with which kv replies to a rejection. */
enum kv_status kv__status_of(enum weft_reject_cause cause);

#endif
