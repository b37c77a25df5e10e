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
static unsigned recall(struct kv_redis_loop *loop, const struct kv_redis_known *known,
                       struct weft_view table)
{
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
    known->is_sparse = false;
    known->size = (uint8_t)table.size;
    if (table.size > 0)
        memcpy(known->name, table.data, table.size);
}

/* Goes on with what was found, or ends the job. Nothing of it has taken effect, even if the table was made. */
static void conclude(struct kv_redis_job *job, enum kv_outcome outcome, unsigned buckets)
{
    job->buckets = buckets;
    if (outcome == KV_DONE)
        job->begin(job);
    else
        kv_redis_job_end(job, outcome == KV_UNKNOWN ? KV_UNAVAILABLE : outcome);
}

/* Reads the answer of a directory. *buckets is 0 if there is no such table. */
static enum kv_outcome read_answer(const struct kv_redis_part *part, unsigned *buckets)
{
    struct weft_view text;
    enum kv_outcome outcome = kv_redis_part_outcome(part, KV_REDIS_WANTS_ANY);
    *buckets = 0;
    if (outcome != KV_DONE || !kv_redis_field_of(part->reply, &text))
        return outcome;
    *buckets = kv_redis_read_buckets(text);
    return *buckets > 0 ? KV_DONE : KV_FAILED;
}

static void set_key(struct kv_redis_part *part, uint8_t room[KV_REDIS_DIRECTORY_ROOM],
                    struct weft_view table)
{
    part->key = weft_view(room, kv_redis_write_directory(room, kv_redis_directory_of(table)));
    part->call.slot = (int)kv_redis_slot(part->key);
}

/* --- one job asks ---------------------------------------------------------------------------------- */

static void found(struct kv_redis_job *job)
{
    unsigned buckets;
    enum kv_outcome outcome = read_answer(&job->parts[0], &buckets);
    if (buckets > 0)
        remember(job->loop, job->op->table, buckets);
    conclude(job, outcome, buckets);
}

/* Makes the one part that asks the table's directory. */
static bool ask(struct kv_redis_job *job, bool make)
{
    uint8_t *key = weft_arena_alloc(&job->arena, KV_REDIS_DIRECTORY_ROOM);
    struct weft_view *args;
    if (!key || !kv_redis_job_bare(job, 1))
        return false;
    struct kv_redis_part *part = &job->parts[0];
    set_key(part, key, job->op->table);
    if (make)
        args = kv_redis_part_script(part, KV_REDIS_MAKE, 2);
    else
        args = kv_redis_part_command(part, "HGET", 1);
    if (!args)
        return false;
    args[0] = job->op->table;
    if (make)
        args[1] = weft_view_str(job->loop->store->buckets_text);
    return true;
}

/* --- jobs ask together ----------------------------------------------------------------------------- */

/* A question about one table for all jobs that have it. It is sent after the last of them has joined, so none of them
 * gets an answer that is older than itself. */
struct kv_redis_lookup {
    struct kv__link link; /* in loop->gathering until it is submitted */
    struct kv_redis_loop *loop;
    struct kv_redis_lookup *next_free;
    struct kv__link jobs;
    struct kv_redis_part part;
    struct weft_view args[3];
    struct weft_view table;
    uint8_t key[KV_REDIS_DIRECTORY_ROOM], name[KV_REDIS_NAME_CACHED];
};

static void release(struct kv_redis_lookup *lookup)
{
    lookup->next_free = lookup->loop->free_lookups;
    lookup->loop->free_lookups = lookup;
}

/* The jobs are taken one by one, because one that goes on may end others. */
static void answered(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    struct kv_redis_lookup *lookup = weft_container_of(call, struct kv_redis_lookup, part.call);
    unsigned buckets;
    lookup->part.outcome = outcome;
    lookup->part.reply = reply;
    enum kv_outcome result = read_answer(&lookup->part, &buckets);
    if (buckets > 0)
        remember(lookup->loop, lookup->table, buckets);
    while (!kv__list_is_empty(&lookup->jobs)) {
        struct kv_redis_job *job =
            weft_container_of(lookup->jobs.next, struct kv_redis_job, lookup);
        kv_redis_job_found(job);
        conclude(job, result, buckets);
    }
    release(lookup);
}

