/* SPDX-License-Identifier: MIT
 *
 * Snapshots of a kept store, written while it serves: nothing is copied first and no loop waits. The journal
 * goes on in a new file; then the store's tables are walked, segment by segment, while they change. So the
 * snapshot has all changes of the old journals, and some of those of the new one. Read again after the
 * snapshot, the new journal makes of that exactly what the store was: each change says what a key has
 * afterwards, and a key without a change was met as it was.
 *
 * A snapshot counts from the moment at which it has its name. Before that, all changes that it may have are on
 * disk in the journal, or a batch could be there in part. After that the older files are removed. */
#ifndef KV_JOURNAL_SNAPSHOT_H
#define KV_JOURNAL_SNAPSHOT_H

#include "journal.h"

struct kv_snapshots {
    struct kv_journal *journal;
    void *memory; /* the memory store's state */
    void *part;   /* its part for this thread */
    uint64_t
        least; /* bytes of journals that begin a snapshot, but not before they are as many as the last
                       snapshot has */
    uint64_t size; /* of the last snapshot */

    pthread_mutex_t lock; /* of the three below */
    pthread_cond_t wake;
    bool wanted, stopping;
    bool runs; /* there is a thread */
    pthread_t thread;
};

/* The caller sets journal, memory, part, least and size; the rest is zero. Makes the journal tell when it has
 * grown. Returns 0 or -errno. */
WEFT_MUST_USE int kv_snapshots_init(struct kv_snapshots *self);
void kv_snapshots_fini(struct kv_snapshots *self);

/* Starts the thread. Without it kv_snapshots_poll does the work. */
WEFT_MUST_USE int kv_snapshots_start(struct kv_snapshots *self);
/* Ends the thread, and a snapshot that is under way. Before kv_journal_stop. */
void kv_snapshots_stop(struct kv_snapshots *self);

/* Writes a snapshot if the journal has asked for one. */
void kv_snapshots_poll(struct kv_snapshots *self);

#endif
