/* SPDX-License-Identifier: MIT
 *
 * The insides of a journal: reserving room, and writing one group. Private to journal.c. */
#ifndef KV_JOURNAL_GROUP_H
#define KV_JOURNAL_GROUP_H

#include "journal.h"

enum {
    KV_GROUP_MAX = 1 << 20,     /* bytes of a group; a larger record is written by itself */
    KV_RESERVE_STEP = 4 << 20,  /* bytes that are reserved at a time */
    KV_RESERVE_KEPT = 64 << 10, /* bytes that only removals may take when no more can be reserved */
};

/* Nanoseconds of a monotonic clock. */
int64_t kv_journal_now(void);

/* Reserves at least `least` bytes more. Called with the lock held. -ENOSPC, or another -errno. */
WEFT_MUST_USE int kv_journal_reserve(struct kv_journal *journal, uint64_t least);

/* Makes the journal fail for good, because of err in `what`. */
void kv_journal_fail(struct kv_journal *journal, const char *what, int err);

/* True if a port has the next change. */
bool kv_group_is_waiting(const struct kv_journal *journal);

/* Writes all that has come. 1: something was written; 0: nothing had come; -ENOSPC: the disk is full, and the
 * rest waits. After another error the journal has failed. */
int kv_group_write(struct kv_journal *journal);

/* Syncs what was written; after an error the journal has failed. */
WEFT_MUST_USE int kv_group_sync(struct kv_journal *journal);

/* Goes on in a new file. All that was written is on disk. An error leaves the old one in use. */
WEFT_MUST_USE int kv_group_new_file(struct kv_journal *journal);

#endif
