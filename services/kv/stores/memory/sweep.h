/* SPDX-License-Identifier: MIT
 *
 * Keeps resident memory near the bytes in use, for a store with a limit. sweep.c describes how. */
#ifndef KV_STORE_SWEEP_H
#define KV_STORE_SWEEP_H

#include "tour.h"

enum kv_sweep_phase {
    KV_SWEEP_IDLE,
    KV_SWEEP_MOVING,   /* goes through all maps */
    KV_SWEEP_SETTLING, /* waits until the blocks that moved have been freed */
};

struct kv_sweep {
    struct kv_tables *tables;
    struct kv_shared *shared;
    pthread_mutex_t lock; /* held by the loop that does a step; the others do not wait for it */
    enum kv_sweep_phase phase;
    unsigned rest; /* steps to do nothing: while settling, or after a vain attempt */
    struct kv_tour tour;
    struct kv_loop *stepping; /* the loop that does the step */
};

/* One loop's part: the timer that goes on with a sweep while no requests come. */
struct kv_sweep_loop {
    struct weft_timer timer;
    struct weft_turn_hook hook;
    struct kv_sweep *sweep;
    struct kv_loop *loop;
};

/* Sets the pool's limit from the account's; without one nothing is ever swept. 0 or -errno. */
WEFT_MUST_USE int kv_sweep_init(struct kv_sweep *sweep, struct kv_tables *tables,
                                struct kv_shared *shared);
void kv_sweep_fini(struct kv_sweep *sweep);

/* After the loop joined the epochs, and before it leaves them. A thread without a loop does steps only
 * before its own writes. */
void kv_sweep_join(struct kv_sweep *sweep, struct kv_sweep_loop *self, struct kv_loop *loop);
void kv_sweep_leave(struct kv_sweep_loop *self);

/* Does a step if one is due. May retire objects. */
void kv__sweep_poll(struct kv_sweep_loop *self);

/* Called by a loop before a write or removal. */
static inline void kv_sweep_poll(struct kv_sweep_loop *self)
{
    const struct kv_pool *pool = &self->sweep->shared->pool;
    int64_t resident = atomic_load_explicit(&pool->resident, memory_order_relaxed);
    if (resident > pool->sweep_from)
        kv__sweep_poll(self);
}

#endif
