/* SPDX-License-Identifier: MIT
 *
 * The lock of a segment (segment.h), which is a part of its state:
 *
 *      version | frozen | dead | batch | locked
 *
 * Readers do not take it. A reader of several keys compares the states before and after. */
#ifndef KV_STORE_SEGMENT_LOCK_H
#define KV_STORE_SEGMENT_LOCK_H

#include "segment.h"

enum {
    KV_SEGMENT_LOCKED = 1,
    KV_SEGMENT_BATCH = 2,  /* locked by a writer of several keys: a reader may see half of them */
    KV_SEGMENT_DEAD = 4,   /* replaced: look into the directory again */
    KV_SEGMENT_FROZEN = 8, /* locked by a writer that copies it and changes nothing here */
    KV_SEGMENT_VERSION = 16,
};

/* Waits for the lock. flag: KV_SEGMENT_BATCH, KV_SEGMENT_FROZEN or 0, set together with the lock.
 * False: the segment is dead and not locked. */
WEFT_MUST_USE bool kv_segment_lock(struct kv_segment *segment, uint64_t flag);

/* The state without its flags. */
static inline uint64_t kv__segment_version(const struct kv_segment *segment)
{
    uint64_t state = atomic_load_explicit(&segment->state, memory_order_relaxed);
    return state & ~(uint64_t)(KV_SEGMENT_VERSION - 1);
}

/* changed: readers that looked meanwhile have to look again. */
static inline void kv_segment_unlock(struct kv_segment *segment, bool changed)
{
    uint64_t state = kv__segment_version(segment) + (changed ? KV_SEGMENT_VERSION : 0);
    atomic_store_explicit(&segment->state, state, memory_order_release);
}

/* Marks a locked segment dead for ever, instead of unlocking it. */
void kv_segment_kill(struct kv_segment *segment);

/* True if the content of a segment with this state may be changing in several places, so that a
 * reader of several keys has to wait. */
static inline bool kv_segment_is_changing(uint64_t state)
{
    return (state & (KV_SEGMENT_BATCH | KV_SEGMENT_DEAD)) ||
           (state & (KV_SEGMENT_LOCKED | KV_SEGMENT_FROZEN)) == KV_SEGMENT_LOCKED;
}

/* Waits one step: a pause, or now and then the rest of the time slice. */
void kv_segment_wait(unsigned *steps);

#endif
