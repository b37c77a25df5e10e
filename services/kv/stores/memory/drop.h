/* SPDX-License-Identifier: MIT
 *
 * Drops tables with all their keys. A table is gone for everybody at one moment; what it held is freed by
 * the loop that dropped it, some of it in each turn, so that no turn gets long. Until then that memory
 * counts as used. drop.c describes the algorithm. */
#ifndef KV_STORE_DROP_H
#define KV_STORE_DROP_H

#include "tables.h"

struct kv_grave;

/* One loop's part: the dropped tables that it has to free. */
struct kv_drop_loop {
    struct weft_timer timer;
    struct kv_loop *loop;
    struct kv_grave *first, **last;
};

void kv_drop_join(struct kv_drop_loop *self, struct kv_loop *loop);
/* Frees all at once. After the loop left the epochs. */
void kv_drop_leave(struct kv_drop_loop *self);

/* Drops a table and sets *total to the number of its keys; 0 if it was dropped already. -ENOMEM, or what a
 * watch answered: nothing has changed. */
WEFT_MUST_USE int kv_drop(struct kv_drop_loop *self, struct kv_tables *tables,
                          struct kv_table *table, uint64_t *total);

#endif
