/* SPDX-License-Identifier: MIT
 *
 * Stores that answer in a later turn: the memory store behind timers. They need a loop with virtual
 * time. */
#ifndef TEST_LATE_STORE_H
#define TEST_LATE_STORE_H

#include "services/kv/store.h"

extern const struct kv_store late_store_ordered;
/* Neither ordered nor with walks. */
extern const struct kv_store late_store_unordered;
/* It does what the ordered one does, but its operations overlap. */
extern const struct kv_store late_store_overlapping;
/* Its reads are done at once if no write of their session is pending. */
extern const struct kv_store late_store_reads_inline;

enum { LATE_DELAYS = 8 };

/* The course of a test. A zeroed plan completes every operation in the next turn. */
struct late_plan {
    int64_t delays[LATE_DELAYS]; /* for the first operations */
    int64_t later_delay;         /* for all others */
    bool reads_inline;           /* set by late_store_reads_inline */
    bool forced;                 /* complete with `outcome` and do nothing */
    enum kv_outcome outcome;
    unsigned submitted, in_flight, most_in_flight; /* out: counts so far */
};

/* Returns the plan of a store that was made; store is weft_kv_context.state. */
struct late_plan *late_store_plan(void *store);

#endif
