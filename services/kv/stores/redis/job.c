/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/compiler.h"
#include "line.h"
#include "loads.h"

enum { FIRST_CHUNK = 2048 };

/* --- jobs ------------------------------------------------------------------------------------------ */

static struct kv_redis_job *take(struct kv_redis_loop *loop)
{
    struct kv_redis_job *job = loop->free;
    if (job) {
        loop->free = job->next;
        loop->free_count--;
        struct weft_arena arena = job->arena;
        *job = (struct kv_redis_job){.arena = arena};
        return job;
    }
    job = weft_calloc(1, sizeof *job);
    if (!job)
        return NULL;
    weft_arena_init(&job->arena, SIZE_MAX / 2);
    job->arena.first = FIRST_CHUNK;
    return job;
}

static void release(struct kv_redis_job *job)
{
    struct kv_redis_loop *loop = job->loop;
    if (loop->free_count == KV_REDIS_JOBS_KEPT) {
        weft_arena_fini(&job->arena);
        weft_free(job);
        return;
    }
    weft_arena_reset(&job->arena);
    job->next = loop->free;
    loop->free = job;
    loop->free_count++;
}

struct kv_redis_job *kv_redis_job_new(struct kv_redis_session *session, struct kv_op *op)
{
    struct kv_redis_job *job = take(session->loop);
    if (!job)
        return NULL;
    job->loop = session->loop;
    job->op = op;
    job->next = session->first;
    job->link = &session->first;
    if (job->next)
        job->next->link = &job->next;
    session->first = job;
    kv_redis_job_clock(job);
    return job;
}

static void unlink_job(struct kv_redis_job *job)
{
    *job->link = job->next;
    if (job->next)
        job->next->link = job->link;
}

void kv_redis_job_found(struct kv_redis_job *job)
{
    if (job->has_lookup)
        kv__unlink(&job->lookup);
    job->has_lookup = false;
}

void kv_redis_job_end(struct kv_redis_job *job, enum kv_outcome outcome)
{
    unlink_job(job);
    kv_redis_line_leave(job);
    kv_redis_job_found(job);
    job->op->done(job->op, outcome);
    release(job);
}

void kv_redis_jobs_abandon(struct kv_redis_session *session)
{
    while (session->first) {
        struct kv_redis_job *job = session->first;
        for (size_t i = 0; i < job->next_part; i++)
            if (job->parts[i].call.done)
                (void)kv_redis_cancel(job->loop->cluster, &job->parts[i].call);
        kv_redis_job_end(job, KV_UNKNOWN);
    }
}

void kv_redis_jobs_fini(struct kv_redis_loop *loop)
{
    while (loop->free) {
        struct kv_redis_job *job = loop->free;
        loop->free = job->next;
        weft_arena_fini(&job->arena);
        weft_free(job);
    }
}

void kv_redis_job_clock(struct kv_redis_job *job)
{
    job->now = weft_loop_wall(job->loop->loop);
}

struct weft_view kv_redis_job_now(struct kv_redis_job *job)
{
    int size = snprintf(job->now_text, sizeof job->now_text, "%" PRId64, job->now);
    return weft_view(job->now_text, (size_t)size);
}

/* --- parts ----------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct kv_redis_rank *one = a, *other = b;
    if (one->bucket != other->bucket)
        return one->bucket < other->bucket ? -1 : 1;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    return one->item < other->item ? -1 : 1;
}

/* Sets the keys of the parts, whose buckets are set. */
static bool name_parts(struct kv_redis_job *job, struct weft_view table)
{
    size_t room = kv_redis_key_room(table);
    uint8_t *at = weft_arena_alloc(&job->arena, room * job->part_count);
    if (!at) {
        job->part_count = 0;
        return false;
    }
    for (size_t i = 0; i < job->part_count; i++, at += room) {
        struct kv_redis_part *part = &job->parts[i];
        size_t size = kv_redis_write_key(at, table, part->bucket);
        part->key = weft_view(at, size);
        part->index = weft_view(at, size + KV_REDIS_INDEX_MORE);
        part->call.slot = (int)kv_redis_slot(part->key);
    }
    return true;
}

bool kv_redis_job_bare(struct kv_redis_job *job, size_t count)
{
    job->parts = weft_arena_alloc(&job->arena, count * sizeof *job->parts);
    if (!job->parts)
        return false;
    memset(job->parts, 0, count * sizeof *job->parts);
    for (size_t i = 0; i < count; i++)
        job->parts[i].job = job;
    job->part_count = count;
    return true;
}

static bool rank_items(struct kv_redis_job *job)
{
    const struct kv_op *op = job->op;
    job->order = weft_arena_alloc(&job->arena, op->count * sizeof *job->order);
    if (!job->order)
        return false;
    for (size_t i = 0; i < op->count; i++) {
        uint64_t hash = kv_redis_hash(op->items[i].key);
        job->order[i] = (struct kv_redis_rank){hash, (unsigned)(hash % job->buckets), i};
    }
    if (op->count > 1)
        qsort(job->order, op->count, sizeof *job->order, compare);
    return true;
}

