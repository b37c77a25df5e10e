/* SPDX-License-Identifier: MIT
 *
 * KV_COUNT and KV_DROP: one call per bucket of the table. */
#ifndef KV_REDIS_TOTAL_H
#define KV_REDIS_TOTAL_H

#include "job.h"

/* Begins the job, which ends by itself. */
void kv_redis_total_begin(struct kv_redis_job *job);

#endif
