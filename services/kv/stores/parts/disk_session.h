/* SPDX-License-Identifier: MIT
 *
 * Sessions of a store on disk. They decide where each operation is executed (enum kv_disk_way) and answer the
 * operations in order. The functions open, close and submit are declared in disk.h. */
#ifndef KV_PARTS_DISK_SESSION_H
#define KV_PARTS_DISK_SESSION_H

#include "disk.h"

/* Takes a list of jobs that came back from a thread, and answers what can be answered. Called on the loop's thread. */
void kv_disk_back(struct kv_disk_loop *loop, struct kv_job *first);

#endif
