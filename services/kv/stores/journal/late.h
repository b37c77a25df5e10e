/* SPDX-License-Identifier: MIT
 *
 * Operations of a kept store that have taken effect and are answered when they are on disk. What they found
 * is copied meanwhile, since the memory store keeps it only until the turn's end. */
#ifndef KV_JOURNAL_LATE_H
#define KV_JOURNAL_LATE_H

#include "kept.h"

/* Does a write. */
void kv_late_submit(struct kv_kept_session *self, struct kv_op *op);

/* Answers what is on disk, and everything if the journal has failed. It is the run of a port's post. */
void kv_late_settled(struct weft_post *post);

/* Answers all that waits in a session: whether it comes to be on disk is not known. */
void kv_late_close(struct kv_kept_session *self);

/* Frees what is kept to be used again. */
void kv_late_free_spare(struct kv_kept_loop *loop);

#endif
