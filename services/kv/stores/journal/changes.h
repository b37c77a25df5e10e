/* SPDX-License-Identifier: MIT
 *
 * Passes the changes of a memory store to the journal. The memory store calls a watch (memory/watch.h) before a change
 * takes effect; this is the watch of each loop's part. For the loop's thread. */
#ifndef KV_JOURNAL_CHANGES_H
#define KV_JOURNAL_CHANGES_H

#include "kept.h"

/* Makes the loop's part of the memory store report its changes to the journal. */
void kv_changes_watch(struct kv_kept_loop *loop);

/* Submits op to the memory store and publishes the records that it has staged. found, if not NULL, reserves memory for
 * the values that the operation finds, before it takes effect. */
void kv_changes_submit(struct kv_kept_session *self, struct kv_op *op, struct kv_found *found);

#endif
