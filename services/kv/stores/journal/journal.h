/* SPDX-License-Identifier: MIT
 *
 * A journal: every change of a store, on disk, in the order in which the changes took effect. Loops stage
 * their changes (queue.h) with numbers from one counter; one thread merges them by number, writes all that
 * have come as one group, and tells the loops what is on disk. So a group costs one fdatasync, however many
 * wrote.
 *
 * Room on the disk is taken before a change takes effect, from what fallocate has reserved behind the
 * journal's end. So a full disk refuses changes and never breaks one. On file systems that cannot reserve,
 * writing waits until there is room again.
 *
 * After a failed write or fdatasync nobody knows what is on disk, so nothing is written or acknowledged any
 * more. */
#ifndef KV_JOURNAL_H
#define KV_JOURNAL_H

#include <pthread.h>

#include "core/base/log.h"
#include "core/task.h"
#include "queue.h"
#include "services/kv/stores/parts/sync.h"

/* One loop's part of a journal. */
struct kv_journal_port {
    struct kv_queue queue;
    struct weft_loop *loop;
    struct weft_post post; /* its run is the owner's, and sets posted to false before it looks */
    atomic_bool posted;
    bool wrote;     /* the thread's: a record of this port is in the group */
    bool published; /* the loop's: something was, in this turn */
    struct kv_journal_port *next;
};

struct kv_journal {
    int dir; /* the directory; the owner's */
    const struct weft_log *log;
    struct kv_sync sync;
    _Atomic(struct kv_journal_port *) ports; /* changes only while no loop runs */

    atomic_ullong given;   /* the last number given to a change */
    atomic_llong room;     /* reserved bytes that no change has taken */
    atomic_ullong durable; /* all changes up to this number are on disk */
    atomic_bool failed;    /* nothing is written or acknowledged any more */
    atomic_bool full;      /* the disk was full when it was last asked */
    atomic_bool asleep;    /* the thread waits to be woken */

    pthread_mutex_t lock;   /* of all below down to new_base; fd and size change with it held */
    pthread_cond_t wake;    /* for the thread */
    pthread_cond_t went_on; /* for those who wait for the thread */
    bool stopping;
    bool may_reserve;     /* the file system has fallocate */
    uint64_t reserved;    /* where the reserved bytes of the file end */
    unsigned waiting;     /* callers of kv_journal_wait: sync at once */
    bool new_file_wanted; /* by a caller of kv_journal_new_file, and what came of it: */
    int new_file_error;
    uint64_t new_base, new_older; /* and the bytes of the journals before it */

    /* The thread's. */
    pthread_t thread;
    bool runs; /* there is a thread; else kv_journal_step is called by hand */
    int fd;
    uint64_t base;              /* the file has the changes after this number */
    uint64_t size;              /* of the file */
    uint64_t written;           /* the last number in the file */
    int64_t synced_at;          /* nanoseconds of a monotonic clock */
    atomic_ullong total;        /* bytes of this file and the older ones since the last snapshot */
    atomic_ullong grown_at;     /* `grown` is called once when total has reached this */
    void (*grown)(void *owner); /* on the journal's thread; NULL: nobody wants to know */
    void *grown_owner;
    uint8_t *group; /* bytes to be written next */
    size_t group_size;
    uint64_t group_last; /* the last number in it */
    bool stuck;          /* the disk is full, and the group waits */
};

/* The place to go on at: a file whose first `size` bytes are whole and on disk and end with change `written`,
 * opened by the caller. total: bytes of the journals since the last snapshot. */
struct kv_journal_place {
    int fd;
    uint64_t base, size, written, total;
};

/* Takes over place->fd. dir is borrowed. -ENOMEM or -errno: nothing is held, not even the descriptor. */
WEFT_MUST_USE int kv_journal_init(struct kv_journal *journal, int dir,
                                  const struct kv_journal_place *place, const struct kv_sync *sync,
                                  const struct weft_log *log);
/* Starts the thread. Without it the work is done in kv_journal_step. -errno. */
WEFT_MUST_USE int kv_journal_start(struct kv_journal *journal);
/* Writes and syncs what is published and ends the thread. After the loops ended; a second call does
 * nothing. */
void kv_journal_stop(struct kv_journal *journal);
/* Closes the file. It was stopped, or never started, and the ports have left. */
void kv_journal_fini(struct kv_journal *journal);

/* port->loop and port->post.run are set, all else is zero. Before the loops run. -ENOMEM. */
WEFT_MUST_USE int kv_journal_join(struct kv_journal *journal, struct kv_journal_port *port);
/* After kv_journal_stop. */
void kv_journal_leave(struct kv_journal *journal, struct kv_journal_port *port);

/* Called by a port's loop. Returns a record with a number and room for size bytes, or NULL with *err: -ENOMEM,
 * -ENOSPC, -EIO. A removal may use the last bytes of the reserved room. */
WEFT_MUST_USE struct kv_queued *kv_journal_stage(struct kv_journal *journal,
                                                 struct kv_journal_port *port, size_t size,
                                                 bool removal, int *err);
/* Publishes what the port staged: it has taken effect. */
void kv_journal_publish(struct kv_journal_port *port);
/* Called at the end of each turn of the port's loop: wakes the thread if there is something to do. */
void kv_journal_turn_ends(struct kv_journal *journal, struct kv_journal_port *port);

/* One round of the thread. True: it did something, and there may be more to do. */
bool kv_journal_step(struct kv_journal *journal);

/* Called by another thread than the journal's: makes the journal go on in a new file, and returns its base:
 * all changes up to that number are on disk, in older files, and have taken effect. -ENOSPC, -EIO or another
 * error: it stays in the old one. */
WEFT_MUST_USE int kv_journal_new_file(struct kv_journal *journal, uint64_t *base);
/* Returns the bytes of the journals before the present file. Called by the caller of kv_journal_new_file. */
uint64_t kv_journal_older(struct kv_journal *journal);
/* Called by another thread than the journal's: waits until all changes up to number are on disk. -EIO: they
 * will never be. */
WEFT_MUST_USE int kv_journal_wait(struct kv_journal *journal, uint64_t number);

#endif
