/* SPDX-License-Identifier: MIT
 *
 * A kept store is a memory store with a journal and snapshots on disk. This has its states, and how it starts and
 * stops; its slots are in store.c. The files, from the bottom: crc32c, record (the format), framing and stream
 * (reading files), files (the directory), queue (from a loop to the thread), group and journal (writing), salvage and
 * recover (starting), snapshot, found and changes (what the memory store does), then late, kept and store. */
#ifndef KV_JOURNAL_KEPT_H
#define KV_JOURNAL_KEPT_H

#include <stdalign.h>

#include "found.h"
#include "journal.h"
#include "snapshot.h"
#include "services/kv/stores/memory/memory.h"
#include "services/kv/stores/memory/watch.h"

enum { KV_KEPT_SESSION = 40 }; /* room for a session of the memory store */

struct kv_kept {
    void *memory;  /* the memory store's state */
    void *part;    /* the part of it that belongs to no loop: recovery's, then the snapshots' */
    void *session; /* the session of that part */
    int lock;      /* the directory's lock (claim.h) */
    int dir;       /* the directory's descriptor */
    char *path;
    /* For tests: there are no threads, and a loop does their work at the end of its turns. */
    bool stepped;
    struct kv_journal journal;
    struct kv_snapshots snapshots;
};

/* An operation that has taken effect and waits for the disk. */
struct kv_late;

struct kv_kept_loop {
    struct kv_kept *kept;
    void *memory; /* the memory store's part of the loop */
    struct kv_watch watch;
    struct kv_journal_port port;
    struct weft_turn_hook hook;
    struct kv_late *first, *last; /* the operations that wait, in the order of their numbers */
    struct kv_late *spare;        /* structs to be used again */
    size_t spare_count;
    struct kv_found *found; /* the copies of the operation that is being executed, or NULL */
};

struct kv_kept_session {
    struct kv_kept_loop *loop;
    size_t late; /* the number of operations of this session that wait */
    alignas(max_align_t) uint8_t memory[KV_KEPT_SESSION];
};

/* The variants of weft_kv_store_journal. The first answers writes when they are on disk, the second at once. */
extern const struct kv_store kv_kept_late, kv_kept_quick;

/* Opens the directory that options->where names, recovers what it has, and starts the journal. This and the functions
 * below are slots of struct kv_store; init has one more parameter. */
WEFT_MUST_USE int kv_kept_init(struct kv_kept *kept, const struct kv_store_options *options,
                               bool stepped, struct weft_error *error);
/* Sets *bytes from the option `snapshot`, or to its default. Returns 0, or WEFT_ECONFIG with one line in *error. This
 * is not a slot. */
WEFT_MUST_USE int kv_kept_snapshot_option(uint64_t *bytes, const struct weft_option_set *set,
                                          struct weft_error *error);
void kv_kept_fini(void *store);
int kv_kept_start(void *loop_state, void *store, struct weft_loop *loop);
void kv_kept_stop(void *loop_state);
int kv_kept_open(void *session, void *loop_state);

#endif
