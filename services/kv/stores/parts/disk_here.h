/* SPDX-License-Identifier: MIT
 *
 * Reads on a loop's thread, from the state of the engine that the loop takes once per turn, or again if something
 * was committed since. */
#ifndef KV_PARTS_DISK_HERE_H
#define KV_PARTS_DISK_HERE_H

#include "disk.h"

/* Executes a read. The values found are copied to *results; if results is NULL, the views of the items lie in the
 * state. Returns 0 or the error of the engine. -EAGAIN, from an engine that blocks, means that the data are not in
 * memory, so a thread has to read them. */
WEFT_MUST_USE int kv_disk_read_here(struct kv_disk_loop *loop, struct kv_op *op,
                                    struct kv_results *results);
/* Releases the state. All views into it become invalid. */
void kv_disk_end_reading(struct kv_disk_loop *loop);

#endif
