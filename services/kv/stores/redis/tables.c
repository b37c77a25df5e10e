/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include "outcome.h"

#define KNOWN_FOR (INT64_C(60) * 1000000000)

static struct kv_redis_known *place_of(struct kv_redis_loop *loop, struct weft_view table)
{
    return &loop->known[kv_redis_hash(table) / KV_REDIS_DIRECTORIES % KV_REDIS_TABLES_CACHED];
}

/* Returns 0 if the loop does not know. */
static unsigned recall(struct kv_redis_loop *loop, struct weft_view table)
{
    const struct kv_redis_known *known = place_of(loop, table);
    if (known->buckets == 0 || known->until < weft_loop_now(loop->loop) ||
        !weft_view_equal(weft_view(known->name, known->size), table))
        return 0;
    return known->buckets;
}

static void remember(struct kv_redis_loop *loop, struct weft_view table, unsigned buckets)
{
    struct kv_redis_known *known = place_of(loop, table);
    if (table.size > KV_REDIS_NAME_CACHED)
        return;
    known->buckets = buckets;
    known->until = weft_loop_now(loop->loop) + KNOWN_FOR;
    known->size = (uint8_t)table.size;
    if (table.size > 0)
        memcpy(known->name, table.data, table.size);
}

struct search {
    void (*begin)(struct kv_redis_job *job);
};

static void found(struct kv_redis_job *job)
{
    struct kv_redis_part *part = &job->parts[0];
    const struct search *search = job->state;
    struct weft_view text;
    enum kv_outcome outcome = kv_redis_part_outcome(part, KV_REDIS_WANTS_ANY);
    job->buckets = 0;
    /* Nothing of the operation has taken effect, even if the table was made. */
    if (outcome != KV_DONE) {
        kv_redis_job_end(job, outcome == KV_UNKNOWN ? KV_UNAVAILABLE : outcome);
        return;
    }
    if (kv_redis_field_of(part->reply, &text)) {
        job->buckets = kv_redis_read_buckets(text);
        if (job->buckets == 0) {
            kv_redis_job_end(job, KV_FAILED);
            return;
        }
        remember(job->loop, job->op->table, job->buckets);
    }
    search->begin(job);
}

/* Makes the one part that asks the table's directory. */
static bool ask(struct kv_redis_job *job, bool make)
{
    struct weft_view table = job->op->table;
    uint8_t *key = weft_arena_alloc(&job->arena, KV_REDIS_DIRECTORY_ROOM);
    struct search *search = weft_arena_alloc(&job->arena, sizeof *search);
    struct weft_view *args;
    if (!key || !search || !kv_redis_job_bare(job, 1))
        return false;
    struct kv_redis_part *part = &job->parts[0];
    part->key = weft_view(key, kv_redis_write_directory(key, kv_redis_directory_of(table)));
    part->call.slot = (int)kv_redis_slot(part->key);
    if (make)
        args = kv_redis_part_script(part, KV_REDIS_MAKE, 2);
    else
        args = kv_redis_part_command(part, "HGET", 1);
    if (!args)
        return false;
    args[0] = table;
    if (make)
        args[1] = weft_view_str(job->loop->store->buckets_text);
    job->state = search;
    return true;
}

void kv_redis_tables_find(struct kv_redis_job *job, bool make,
                          void (*begin)(struct kv_redis_job *job))
{
    job->buckets = recall(job->loop, job->op->table);
    if (job->buckets > 0) {
        begin(job);
        return;
    }
    if (!ask(job, make)) {
        kv_redis_job_end(job, KV_UNAVAILABLE);
        return;
    }
    ((struct search *)job->state)->begin = begin;
    kv_redis_job_run(job, found);
}
