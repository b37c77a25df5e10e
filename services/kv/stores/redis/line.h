/* SPDX-License-Identifier: MIT
 *
 * Updates that read a key before they change it (update.c) form a line on their loop: each waits until those of its key
 * that came before have ended. If they went together, one of them would change the key and all others would have to
 * begin again. */
#ifndef KV_REDIS_LINE_H
#define KV_REDIS_LINE_H

#include "job.h"

void kv_redis_lines_init(struct kv_redis_lines *lines);

/* Calls begin at once if no other job of the key is in the line. Otherwise begin is called, in a later step of the loop,
 * when all of those before it have left. The hash stands for the key: another key with the same hash waits needlessly,
 * which does no harm. */
void kv_redis_line_enter(struct kv_redis_job *job, uint64_t hash,
                         void (*begin)(struct kv_redis_job *job));
/* Does nothing if the job is in no line. */
void kv_redis_line_leave(struct kv_redis_job *job);

#endif
