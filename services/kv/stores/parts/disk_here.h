/* SPDX-License-Identifier: MIT
 *
 * Reads on a loop, by the state that it takes once per turn. */
#ifndef KV_PARTS_DISK_HERE_H
#define KV_PARTS_DISK_HERE_H

#include "disk.h"

/* Does a read. results: where what is found is copied to; NULL: its views lie in the state. -EAGAIN, from an
 * engine that blocks: it is not in memory. */
WEFT_MUST_USE int kv_disk_read_here(struct kv_disk_loop *loop, struct kv_op *op,
                                    struct kv_results *results);
/* Gives the state up, with all views. */
void kv_disk_end_reading(struct kv_disk_loop *loop);

#endif
