/* SPDX-License-Identifier: MIT
 *
 * The state that all maps of a store share, the part of it that each loop has of its own, and the account
 * of heap bytes.
 *
 * The account is exact from above: `used` is never less than what is alive, and with a limit it is
 * never more than the limit. A loop takes bytes from the account some KiB in advance (its credit),
 * so that most writes touch no shared memory. Credit counts as used. */
#ifndef KV_STORE_SHARED_H
#define KV_STORE_SHARED_H

#include <stdbool.h>

#include "epoch.h"
#include "pool.h"
#include "siphash.h"
#include "services/kv/stores/trail/trail.h"

struct kv_watch;

struct kv_shared {
    struct kv_hash_seed seed;
    struct kv_epoch epoch;
    struct kv_pool pool;
    _Atomic int64_t used;   /* heap bytes that are alive, and the loops' credit */
    int64_t max_used;       /* 0: there is no limit */
    int64_t low;            /* four fifths of it */
    int64_t step;           /* credit that a loop takes in advance */
    struct kv_watch *watch; /* of loops that start from now on (watch.h); NULL: there is none */
    struct kv_trail trail;  /* what followers see */
    _Atomic int64_t due; /* at most the `due` of each table, but while a tour passes (expiry.c) */
};

/* One loop's part. */
struct kv_loop {
    struct kv_epoch_loop epoch; /* first: the list of loops is one of these */
    struct kv_pool_cache cache;
    struct kv_shared *shared;
    struct kv_watch *watch;     /* asked before each change, or NULL */
    atomic_bool watched;        /* there is a watch, or the trail is on */
    int64_t credit;             /* bytes of shared->used that this loop has not spent */
    struct kv_trail_port trail; /* unused by a part without a loop */
};

/* Returns the time by which keys expire. For a thread without a loop nothing has expired. */
static inline int64_t kv_loop_wall(const struct kv_loop *loop)
{
    return loop->epoch.loop ? weft_loop_wall(loop->epoch.loop) : 0;
}

/* Sets up the account. max_used 0: any. */
void kv_account_init(struct kv_shared *shared, int64_t max_used);

/* True if so much of the limit is free that a sweep finds memory (sweep.c), unless what was retired waits for
 * a loop whose thread does not run. */
static inline bool kv_account_is_low(const struct kv_shared *shared)
{
    int64_t used = atomic_load_explicit(&shared->used, memory_order_relaxed);
    return used < shared->low;
}

/* Gives the loop's credit back. */
void kv_account_leave(struct kv_loop *loop);

/* kv_account_take where the credit does not suffice. */
bool kv__account_take(struct kv_loop *loop, int64_t bytes);

/* Takes bytes from the account; a negative number gives them back, which never fails. False: the
 * limit does not allow them, and nothing has changed. */
static inline WEFT_MUST_USE bool kv_account_take(struct kv_loop *loop, int64_t bytes)
{
    int64_t credit = loop->credit - bytes;
    if (credit < 0 || credit > 2 * loop->shared->step)
        return kv__account_take(loop, bytes);
    loop->credit = credit;
    return true;
}

/* Undoes kv_account_take(bytes) for a change that did not come about. If other loops have taken what a
 * negative number gave, `used` exceeds the limit until the next removal. */
void kv_account_undo(struct kv_loop *loop, int64_t bytes);

static inline void kv_account_give(struct kv_loop *loop, int64_t bytes)
{
    bool given = kv_account_take(loop, -bytes);
    (void)given;
}

#endif
