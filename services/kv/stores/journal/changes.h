/* SPDX-License-Identifier: MIT
 *
 * Hands the changes of a memory store to the journal: the watch of each loop's part. */
#ifndef KV_JOURNAL_CHANGES_H
#define KV_JOURNAL_CHANGES_H

#include "kept.h"

/* Makes the loop's part of the memory store show its changes. */
void kv_changes_watch(struct kv_kept_loop *loop);

/* Submits to the memory store and publishes what that staged. found: takes memory for what the operation
 * finds, before it takes effect; NULL: nobody keeps that. */
void kv_changes_submit(struct kv_kept_session *self, struct kv_op *op, struct kv_found *found);

#endif
