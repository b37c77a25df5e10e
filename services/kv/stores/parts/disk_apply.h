/* SPDX-License-Identifier: MIT
 *
 * Executes one operation within the writer's transaction, and removes, in steps, pairs that have expired or whose
 * table was dropped. For the writer's thread only. Each function returns 0 or the error of the engine. After an error
 * the caller drops the transaction. */
#ifndef KV_PARTS_DISK_APPLY_H
#define KV_PARTS_DISK_APPLY_H

#include "disk.h"

/* Executes job->copy and sets its results. With 0 it has set job->outcome to KV_DONE or KV_UNMET. */
WEFT_MUST_USE int kv_disk_apply(struct kv_disk *disk, struct kv_disk_job *job);

/* Both remove at most `most` pairs and set *removed to their number. If that is 0, nothing is left to remove. */
WEFT_MUST_USE int kv_disk_remove_expired(struct kv_disk *disk, int64_t now, size_t most,
                                         size_t *removed);
WEFT_MUST_USE int kv_disk_remove_garbage(struct kv_disk *disk, size_t most, size_t *removed);

/* Sets *expires to the time at which the first pair expires, or to INT64_MAX if none does. */
WEFT_MUST_USE int kv_disk_next_expiry(struct kv_disk *disk, int64_t *expires);

#endif