bool kv_redis_job_group(struct kv_redis_job *job)
{
    size_t count = 0;
    if (!rank_items(job))
        return false;
    for (size_t i = 0; i < job->op->count; i++)
        count += i == 0 || job->order[i].bucket != job->order[i - 1].bucket;
    if (!kv_redis_job_bare(job, count))
        return false;
    struct kv_redis_part *part = job->parts - 1;
    for (size_t i = 0; i < job->op->count; i++) {
        if (i == 0 || job->order[i].bucket != job->order[i - 1].bucket) {
            part++;
            part->bucket = job->order[i].bucket;
            part->first = i;
        }
        part->count++;
    }
    return name_parts(job, job->op->table);
}

bool kv_redis_job_buckets(struct kv_redis_job *job, struct weft_view table, unsigned first,
                          size_t count)
{
    if (!kv_redis_job_bare(job, count))
        return false;
    for (size_t i = 0; i < count; i++)
        job->parts[i].bucket = first + (unsigned)i;
    return name_parts(job, table);
}

static struct weft_view *make_args(struct kv_redis_part *part, size_t count)
{
    struct weft_view *args = weft_arena_alloc(&part->job->arena, count * sizeof *args);
    if (!args)
        return NULL;
    part->call.args = args;
    part->call.count = count;
    part->skip = false;
    return args;
}

struct weft_view *kv_redis_part_script(struct kv_redis_part *part, enum kv_redis_script_name name,
                                       size_t more)
{
    const struct kv_redis_script *script = kv_redis_script(name);
    bool two = script->keys[0] == '2';
    struct weft_view *args = make_args(part, (two ? 5 : 4) + more);
    if (!args)
        return NULL;
    part->script = script;
    part->call.write = part->call.ack = script->writes;
    args[0] = weft_view_str("EVALSHA");
    args[1] = script->sha;
    args[2] = weft_view(script->keys, 1);
    args[3] = part->key;
    if (two)
        args[4] = part->index;
    return args + (two ? 5 : 4);
}

struct weft_view *kv_redis_part_command(struct kv_redis_part *part, const char *command,
                                        size_t more)
{
    struct weft_view *args = make_args(part, 2 + more);
    if (!args)
        return NULL;
    part->script = NULL;
    part->call.write = part->call.ack = false;
    args[0] = weft_view_str(command);
    args[1] = part->key;
    return args + 2;
}

/* --- rounds ---------------------------------------------------------------------------------------- */

static void part_done(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply);

static int64_t time_left(const struct kv_redis_job *job)
{
    int64_t left = job->deadline - weft_loop_now(job->loop->loop);
    return left > 0 ? left : 1;
}

static void submit(struct kv_redis_part *part)
{
    struct kv_redis_job *job = part->job;
    part->reply = NULL;
    part->call.done = part_done;
    if (job->deadline > 0)
        part->call.timeout = time_left(job);
    job->pending++;
    kv_redis_submit(job->loop->cluster, &part->call);
}

/* Begins calls until as many are under way as may be, and ends the round after the last. */
static void go_on(struct kv_redis_job *job)
{
    while (job->next_part < job->part_count && job->pending < KV_REDIS_WINDOW && !job->stopped) {
        struct kv_redis_part *part = &job->parts[job->next_part++];
        if (!part->skip)
            submit(part);
    }
    if (job->pending == 0)
        job->step(job);
}

/* A node that does not know a script has not run it, and gets its text. */
static bool send_text(struct kv_redis_part *part, const redisReply *reply)
{
    if (!part->script || reply->type != REDIS_REPLY_ERROR ||
        strncmp(reply->str, "NOSCRIPT", 8) != 0)
        return false;
    struct weft_view *args = (struct weft_view *)(uintptr_t)part->call.args;
    if (args[1].data == part->script->text.data)
        return false;
    args[0] = weft_view_str("EVAL");
    args[1] = part->script->text;
    part->call.done = part_done;
    kv_redis_submit(part->job->loop->cluster, &part->call);
    return true;
}

/* Takes what a call has come to. A reply that cannot be kept is as good as none. */
static void take_answer(struct kv_redis_part *part, enum redis_outcome outcome,
                        const redisReply *reply)
{
    struct kv_redis_job *job = part->job;
    part->outcome = outcome;
    part->reply = reply;
    if (outcome != REDIS_ANSWERED)
        return;
    part->process = kv_redis_process_of(&part->call);
    if (job->part_count > 1 || job->keeps)
        part->reply = kv_redis_copy(&job->arena, reply);
    if (!part->reply)
        part->outcome = part->call.write ? REDIS_UNKNOWN : REDIS_UNAVAILABLE;
}

static void part_done(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    struct kv_redis_part *part = weft_container_of(call, struct kv_redis_part, call);
    struct kv_redis_job *job = part->job;
    call->done = NULL;
    if (outcome == REDIS_ANSWERED && send_text(part, reply))
        return;
    take_answer(part, outcome, reply);
    job->pending--;
    /* The operation has failed, and the calls that are left would only make more of it take effect. */
    if (call->write && (outcome != REDIS_ANSWERED || reply->type == REDIS_REPLY_ERROR))
        job->stopped = true;
    go_on(job);
}

void kv_redis_job_run(struct kv_redis_job *job, void (*step)(struct kv_redis_job *job))
{
    job->step = step;
    job->next_part = 0;
    job->stopped = false;
    go_on(job);
}
