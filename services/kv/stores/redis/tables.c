/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include "core/base/compiler.h"
#include "outcome.h"

/* Nanoseconds after which a number of buckets is read again, and after a failure. */
#define KNOWN_FOR   (INT64_C(60) * 1000000000)
#define AGAIN_AFTER INT64_C(1000000000)

static struct kv_redis_known *place_of(struct kv_redis_loop *loop, struct weft_view table)
{
    return &loop->known[kv_redis_hash(table) / KV_REDIS_DIRECTORIES % KV_REDIS_TABLES_CACHED];
}

static bool is_known(const struct kv_redis_known *known, struct weft_view table)
{
    return known->buckets > 0 && weft_view_equal(weft_view(known->name, known->size), table);
}

/* A table that is not there any more, or whose directory answers nonsense, is forgotten: the next operation then asks
 * itself, and makes the table or fails. */
static void renewed(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    struct kv_redis_renewal *renewal = weft_container_of(call, struct kv_redis_renewal, call);
    struct weft_view table = weft_view(renewal->name, renewal->size);
    struct kv_redis_known *known = place_of(renewal->loop, table);
    const int64_t now = weft_loop_now(renewal->loop->loop);
    struct weft_view text;
    renewal->is_under_way = false;
    if (!is_known(known, table))
        return;
    if (outcome != REDIS_ANSWERED) {
        known->until = now + AGAIN_AFTER;
        return;
    }
    known->buckets = kv_redis_field_of(reply, &text) ? kv_redis_read_buckets(text) : 0;
    known->until = now + KNOWN_FOR;
}

static void renew(struct kv_redis_loop *loop, const struct kv_redis_known *known)
{
    struct kv_redis_renewal *renewal = &loop->renewal;
    if (renewal->is_under_way)
        return;
    *renewal = (struct kv_redis_renewal){.loop = loop, .is_under_way = true, .size = known->size};
    memcpy(renewal->name, known->name, sizeof renewal->name);
    struct weft_view table = weft_view(renewal->name, renewal->size);
    struct weft_view key = weft_view(
        renewal->key, kv_redis_write_directory(renewal->key, kv_redis_directory_of(table)));
    renewal->args[0] = weft_view_str("HGET");
    renewal->args[1] = key;
    renewal->args[2] = table;
    renewal->call = (struct redis_call){
        .args = renewal->args, .count = 3, .slot = (int)kv_redis_slot(key), .done = renewed};
    kv_redis_submit(loop->cluster, &renewal->call);
}

/* Returns 0 if the loop does not know, or knew it too long ago because nobody has used the table since. */
static unsigned recall(struct kv_redis_loop *loop, struct weft_view table)
{
    const struct kv_redis_known *known = place_of(loop, table);
    const int64_t now = weft_loop_now(loop->loop);
    if (!is_known(known, table) || known->until + KNOWN_FOR < now)
        return 0;
    if (known->until < now)
        renew(loop, known);
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
