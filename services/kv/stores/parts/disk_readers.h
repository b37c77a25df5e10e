/* SPDX-License-Identifier: MIT
 *
 * The threads that read where a read may have to wait for the disk. */
#ifndef KV_PARTS_DISK_READERS_H
#define KV_PARTS_DISK_READERS_H

#include "disk.h"

/* Starts the threads of an engine that blocks. Returns 0 or -errno. */
WEFT_MUST_USE int kv_disk_readers_start(struct kv_disk *disk);
void kv_disk_readers_stop(struct kv_disk *disk);

/* A loop's ports to them. back is called for the jobs of each. */
WEFT_MUST_USE int kv_disk_readers_join(struct kv_disk_loop *loop,
                                       void (*back)(struct kv_disk_loop *loop,
                                                    struct kv_job *first));
void kv_disk_readers_leave(struct kv_disk_loop *loop);

/* Sends a job to one of them. Loop's thread. */
void kv_disk_readers_send(struct kv_disk_loop *loop, struct kv_job *job);

#endif
