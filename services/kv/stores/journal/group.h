/* SPDX-License-Identifier: MIT
 *
 * The parts of a journal that reserve room on the disk and write a group of records. Private to journal.c. Unless it
 * says otherwise a function runs on the journal's thread, without the lock. */
#ifndef KV_JOURNAL_GROUP_H
#define KV_JOURNAL_GROUP_H

#include "journal.h"

enum {
    KV_GROUP_MAX = 1 << 20,     /* bytes of a group; a larger record is written by itself */
    KV_RESERVE_STEP = 4 << 20,  /* bytes that are reserved at a time */
    KV_RESERVE_KEPT = 64 << 10, /* the last reserved bytes, which only removals may use */
};

/* Returns the nanoseconds of a monotonic clock. Any thread. */
int64_t kv_journal_now(void);

/* Reserves at least `least` more bytes behind the journal's end and adds them to journal->room. Called with the lock
 * held, on any thread. Returns 0, -ENOSPC, or another -errno. */
WEFT_MUST_USE int kv_journal_reserve(struct kv_journal *journal, uint64_t least);

/* Marks the journal as failed for good and logs the reason: the system call `what` returned err. */
void kv_journal_fail(struct kv_journal *journal, const char *what, int err);

/* True if a port has published the change with the next number. */
bool kv_group_is_waiting(const struct kv_journal *journal);

/* Writes the published records in the order of their numbers. Returns 1 if it wrote something, 0 if there was nothing,
 * or -ENOSPC if the disk is full and the rest waits. After another error the journal has failed. */
int kv_group_write(struct kv_journal *journal);

/* Syncs what was written and advances journal->durable. After an error the journal has failed. */
WEFT_MUST_USE int kv_group_sync(struct kv_journal *journal);

/* Continues in a new file, unless the present one has no changes yet. Called when all that was written is on disk.
 * Returns 0 or -errno; after an error the old file stays in use. */
WEFT_MUST_USE int kv_group_new_file(struct kv_journal *journal);

#endif
