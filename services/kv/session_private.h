/* SPDX-License-Identifier: MIT
 *
 * Shared by the files that a session consists of: session.c, page.c and reject.c. */
#ifndef KV_SESSION_PRIVATE_H
#define KV_SESSION_PRIVATE_H

#include "core/base/mem.h"
#include "session.h"

/* Counts memory that a late task keeps beside its request's arena. */
static inline void kv__task_count_kept(struct kv_task *task, size_t bytes)
{
    if (task->late)
        weft_arena_count_beside(weft_request_arena(task->request), bytes);
}

/* The `pair` of a task's call. */
bool kv__take_pair(struct kv_call *call, const struct kv_pair *pair);

/* Returns the status of a reply that words a rejection. */
enum kv_status kv__status_of(enum weft_reject_cause cause);

#endif
