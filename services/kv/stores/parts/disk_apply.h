/* SPDX-License-Identifier: MIT
 *
 * Does one operation to a store on disk, within the writer's transaction; and does the removal of what
 * has expired or was dropped, in steps. Each returns 0 or the error of the engine, after which the
 * transaction is to be given up. */
#ifndef KV_PARTS_DISK_APPLY_H
#define KV_PARTS_DISK_APPLY_H

#include "disk.h"

/* Does job->copy and sets its results; job->outcome is KV_DONE or KV_UNMET. */
WEFT_MUST_USE int kv_disk_apply(struct kv_disk *disk, struct kv_disk_job *job);

/* Both remove at most `most` pairs and set *removed to their number: 0: nothing is left to do. */
WEFT_MUST_USE int kv_disk_remove_expired(struct kv_disk *disk, int64_t now, size_t most,
                                         size_t *removed);
WEFT_MUST_USE int kv_disk_remove_garbage(struct kv_disk *disk, size_t most, size_t *removed);

/* Sets *expires to when the first pair expires, or INT64_MAX. */
WEFT_MUST_USE int kv_disk_next_expiry(struct kv_disk *disk, int64_t *expires);

#endif
