/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include "outcome.h"
#include "scan.h"
#include "services/kv/update.h"
#include "tables.h"

static void answered(struct kv_redis_job *job);

static void ask(struct kv_redis_job *job)
{
    if (!kv_redis_page_ask(job, job->state))
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else
        kv_redis_job_run(job, answered);
}

/* Shows the pairs of an answer. False: the job is over. */
static bool show(struct kv_redis_job *job, struct kv_redis_page *page,
                 const struct kv_redis_answer *answer)
{
    struct kv_op *op = job->op;
    for (size_t i = 0; i < answer->count; i++) {
        const struct kv_redis_entry *entry = &answer->entries[i];
        struct kv_redis_value value;
        kv_redis_read_value(entry->field, &value);
        if (kv_has_expired(value.expires, job->now))
            continue;
        const struct kv_pair pair = {
            .key = entry->key, .value.bytes = value.bytes, .expires = value.expires};
        /* An exact page that is full looks for one more pair, because it is the last one if there is none. */
        bool is_full = op->exact && page->shown == op->count;
        if (is_full || !op->each(op, &pair)) {
            if (op->exact)
                kv_redis_page_end_at(job, page, answer, i);
            else
                kv_redis_job_end(job, KV_DONE);
            return false;
        }
        page->shown++;
    }
    return true;
}

static void answered(struct kv_redis_job *job)
{
    struct kv_redis_page *page = job->state;
    struct kv_op *op = job->op;
    struct kv_redis_answer answer = {0};
    kv_redis_job_clock(job);
    for (size_t i = 0; i < job->part_count; i++) {
        enum kv_outcome outcome = kv_redis_page_read(&job->parts[i], page, &answer);
        if (outcome != KV_DONE) {
            kv_redis_job_end(job, outcome);
            return;
        }
        if (!show(job, page, &answer))
            return;
        bool is_full = !op->exact && page->shown >= op->count;
        if (is_full || kv_redis_page_is_last(page) || page->rounds == KV_REDIS_SCAN_ROUNDS) {
            kv_redis_page_end(job, page, answer.process);
            return;
        }
        /* The answers behind this one are of buckets that are not next. */
        if (answer.next != 0)
            break;
    }
    ask(job);
}

static void begin(struct kv_redis_job *job)
{
    const struct kv_redis_walk walk = {.table = job->op->table, .buckets = job->buckets};
    struct kv_redis_page *page = weft_arena_alloc(&job->arena, sizeof *page);
    if (job->buckets == 0) {
        bool is_first = job->op->cursor->size == 0;
        kv_redis_job_end(job, is_first ? KV_DONE : KV_EXPIRED);
        return;
    }
    enum kv_outcome outcome = page ? kv_redis_page_begin(job, page, &walk) : KV_UNAVAILABLE;
    if (outcome != KV_DONE) {
        kv_redis_job_end(job, outcome);
        return;
    }
    job->state = page;
    ask(job);
}

void kv_redis_walk_begin(struct kv_redis_job *job)
{
    kv_redis_tables_find(job, false, begin);
}
