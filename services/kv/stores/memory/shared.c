/* SPDX-License-Identifier: MIT */
#include "shared.h"

enum {
    STEP_MAX = 16 * 1024,
    STEPS_OF_LIMIT = 1024, /* a small limit is handed out in smaller steps */
};

void kv_account_init(struct kv_shared *shared, int64_t max_used)
{
    atomic_init(&shared->used, 0);
    shared->max_used = max_used;
    shared->low = max_used / 5 * 4;
    shared->step = STEP_MAX;
    if (max_used > 0 && max_used / STEPS_OF_LIMIT < STEP_MAX)
        shared->step = max_used / STEPS_OF_LIMIT;
}

void kv_account_leave(struct kv_loop *loop)
{
    atomic_fetch_sub(&loop->shared->used, loop->credit);
    loop->credit = 0;
}

/* Adds bytes to `used` if the limit allows them. */
static bool take_shared(struct kv_shared *shared, int64_t bytes)
{
    int64_t used = atomic_load_explicit(&shared->used, memory_order_relaxed);
    do {
        if (shared->max_used > 0 && bytes > shared->max_used - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&shared->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool kv__account_take(struct kv_loop *loop, int64_t bytes)
{
    struct kv_shared *shared = loop->shared;
    int64_t lacking = bytes - loop->credit;
    if (lacking < 0) {
        /* There is more credit than a loop should keep. */
        atomic_fetch_add_explicit(&shared->used, lacking + shared->step, memory_order_relaxed);
        loop->credit = shared->step;
        return true;
    }
    if (take_shared(shared, lacking + shared->step)) {
        loop->credit = shared->step;
        return true;
    }
    /* Near the limit there is no advance. */
    if (!take_shared(shared, lacking))
        return false;
    loop->credit = 0;
    return true;
}

void kv_account_undo(struct kv_loop *loop, int64_t bytes)
{
    if (!kv_account_take(loop, -bytes))
        atomic_fetch_sub_explicit(&loop->shared->used, bytes, memory_order_relaxed);
}