static void submit_lookups(struct weft_deferred *deferred)
{
    struct kv_redis_loop *loop = weft_container_of(deferred, struct kv_redis_loop, gather);
    while (!kv__list_is_empty(&loop->gathering)) {
        struct kv_redis_lookup *lookup =
            weft_container_of(loop->gathering.next, struct kv_redis_lookup, link);
        kv__unlink(&lookup->link);
        if (kv__list_is_empty(&lookup->jobs))
            release(lookup);
        else
            kv_redis_submit(loop->cluster, &lookup->part.call);
    }
}

/* Returns a lookup of the table that is not submitted yet, or NULL: no memory. */
static struct kv_redis_lookup *need_lookup(struct kv_redis_loop *loop, struct weft_view table)
{
    struct kv_redis_lookup *lookup;
    for (struct kv__link *link = loop->gathering.next; link != &loop->gathering;
         link = link->next) {
        lookup = weft_container_of(link, struct kv_redis_lookup, link);
        if (weft_view_equal(lookup->table, table))
            return lookup;
    }
    lookup = loop->free_lookups;
    if (lookup)
        loop->free_lookups = lookup->next_free;
    else
        lookup = weft_malloc(sizeof *lookup);
    if (!lookup)
        return NULL;
    *lookup = (struct kv_redis_lookup){.loop = loop, .part.call.done = answered};
    if (table.size > 0)
        memcpy(lookup->name, table.data, table.size);
    lookup->table = weft_view(lookup->name, table.size);
    set_key(&lookup->part, lookup->key, table);
    lookup->args[0] = weft_view_str("HGET");
    lookup->args[1] = lookup->part.key;
    lookup->args[2] = lookup->table;
    lookup->part.call.args = lookup->args;
    lookup->part.call.count = 3;
    kv__link_init(&lookup->jobs);
    kv__append(&loop->gathering, &lookup->link);
    weft_loop_defer(loop->loop, &loop->gather);
    return lookup;
}

static bool ask_together(struct kv_redis_job *job)
{
    struct kv_redis_lookup *lookup = need_lookup(job->loop, job->op->table);
    if (!lookup)
        return false;
    kv__append(&lookup->jobs, &job->lookup);
    job->has_lookup = true;
    return true;
}

void kv_redis_tables_start(struct kv_redis_loop *loop)
{
    loop->gather.run = submit_lookups;
    kv__link_init(&loop->gathering);
}

void kv_redis_tables_stop(struct kv_redis_loop *loop)
{
    weft_deferred_cancel(&loop->gather);
    /* Their jobs have ended. */
    while (!kv__list_is_empty(&loop->gathering)) {
        struct kv_redis_lookup *lookup =
            weft_container_of(loop->gathering.next, struct kv_redis_lookup, link);
        kv__unlink(&lookup->link);
        release(lookup);
    }
    while (loop->free_lookups) {
        struct kv_redis_lookup *lookup = loop->free_lookups;
        loop->free_lookups = lookup->next_free;
        weft_free(lookup);
    }
}

void kv_redis_tables_find(struct kv_redis_job *job, bool make,
                          void (*begin)(struct kv_redis_job *job))
{
    job->begin = begin;
    job->known = place_of(job->loop, job->op->table);
    job->buckets = recall(job->loop, job->known, job->op->table);
    if (job->buckets > 0) {
        begin(job);
    } else if (!make && job->op->table.size <= KV_REDIS_NAME_CACHED) {
        if (!ask_together(job))
            kv_redis_job_end(job, KV_UNAVAILABLE);
    } else if (ask(job, make)) {
        kv_redis_job_run(job, found);
    } else {
        kv_redis_job_end(job, KV_UNAVAILABLE);
    }
}
