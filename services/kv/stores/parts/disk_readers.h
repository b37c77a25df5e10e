/* SPDX-License-Identifier: MIT
 *
 * Threads that read, for an engine whose reads may have to wait for the disk (kv_engine.blocks). If the engine does
 * not block, there are no threads, and all functions but send do nothing. */
#ifndef KV_PARTS_DISK_READERS_H
#define KV_PARTS_DISK_READERS_H

#include "disk.h"

/* Starts the threads, and sets disk->readers. Returns 0 or -errno. */
WEFT_MUST_USE int kv_disk_readers_start(struct kv_disk *disk);
/* Ends the threads. All loops have left. */
void kv_disk_readers_stop(struct kv_disk *disk);

/* Opens the loop's ports to the threads. back is called on the loop's thread with the jobs that come back. Returns 0
 * or -ENOMEM. */
WEFT_MUST_USE int kv_disk_readers_join(struct kv_disk_loop *loop,
                                       void (*back)(struct kv_disk_loop *loop,
                                                    struct kv_job *first));
/* Waits for the loop's jobs, passes them to back, and closes the ports. */
void kv_disk_readers_leave(struct kv_disk_loop *loop);

/* Sends a job to one of the threads. Called on the loop's thread. */
void kv_disk_readers_send(struct kv_disk_loop *loop, struct kv_job *job);

#endif
