/* SPDX-License-Identifier: MIT
 *
 * A store on disk, made on an engine (engine.h). Its files, from the bottom: record and key (what is
 * written), ledger (tables), results and job (an operation that waits), disk_read (reads of a state),
 * disk_here and disk_readers (reads on loops and on threads), disk_apply and disk_write (a group of
 * writes as one transaction, on the writer's thread), disk_clock, disk_session, disk (the store's slots).
 *
 * Reads, where the engine does not block, are done before submit returns, on a state that the loop takes once per turn, or anew if
 * something was committed since, so a read sees every write that was answered before it began. A write
 * is copied and goes to the writer's thread. A read behind a write of its session goes there too, and
 * is done within the same transaction; so operations of a session are in order, and any number of them
 * can be under way. */
#ifndef KV_PARTS_DISK_H
#define KV_PARTS_DISK_H

#include <stdatomic.h>

#include "directory.h"
#include "engine.h"
#include "job.h"
#include "ledger.h"

enum {
    KV_DISK_FLAGS = KV_STORE_ORDERED | KV_STORE_ATOMIC | KV_STORE_DURABLE | KV_STORE_WALK |
                    KV_STORE_UPDATE | KV_STORE_EXPIRY | KV_STORE_TABLES
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

    /* The writer's thread's. */
    void *tx;
    struct kv_ledger ledger;
    bool is_open; /* a group's transaction is */
    int error;    /* of that transaction so far */
    bool garbage; /* there may be pairs of dropped tables */
    /* The removal of what nobody sees goes on here, since an engine may be slow to pass over what was removed
     * before. */
    int64_t expiry_from;
    struct kv_key garbage_from;
    bool unsynced;     /* something was committed and not synced yet */
    int64_t synced_at; /* nanoseconds of a monotonic clock */

    /* All threads'. */
    atomic_bool failed;       /* a commit failed for good: nothing is written any more */
    atomic_ullong commits;    /* counts what became visible */
    atomic_ullong moves;      /* odd while a commit that makes or drops a table is under way */
    atomic_llong now;         /* the latest time that a loop told, milliseconds of the calendar */
    atomic_llong next_expiry; /* of the pairs that expire; INT64_MAX: there are none */
};

enum { KV_DISK_NAME_CACHED = 64 };

struct kv_disk_loop {
    struct kv_disk *disk;
    struct kv_port port;
    struct kv_disk_reader_port *reader_ports;
    unsigned next_reader;
    struct weft_turn_hook hook;
    struct weft_timer timer; /* tells the writer the time, while there are pairs that expire */
    void *tx;
    bool open;                  /* tx has a state */
    unsigned showing;           /* calls of done on the stack whose views lie in tx */
    unsigned long long commits; /* as it was when tx began */
    struct {
        unsigned long long moves;
        uint64_t number; /* 0: empty */
        size_t size;
        uint8_t name[KV_DISK_NAME_CACHED];
    } cache; /* the table that was read last */
};

struct kv_disk_session {
    struct kv_disk_loop *loop;
    struct kv_disk_job *first, *last; /* what is not answered yet, in order */
    bool *closed;                     /* set by close while pump is on the stack */
    bool pumping;
};

/* The slots of a kv_store. Its init calls kv_disk_init with the engine. */
WEFT_MUST_USE int kv_disk_init(struct kv_disk *disk, const struct kv_engine *engine,
                               const struct kv_store_options *options, struct weft_error *error);
void kv_disk_fini(void *store);
int kv_disk_start(void *loop_state, void *store, struct weft_loop *loop);
void kv_disk_stop(void *loop_state);
int kv_disk_open(void *session, void *loop_state);
void kv_disk_close(void *session);
void kv_disk_submit(void *session, struct kv_op *op);

#endif
