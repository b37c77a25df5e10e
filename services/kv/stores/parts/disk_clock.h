/* SPDX-License-Identifier: MIT
 *
 * The writer's thread reads no calendar: loops tell it the time, with each job, and by a timer while there
 * are pairs that expire. So virtual time holds for it too. */
#ifndef KV_PARTS_DISK_CLOCK_H
#define KV_PARTS_DISK_CLOCK_H

#include "disk.h"

/* Returns the time of the calendar, and tells it the writer. */
int64_t kv_disk_tell_time(struct kv_disk_loop *loop);
/* Sees to it that the writer hears when the next pair has expired. */
void kv_disk_arm(struct kv_disk_loop *loop);

#endif
