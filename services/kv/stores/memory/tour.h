/* SPDX-License-Identifier: MIT
 *
 * A tour goes through all segments of all tables, some in each step. It needs no memory: it notes in which
 * place of the index it is, and where in the table there. If the index changes its shape between two steps,
 * the tour meets some tables twice or not at all; who must not miss any makes another tour. */
#ifndef KV_STORE_TOUR_H
#define KV_STORE_TOUR_H

#include "tables.h"

struct kv_tour {
    /* Called for each segment of the index before its tables; may be NULL. */
    void (*index)(struct kv_tour *self, struct kv_segment *segment);
    /* Visits segments of one table from key_from on, and sets key_from to where to go on, 0: the table is
     * finished. Returns how much of the budget is left; if that is 0 or less, the step ends. */
    int (*table)(struct kv_tour *self, struct kv_table *table, int budget);

    /* The rest is the tour's, zeroed to begin one. */
    uint64_t key_from; /* not 0: in the table whose name has this hash, here */
    uint64_t table_hash;
    uint64_t table_from;       /* the segment of the index that begins with this hash, */
    uint32_t slot, slot_count; /* and this slot of the so many that it had */
};

/* Goes on for one step. True: the tour has come to its end, and the next step begins a new one. */
bool kv_tour_step(struct kv_tour *self, struct kv_tables *tables, const struct kv_loop *loop,
                  int budget);

#endif
