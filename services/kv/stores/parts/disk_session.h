/* SPDX-License-Identifier: MIT
 *
 * Sessions of a store on disk: which operation is done where, and in which order they are answered. */
#ifndef KV_PARTS_DISK_SESSION_H
#define KV_PARTS_DISK_SESSION_H

#include "disk.h"

/* Takes jobs that came back from a thread, on their loop. */
void kv_disk_back(struct kv_disk_loop *loop, struct kv_job *first);

#endif
