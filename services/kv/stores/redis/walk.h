/* SPDX-License-Identifier: MIT
 *
 * KV_WALK: pages of a table, made from answers of HSCAN. */
#ifndef KV_REDIS_WALK_H
#define KV_REDIS_WALK_H

#include "job.h"

/* Begins the job, which ends by itself. */
void kv_redis_walk_begin(struct kv_redis_job *job);

#endif
