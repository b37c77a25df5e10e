/* SPDX-License-Identifier: MIT
 *
 * Counts the keys of all tables, for whoever watches the store. It goes through the segments, of which one has up to
 * 2040 keys, so nothing is counted while nobody asks. */
#ifndef KV_STORE_COUNT_H
#define KV_STORE_COUNT_H

#include "tour.h"

struct kv_counter {
    struct kv_tables *tables;
    pthread_mutex_t lock;  /* two threads that ask take turns */
    struct kv_loop reader; /* of whichever thread asks */
    struct kv_tour tour;
    uint64_t count;
};

/* While no loop runs, as kv_counter_leave. */
void kv_counter_join(struct kv_counter *self, struct kv_tables *tables, struct kv_shared *shared);
void kv_counter_leave(struct kv_counter *self);

/* Returns the number of keys. If others write, it is of several moments, and a table that they make or drop may be
 * missing or counted twice. Any thread. */
uint64_t kv_counter_run(struct kv_counter *self);

#endif
