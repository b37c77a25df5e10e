/* SPDX-License-Identifier: MIT
 *
 * A journal has every change of a store on disk, in the order in which the changes took effect. Loops stage their
 * changes (queue.h) with numbers from one counter. One thread merges them by number, writes all that have come as one
 * group, and reports to the loops which changes are on disk. So a group costs one fdatasync. Clients that got their
 * answers together send their next requests one after the other, so a group stays open for a moment, until as many
 * changes have come as were in progress when the last group was done.
 *
 * A change takes its room on the disk before it takes effect, from bytes that fallocate has reserved behind the
 * journal's end. So if the disk is full, a change is refused and not cut off. On file systems that cannot reserve,
 * writing waits until there is room again.
 *
 * After a failed write or fdatasync it is not known what is on disk, so nothing is written or acknowledged any more. */
#ifndef KV_JOURNAL_H
#define KV_JOURNAL_H

#include <pthread.h>

#include "core/base/histogram.h"
#include "core/base/log.h"
#include "core/task.h"
#include "queue.h"
#include "services/kv/stores/parts/sync.h"

/* One loop's part of a journal. */
struct kv_journal_port {
    struct kv_queue queue;
    struct weft_loop *loop;
    /* The owner sets run, which sets posted to false before it reads durable. */
    struct weft_post post;
    atomic_bool posted;
    bool wrote;     /* for the journal's thread: the group has a record of this port */
    bool published; /* for the loop: it has published something in this turn */
    struct kv_journal_port *next;
};

struct kv_journal {
    int dir; /* the directory's descriptor; borrowed */
    const struct weft_log *log;
    struct kv_sync sync;
    _Atomic(struct kv_journal_port *) ports; /* changes only while no loop runs */

    atomic_ullong given;   /* the last number given to a change */
    atomic_llong room;     /* reserved bytes that no change has taken */
    atomic_ullong durable; /* all changes up to this number are on disk */
    atomic_bool failed;    /* nothing is written or acknowledged any more */
    atomic_bool full;      /* the last attempt to get room failed because the disk is full */
    atomic_ullong
        wake_at; /* the thread sleeps until this number was given; UINT64_MAX: it is awake */

    /* Protects the fields down to new_older; fd and size are changed with it held. */
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* wakes the thread */
    pthread_cond_t went_on; /* wakes those who wait for the thread */
    bool stopping;
    bool may_reserve;     /* the file system has fallocate */
    uint64_t reserved;    /* where the reserved bytes of the file end */
    unsigned waiting;     /* callers of kv_journal_wait, for whom the thread syncs at once */
    bool new_file_wanted; /* a caller of kv_journal_new_file waits; its results follow */
    int new_file_error;
    uint64_t new_base, new_older; /* the new file's base, and the bytes of the journals before it */

    /* For the journal's thread. */
    pthread_t thread;
    bool runs; /* there is a thread; else the owner calls kv_journal_step */
    int fd;
    uint64_t base;              /* the file has the changes after this number */
    uint64_t size;              /* bytes of the file */
    uint64_t written;           /* the last number in the file */
    int64_t synced_at;          /* nanoseconds of a monotonic clock */
    int64_t sync_time;          /* nanoseconds that the last sync took */
    uint64_t wanted;            /* the number of changes for which a group stays open */
    int64_t patience;           /* nanoseconds for which it does so at most */
    atomic_ullong total;        /* bytes of this file and the older ones since the last snapshot */
    atomic_ullong grown_at;     /* `grown` is called once when total has reached this */
    void (*grown)(void *owner); /* called on the journal's thread; may be NULL */
    void *grown_owner;
    uint8_t *group; /* bytes to be written next */
    size_t group_size;
    uint64_t group_last;         /* the last number in it */
    struct weft_histogram syncs; /* durations of fdatasync; any thread reads them */
    bool stuck;                  /* the disk is full, and the group waits */
};

/* The place at which a journal continues: the open file fd, whose first `size` bytes are intact, on disk, and end with
 * change `written`. The file has the changes after `base`. total is the bytes of all journals since the last snapshot. */
struct kv_journal_place {
    int fd;
    uint64_t base, size, written, total;
};

/* Sets up *journal, which owns place->fd from now on; dir and log are borrowed. Returns 0 or -errno; after an error
 * place->fd is closed and nothing is held. */
WEFT_MUST_USE int kv_journal_init(struct kv_journal *journal, int dir,
                                  const struct kv_journal_place *place, const struct kv_sync *sync,
                                  const struct weft_log *log);
/* Starts the thread. Without it the owner calls kv_journal_step. Returns 0 or -errno. */
WEFT_MUST_USE int kv_journal_start(struct kv_journal *journal);
/* Writes and syncs what was published, and ends the thread. Called after the loops ended; a second call does
 * nothing. */
void kv_journal_stop(struct kv_journal *journal);
/* Closes the file. The journal was stopped, or never started, and the ports have left. */
void kv_journal_fini(struct kv_journal *journal);

/* Adds a port. The caller has set port->loop and port->post.run; all else is zero. Called before the loops run.
 * Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv_journal_join(struct kv_journal *journal, struct kv_journal_port *port);
/* Removes a port. Called after kv_journal_stop. */
void kv_journal_leave(struct kv_journal *journal, struct kv_journal_port *port);

/* Returns a record with the next number and room for `size` bytes, which the caller fills. Called on the port's loop,
 * when a change is about to take effect. A removal may use the last bytes of the reserved room. Returns NULL with *err:
 * -ENOMEM (there is no memory, or too much waits), -ENOSPC, or -EIO if the journal has failed. */
WEFT_MUST_USE struct kv_queued *kv_journal_stage(struct kv_journal *journal,
                                                 struct kv_journal_port *port, size_t size,
                                                 bool removal, int *err);
/* Lets the thread write what the port has staged. Called on the port's loop, when it has taken effect. */
void kv_journal_publish(struct kv_journal_port *port);
/* Wakes the thread if the port has published something. Called at the end of each turn of the port's loop. */
void kv_journal_turn_ends(struct kv_journal *journal, struct kv_journal_port *port);

/* Tells the samples of the journal. Any thread. */
void kv_journal_collect(struct kv_journal *journal, struct weft_samples *samples);

/* Does one round of the thread's work. True: it wrote something, and there may be more to do. */
bool kv_journal_step(struct kv_journal *journal);

/* Makes the journal continue in a new file, unless the present one has no changes yet, and sets *base: all changes up
 * to that number have taken effect and are on disk, in older files. Called by another thread than the journal's. After an
 * error the old file stays in use: -ENOSPC, -EIO, -ESHUTDOWN if the journal is being stopped, or another one. */
WEFT_MUST_USE int kv_journal_new_file(struct kv_journal *journal, uint64_t *base);
/* Returns the bytes of the journals before the file that the last kv_journal_new_file has begun. */
uint64_t kv_journal_older(struct kv_journal *journal);
/* Waits until all changes up to number are on disk. Called by another thread than the journal's. Returns 0, -EIO if the
 * journal has failed, or -ESHUTDOWN if it is being stopped. */
WEFT_MUST_USE int kv_journal_wait(struct kv_journal *journal, uint64_t number);

#endif
