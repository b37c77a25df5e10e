/* SPDX-License-Identifier: MIT
 *
 * Outcomes of operations, made from the answers of Redis. */
#ifndef KV_REDIS_OUTCOME_H
#define KV_REDIS_OUTCOME_H

#include "job.h"

/* The answer that a call expects. */
enum kv_redis_wants { KV_REDIS_WANTS_ARRAY, KV_REDIS_WANTS_NUMBER, KV_REDIS_WANTS_ANY };

/* Returns the outcome of a call: KV_DONE if the answer has the type that is wanted, and KV_UNKNOWN if it is of a write
 * that may have taken effect. */
enum kv_outcome kv_redis_part_outcome(const struct kv_redis_part *part, enum kv_redis_wants wants);

/* Returns the outcome of a round: KV_DONE if all parts have that; KV_UNKNOWN if something of a write may have taken
 * effect, but not all of it has; else that of the first part which failed. */
enum kv_outcome kv_redis_job_outcome(const struct kv_redis_job *job, enum kv_redis_wants wants);

/* Sets *field to what an answer holds. False: it is nil. */
static inline bool kv_redis_field_of(const redisReply *reply, struct weft_view *field)
{
    if (reply->type != REDIS_REPLY_STRING)
        return false;
    *field = weft_view(reply->str, reply->len);
    return true;
}

/* Sets what an item found: the value of that field, or nothing if it is nil or has expired. */
void kv_redis_find(struct kv_item *item, const redisReply *reply, int64_t now);

#endif
