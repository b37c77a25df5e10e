/* SPDX-License-Identifier: MIT
 *
 * KV_MUPDATE. weft_kv_update_decide runs here, and Redis changes a bucket only if its keys still are what was decided
 * about (KV_REDIS_SWAP); otherwise it answers what they are now, and the bucket is decided about again. Two usual kinds
 * need one call and cannot lose such a race: values that are set without a condition, and a sum of integers.
 *
 * A batch over several buckets is decided about as a whole before anything is changed. If others change its keys in
 * between, so that a bucket has to be refused while another one has been changed already, the outcome is KV_UNKNOWN. */
#ifndef KV_REDIS_UPDATE_H
#define KV_REDIS_UPDATE_H

#include "job.h"

/* A bucket is decided about again until the option `timeout` has passed since the update began, or until what was read
 * takes more memory than this. Each further time means that somebody else has changed it, so the others get on. Those of
 * a loop wait for each other (line.h), so they are as many as loops at most. */
enum { KV_REDIS_UPDATE_MEMORY = 16 * 1024 * 1024 };

/* Begins the job, which ends by itself. */
void kv_redis_update_begin(struct kv_redis_job *job);

#endif
