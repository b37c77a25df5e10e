/* SPDX-License-Identifier: MIT
 *
 * Writes to the trail of a store on disk what a transaction has changed, once it is committed. A group of writes that
 * nobody follows costs one load. For the writer's thread. */
#ifndef KV_PARTS_DISK_TELL_H
#define KV_PARTS_DISK_TELL_H

#include "disk.h"

/* Tells the changes of the jobs from first up to end, which were committed, in their order. */
void kv_disk_tell(struct kv_disk *disk, struct kv_job *first, const struct kv_job *end);

/* Notes that a pair has expired and is removed in this transaction. key is the one under which the pair is stored, and
 * record what was there. */
void kv_disk_note_expired(struct kv_disk *disk, const struct kv_ledger_table *table,
                          const struct kv_key *key, const struct kv_disk_record *record);
/* Tells what was noted if the transaction was committed, and forgets it. */
void kv_disk_tell_expired(struct kv_disk *disk, bool committed);

#endif
