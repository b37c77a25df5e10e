/* SPDX-License-Identifier: MIT
 *
 * The writer's thread does not read the wall clock. Loops report the time to it, with each job and by a timer while
 * there are pairs that expire. So the virtual time of tests applies to it too. For the loop's thread. */
#ifndef KV_PARTS_DISK_CLOCK_H
#define KV_PARTS_DISK_CLOCK_H

#include "disk.h"

/* Reports the wall-clock time of the loop to the writer and returns it, in milliseconds. */
int64_t kv_disk_tell_time(struct kv_disk_loop *loop);
/* Arms the timer, so that the writer is woken when the next pair has expired. Does nothing if it is armed for that, or for
 * one before it. */
void kv_disk_arm(struct kv_disk_loop *loop);

#endif
