/* SPDX-License-Identifier: MIT
 *
 * KV_MGET, KV_MEXIST, KV_MSET and KV_MDEL: one call per bucket. */
#ifndef KV_REDIS_BATCH_H
#define KV_REDIS_BATCH_H

#include "job.h"

/* Begins the job, which ends by itself. */
void kv_redis_batch_begin(struct kv_redis_job *job);

/* Makes the calls that set the items' values, whatever is there, in the parts of the job. False: no
 * memory. */
WEFT_MUST_USE bool kv_redis_batch_set(struct kv_redis_job *job);
/* Sets what the items found, from the answers of these calls. False: an answer is none of such a call. */
WEFT_MUST_USE bool kv_redis_batch_find(struct kv_redis_job *job);

#endif
