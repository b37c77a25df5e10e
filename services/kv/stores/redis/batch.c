/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include "outcome.h"
#include "services/kv/update.h"
#include "tables.h"

/* One field by HGET, whose answer is no array, or several by HMGET. */
static bool make_get(struct kv_redis_part *part)
{
    const char *command = part->count == 1 ? "HGET" : "HMGET";
    struct weft_view *args = kv_redis_part_command(part, command, part->count);
    for (size_t i = 0; args && i < part->count; i++)
        args[i] = kv_redis_part_item(part, i)->key;
    return args;
}

static bool make_keys(struct kv_redis_part *part, enum kv_redis_script_name script)
{
    struct weft_view *args = kv_redis_part_script(part, script, part->count);
    for (size_t i = 0; args && i < part->count; i++)
        args[i] = kv_redis_part_item(part, i)->key;
    return args;
}

static bool needs_head(const struct kv_item *item)
{
    uint8_t head[KV_REDIS_HEAD];
    return kv_redis_write_head(head, item->value.bytes, item->expires) > 0;
}

static bool make_plain_set(struct kv_redis_part *part)
{
    enum kv_redis_script_name script = part->count == 1 ? KV_REDIS_SET_ONE : KV_REDIS_SET;
    struct weft_view *args = kv_redis_part_script(part, script, 2 * part->count);
    for (size_t i = 0; args && i < part->count; i++) {
        const struct kv_item *item = kv_redis_part_item(part, i);
        args[2 * i] = item->key;
        args[2 * i + 1] = item->value.bytes;
    }
    return args;
}

static bool make_headed_set(struct kv_redis_part *part)
{
    struct kv_redis_job *job = part->job;
    struct weft_view *args = kv_redis_part_script(part, KV_REDIS_SET_HEADED, 1 + 3 * part->count);
    uint8_t *heads = weft_arena_alloc(&job->arena, KV_REDIS_HEAD * part->count);
    if (!args || !heads)
        return false;
    *args++ = kv_redis_job_now(job);
    for (size_t i = 0; i < part->count; i++, heads += KV_REDIS_HEAD) {
        const struct kv_item *item = kv_redis_part_item(part, i);
        *args++ = item->key;
        if (kv_has_expired(item->expires, job->now))
            *args++ = weft_view_str("d");
        else
            *args++ =
                weft_view(heads, kv_redis_write_head(heads, item->value.bytes, item->expires));
        *args++ = item->value.bytes;
    }
    return true;
}

/* Sets one value without a head, if the bucket has keys. */
static bool make_set_among(struct kv_redis_part *part)
{
    const struct kv_item *item = kv_redis_part_item(part, 0);
    struct weft_view *args = kv_redis_part_script(part, KV_REDIS_SET_AMONG, 2);
    if (!args)
        return false;
    args[0] = item->key;
    args[1] = item->value.bytes;
    return true;
}

static bool make_set(struct kv_redis_part *part)
{
    if (part->job->op->if_table)
        return make_set_among(part);
    for (size_t i = 0; i < part->count; i++)
        if (needs_head(kv_redis_part_item(part, i)))
            return make_headed_set(part);
    return make_plain_set(part);
}

bool kv_redis_batch_set(struct kv_redis_job *job)
{
    for (size_t i = 0; i < job->part_count; i++)
        if (!make_set(&job->parts[i]))
            return false;
    return true;
}

static bool make_call(struct kv_redis_part *part)
{
    switch (part->job->op->kind) {
    case KV_MGET:
        return make_get(part);
    case KV_MEXIST:
        return make_keys(part, KV_REDIS_LOOK);
    case KV_MSET:
        return make_set(part);
    default:
        return make_keys(part, KV_REDIS_DEL);
    }
}

static bool make_calls(struct kv_redis_job *job)
{
    if (!kv_redis_job_group(job))
        return false;
    for (size_t i = 0; i < job->part_count; i++)
        if (!make_call(&job->parts[i]))
            return false;
    return true;
}

static bool find_in_part(const struct kv_redis_part *part, int64_t now)
{
    const redisReply *reply = part->reply;
    if (reply->type != REDIS_REPLY_ARRAY) {
        if (part->count == 1)
            kv_redis_find(kv_redis_part_item(part, 0), reply, now);
        return part->count == 1;
    }
    if (reply->elements != part->count)
        return false;
    for (size_t i = 0; i < part->count; i++)
        kv_redis_find(kv_redis_part_item(part, i), reply->element[i], now);
    return true;
}

bool kv_redis_batch_find(struct kv_redis_job *job)
{
    bool all = true;
    for (size_t i = 0; i < job->part_count; i++)
        all = find_in_part(&job->parts[i], job->now) && all;
    return all;
}

/* Notes if it is worth while to set values with if_table. Returns false if this one was set in vain. */
static bool note_set(struct kv_redis_job *job)
{
    if (job->op->if_table && job->parts[0].reply->type == REDIS_REPLY_INTEGER) {
        job->known->is_sparse = true;
        return false;
    }
    if (job->known->is_sparse && job->op->items[0].present)
        job->known->is_sparse = false;
    return true;
}

static void answered(struct kv_redis_job *job)
{
    bool writes = job->op->kind == KV_MSET || job->op->kind == KV_MDEL;
    enum kv_outcome outcome = kv_redis_job_outcome(job, KV_REDIS_WANTS_ANY);
    /* A read judges by the time at which it is answered. */
    if (!writes)
        job->now = weft_loop_wall(job->loop->loop);
    if (outcome == KV_DONE && !kv_redis_batch_find(job))
        outcome = writes ? KV_UNKNOWN : KV_FAILED;
    if (outcome == KV_DONE && job->op->kind == KV_MSET && !note_set(job))
        outcome = KV_UNMET;
    kv_redis_job_end(job, outcome);
}

/* Only what one script can find out is tried. */
static bool may_try(const struct kv_redis_job *job)
{
    const struct kv_op *op = job->op;
    return job->buckets > 0 && !job->known->is_sparse && op->count == 1 &&
           !needs_head(&op->items[0]);
}

static void begin(struct kv_redis_job *job)
{
    if (job->op->if_table && !may_try(job)) {
        kv_redis_job_end(job, KV_UNMET);
        return;
    }
    if (job->buckets == 0) {
        for (size_t i = 0; i < job->op->count; i++)
            job->op->items[i].present = false;
        kv_redis_job_end(job, KV_DONE);
        return;
    }
    if (!make_calls(job))
        kv_redis_job_end(job, KV_UNAVAILABLE);
    else
        kv_redis_job_run(job, answered);
}

void kv_redis_batch_begin(struct kv_redis_job *job)
{
    kv_redis_tables_find(job, job->op->kind == KV_MSET && !job->op->if_table, begin);
}
