/* SPDX-License-Identifier: MIT
 *
 * A store on disk, made from an engine (engine.h). Its files, from the bottom: record and key (what is written),
 * ledger (tables), results and job (an operation that waits), disk_read (reads of a state), disk_here and
 * disk_readers (reads on loops and on threads), disk_apply and disk_write (a group of writes as one transaction, on
 * the writer's thread), disk_tell (what followers see of it), disk_clock, disk_session, disk (the store's slots).
 *
 * A read is done before submit returns if the engine does not block and no operation of its session waits. It reads
 * a state of the engine that the loop takes once per turn, and again if something was committed since, so it sees
 * every write that was answered before it began. If the engine blocks, a read of keys is tried in this way, and
 * otherwise a thread reads. A write is copied and sent to the writer's thread. A read of keys behind a write of its
 * session is sent there too and done within the same transaction. Other reads wait until the operations before them
 * are answered. So the operations of a session take effect in order, and many can be in progress. */
#ifndef KV_PARTS_DISK_H
#define KV_PARTS_DISK_H

#include <stdatomic.h>

#include "core/base/buf.h"
#include "directory.h"
#include "engine.h"
#include "job.h"
#include "ledger.h"
#include "record.h"
#include "services/kv/stores/trail/trail.h"

enum {
    KV_DISK_FLAGS = KV_STORE_ORDERED | KV_STORE_ATOMIC | KV_STORE_DURABLE | KV_STORE_WALK |
                    KV_STORE_UPDATE | KV_STORE_EXPIRY | KV_STORE_TABLES | KV_STORE_CHANGES
};

struct kv_disk_reader;
struct kv_disk_reader_port;

struct kv_disk {
    const struct kv_engine *engine;
    void *state; /* the engine's */
    struct kv_directory directory;
    struct kv_sync sync;
    struct kv_writer writer;
    struct kv_disk_reader *readers; /* NULL: the engine does not block */

    /* For the writer's thread only; but all threads read ledger.secret, which does not change. */
    void *tx;
    struct kv_ledger ledger;
    bool is_open; /* the transaction of a group is open */
    int error;    /* the error of that transaction so far, or 0 */
    bool garbage; /* there may be pairs of dropped tables */
    /* The removal of expired pairs and of garbage continues at these. It does not start over, because an engine may be
     * slow to skip what was removed before. */
    int64_t expiry_from;
    struct kv_key garbage_from;
    size_t changed;          /* the most changes that this transaction has made */
    struct weft_buf expired; /* pairs that this transaction removes as expired (disk_tell.h) */
    bool expired_is_lost;    /* there was no memory for one of them */
    bool unsynced;           /* something was committed and not synced yet */
    int64_t synced_at;       /* nanoseconds of a monotonic clock */

    /* For all threads. */
    struct kv_trail trail; /* what followers see */
    atomic_bool failed;    /* a commit failed for good: nothing is written any more */
    atomic_ullong pairs;   /* of all tables, as of the last commit */
    atomic_ullong commits; /* the number of commits that became visible */
    atomic_ullong moves;   /* odd while a commit that makes or drops a table is in progress */
    atomic_llong now; /* the latest wall-clock time that a loop has reported, in milliseconds */
    atomic_llong next_expiry; /* when the first pair expires; INT64_MAX: no pair does */
};

/* The longest name of a table, in bytes, that a loop remembers. */
enum { KV_DISK_NAME_CACHED = 64 };

struct kv_disk_loop {
    struct kv_disk *disk;
    struct kv_port port;
    struct kv_trail_port trail;
    struct kv_disk_reader_port *reader_ports;
    struct kv_disk_jobs jobs;
    unsigned next_reader;
    struct weft_turn_hook hook;
    struct weft_timer timer; /* reports the time to the writer, while there are pairs that expire */
    int64_t armed_for; /* if it is armed: the wall-clock time of the expiry that it is armed for */
    void *tx;          /* the engine's reader for this loop */
    bool open;         /* tx has a state */
    unsigned showing;  /* the number of calls of done on the stack whose views lie in tx */
    unsigned long long commits; /* disk->commits when tx took its state */
    struct {
        unsigned long long moves;
        uint64_t number; /* 0: empty */
        size_t size;
        uint8_t name[KV_DISK_NAME_CACHED];
    } cache; /* the table that was read last */
};

struct kv_disk_session {
    struct kv_disk_loop *loop;
    struct kv_disk_job *first, *last; /* the operations that are not answered yet, in order */
    bool *closed;                     /* close sets *closed if a caller on the stack must know */
    bool pumping;                     /* operations are being answered, or the session is closed */
};

/* The slots of a kv_store, with the contracts of store.h. The store's own init calls kv_disk_init with its engine. */
WEFT_MUST_USE int kv_disk_init(struct kv_disk *disk, const struct kv_engine *engine,
                               const struct kv_store_options *options, struct weft_error *error);
void kv_disk_fini(void *store);
void kv_disk_collect(void *store, struct weft_samples *samples);
int kv_disk_start(void *loop_state, void *store, struct weft_loop *loop);
void kv_disk_stop(void *loop_state);
int kv_disk_open(void *session, void *loop_state);
void kv_disk_close(void *session);
void kv_disk_submit(void *session, struct kv_op *op);
int kv_disk_follow(void *session, struct kv_follow *follow);
void kv_disk_unfollow(void *session, struct kv_follow *follow);
int kv_disk_next_change(void *session, struct kv_follow *follow, struct kv_change *change);

#endif
