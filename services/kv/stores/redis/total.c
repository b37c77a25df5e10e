/* SPDX-License-Identifier: MIT */
#include "total.h"

#include "outcome.h"
#include "tables.h"

static void answered(struct kv_redis_job *job)
{
    enum kv_outcome outcome = kv_redis_job_outcome(job, KV_REDIS_WANTS_NUMBER);
    for (size_t i = 0; outcome == KV_DONE && i < job->part_count; i++)
        job->op->total += (uint64_t)job->parts[i].reply->integer;
    kv_redis_job_end(job, outcome);
}

static bool make_calls(struct kv_redis_job *job)
{
    enum kv_redis_script_name script = job->op->kind == KV_DROP ? KV_REDIS_DROP : KV_REDIS_COUNT;
    if (!kv_redis_job_buckets(job, job->op->table, 0, job->buckets))
        return false;
    for (size_t i = 0; i < job->part_count; i++) {
        struct weft_view *args = kv_redis_part_script(&job->parts[i], script, 1);
        if (!args)
            return false;
        args[0] = kv_redis_job_now(job);
    }
    return true;
}

static void begin(struct kv_redis_job *job)
{
    job->op->total = 0;
    if (job->buckets == 0)
        kv_redis_job_end(job, KV_DONE);
    else if (!make_calls(job))
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else
        kv_redis_job_run(job, answered);
}

void kv_redis_total_begin(struct kv_redis_job *job)
{
    kv_redis_tables_find(job, false, begin);
}
