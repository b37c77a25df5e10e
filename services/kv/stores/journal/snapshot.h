/* SPDX-License-Identifier: MIT
 *
 * Snapshots of a kept store are written while it serves: no loop waits and the store is not copied first. The journal
 * continues in a new file. Then the store's tables are walked, segment by segment, while they change. So the snapshot
 * has all changes of the old journals, and some of the new one. At a start the snapshot is read first and then the new
 * journal. The result is exactly the store: each change says what its key has afterwards, and a key without a change
 * in the new journal is in the snapshot as it was.
 *
 * A snapshot is valid from the moment at which it is renamed to its final name. Before that, all changes that it may
 * have must be on disk in the journal; otherwise it could have a part of a batch. After that the older files are
 * removed. */
#ifndef KV_JOURNAL_SNAPSHOT_H
#define KV_JOURNAL_SNAPSHOT_H

#include "journal.h"

struct kv_snapshots {
    struct kv_journal *journal;
    void *memory; /* the memory store's state */
    void *part;   /* its part for this thread */
    /* A snapshot is begun when the journals have as many bytes as the greater of `least` and `size`. */
    uint64_t least;
    uint64_t size; /* bytes of the last snapshot */

    pthread_mutex_t lock; /* protects wanted and stopping */
    pthread_cond_t wake;
    bool wanted, stopping;
    bool runs; /* there is a thread */
    pthread_t thread;
};

/* Sets up snapshots, and sets journal->grown. The caller has set journal, memory, part, least and size; the rest is
 * zero. Returns 0 or -errno. */
WEFT_MUST_USE int kv_snapshots_init(struct kv_snapshots *self);
void kv_snapshots_fini(struct kv_snapshots *self);

/* Starts the thread. Without it the owner calls kv_snapshots_poll. Returns 0 or -errno. */
WEFT_MUST_USE int kv_snapshots_start(struct kv_snapshots *self);
/* Ends the thread and abandons a snapshot in progress. Called before kv_journal_stop. */
void kv_snapshots_stop(struct kv_snapshots *self);

/* Has the thread write a snapshot soon. Any thread. */
void kv_snapshots_begin(struct kv_snapshots *self);

/* Writes a snapshot if the journal has grown enough. It does the work of the thread. */
void kv_snapshots_poll(struct kv_snapshots *self);

#endif
