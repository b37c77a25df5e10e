/* SPDX-License-Identifier: MIT
 *
 * Writes of a kept store that have taken effect in memory and are answered when they are on disk. What they have found
 * is copied meanwhile (found.h). For the loop's thread. */
#ifndef KV_JOURNAL_LATE_H
#define KV_JOURNAL_LATE_H

#include "kept.h"

/* Executes a write. It is answered at once if it changed nothing, otherwise when it is on disk. */
void kv_late_submit(struct kv_kept_session *self, struct kv_op *op);

/* Answers the writes that are on disk. If the journal has failed, it answers the others with KV_UNKNOWN. It is the
 * function `run` of a port's post. */
void kv_late_settled(struct weft_post *post);

/* Answers all writes of a session that wait with KV_UNKNOWN, since they may or may not reach the disk. */
void kv_late_close(struct kv_kept_session *self);

/* Frees the structs that are kept to be used again. */
void kv_late_free_spare(struct kv_kept_loop *loop);

#endif
