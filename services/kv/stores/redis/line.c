/* SPDX-License-Identifier: MIT */
#include "line.h"

#include "core/base/compiler.h"

void kv_redis_lines_init(struct kv_redis_lines *lines)
{
    for (size_t i = 0; i < KV_REDIS_LINES; i++)
        kv__link_init(&lines->heads[i]);
}

static struct kv__link *head_of(struct kv_redis_job *job)
{
    return &job->loop->lines.heads[job->turn.hash % KV_REDIS_LINES];
}

/* Returns the first job with that hash from a link on, or NULL. */
static struct kv_redis_job *find(const struct kv__link *head, struct kv__link *from, uint64_t hash)
{
    for (; from != head; from = from->next) {
        struct kv_redis_job *job = weft_container_of(from, struct kv_redis_job, turn.link);
        if (job->turn.hash == hash)
            return job;
    }
    return NULL;
}

static void run(struct weft_deferred *deferred)
{
    struct kv_redis_job *job = weft_container_of(deferred, struct kv_redis_job, turn.start);
    job->turn.begin(job);
}

void kv_redis_line_enter(struct kv_redis_job *job, uint64_t hash,
                         void (*begin)(struct kv_redis_job *job))
{
    job->turn.hash = hash;
    job->turn.begin = begin;
    job->turn.start.run = run;
    job->turn.is_taken = true;
    struct kv__link *head = head_of(job);
    bool is_free = !find(head, head->next, hash);
    kv__link_init(&job->turn.link);
    kv__append(head, &job->turn.link);
    if (is_free)
        begin(job);
}

/* The next one is deferred: many that end at once, because their time is over, would else be a deep recursion. */
void kv_redis_line_leave(struct kv_redis_job *job)
{
    if (!job->turn.is_taken)
        return;
    job->turn.is_taken = false;
    struct kv__link *head = head_of(job), *behind = job->turn.link.next;
    bool was_first = find(head, head->next, job->turn.hash) == job;
    kv__unlink(&job->turn.link);
    weft_deferred_cancel(&job->turn.start);
    struct kv_redis_job *next = was_first ? find(head, behind, job->turn.hash) : NULL;
    if (next)
        weft_loop_defer(job->loop->loop, &next->turn.start);
}
