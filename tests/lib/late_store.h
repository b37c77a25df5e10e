/* SPDX-License-Identifier: MIT
 *
 * Stores for tests that answer in a later turn: the memory store behind timers. The loop is to have
 * virtual time. */
#ifndef TEST_LATE_STORE_H
#define TEST_LATE_STORE_H

#include "services/kv/store.h"

extern const struct kv_store late_store_ordered;
/* Not ordered; and without walks. */
extern const struct kv_store late_store_unordered;

enum { LATE_DELAYS = 8 };

/* What is to happen; a zeroed plan does everything in the next turn. */
struct late_plan {
    int64_t delays[LATE_DELAYS]; /* of the first operations; those that follow are not delayed */
    bool forced;                 /* complete with outcome, and do nothing */
    enum kv_outcome outcome;
    unsigned submitted, in_flight, most_in_flight; /* seen so far */
};

/* The plan of a store that was made (weft_kv_context.state). */
struct late_plan *late_store_plan(void *store);

#endif
