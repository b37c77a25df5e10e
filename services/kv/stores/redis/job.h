/* SPDX-License-Identifier: MIT
 *
 * An operation of the store in progress. Its keys are grouped by bucket, and each bucket is a part with one call at a time.
 * Files, from the bottom: layout, scripts, cursors; loads (of scripts), line (of the updates of a key), job (this one),
 * outcome, tables (how many buckets a table has); batch, update, total, walk, list (the kinds of operations); messages;
 * store (the slots).
 *
 * A kind begins by making parts and their calls. kv_redis_job_run submits them, a limited number at a time, and calls
 * job->step when all are answered; that ends the job or begins the next round. */
#ifndef KV_REDIS_JOB_H
#define KV_REDIS_JOB_H

#include "core/base/mem.h"
#include "loop.h"
#include "scripts.h"

enum { KV_REDIS_WINDOW = 512 }; /* calls of a job that are under way */

/* The keys of an operation that are in one bucket, or just a bucket. */
struct kv_redis_part {
    struct redis_call call;
    struct kv_redis_job *job;
    const struct kv_redis_script *script; /* NULL: the call is a command of Redis */
    const redisReply *reply;              /* of the last call; valid as the job says */
    enum redis_outcome outcome;
    bool skip; /* there is nothing to be called for it in this round */
    unsigned bucket;
    struct weft_view key, index; /* the bucket's hash and its sorted set */
    size_t first, count;         /* its items, as positions in job->order */
    struct kv_redis_keys *keys;  /* update.c's */
    uint64_t process;            /* of Redis, which answered the last call (loads.h) */
};

/* A place in the order of an operation's items: by bucket, then by hash of the key, then as they were given. */
struct kv_redis_rank {
    uint64_t hash;
    unsigned bucket;
    size_t item;
};

/* A job's place in a line (line.h). */
struct kv_redis_turn {
    bool is_taken;
    uint64_t hash;
    struct kv__link link;
    struct weft_deferred start;
    void (*begin)(struct kv_redis_job *job);
};

struct kv_redis_job {
    struct kv_redis_job *next, **link; /* in the session, or free */
    struct kv_redis_loop *loop;
    struct kv_op *op;
    struct weft_arena arena;
    unsigned buckets; /* of the table; 0: there is no such table */
    struct kv_redis_known
        *known; /* the table's place, which may be another table's by now; for hints */
    void (*begin)(struct kv_redis_job *job); /* called when they are known */
    struct kv__link lookup; /* among those that wait for one answer, if it has_lookup */
    bool has_lookup;
    int64_t
        deadline; /* on the loop's clock: no call that begins later is made, and none takes longer; 0: none */
    int64_t now;       /* the calendar, when the job began or its round did */
    char now_text[24]; /* kv_redis_job_now */
    struct kv_redis_rank *order;
    struct kv_redis_part *parts;
    size_t part_count;
    size_t next_part, pending; /* of the round */
    /* True: replies stay until the job ends. Otherwise that of the only call of a round is gone when the round's step
     * returns, which saves a copy. */
    bool keeps;
    bool stopped; /* a write of the round has failed, so no others are begun */
    bool applied; /* something of the operation has, or may have, taken effect */
    void (*step)(struct kv_redis_job *job); /* called when the round is over */
    void *state;                            /* the kind's */
    struct kv_redis_turn turn;
};

/* Returns a job of the session, or NULL: no memory. */
struct kv_redis_job *kv_redis_job_new(struct kv_redis_session *session, struct kv_op *op);
/* Takes the job out of those that wait for an answer about their table (tables.c), if it is among them. */
void kv_redis_job_found(struct kv_redis_job *job);
/* Calls op->done and frees the job. */
void kv_redis_job_end(struct kv_redis_job *job, enum kv_outcome outcome);
/* Ends all jobs of the session as KV_UNKNOWN. */
void kv_redis_jobs_abandon(struct kv_redis_session *session);
void kv_redis_jobs_fini(struct kv_redis_loop *loop);

/* Takes the time, for a round that depends on it. */
void kv_redis_job_clock(struct kv_redis_job *job);
/* Returns that time in decimal, as scripts take it. */
struct weft_view kv_redis_job_now(struct kv_redis_job *job);

/* Makes one part per bucket of the op's items; or `count` parts for the buckets from `first` on. False: no memory. */
WEFT_MUST_USE bool kv_redis_job_group(struct kv_redis_job *job);
WEFT_MUST_USE bool kv_redis_job_buckets(struct kv_redis_job *job, struct weft_view table,
                                        unsigned first, size_t count);
/* Makes `count` parts whose keys and slots the caller sets. */
WEFT_MUST_USE bool kv_redis_job_bare(struct kv_redis_job *job, size_t count);

static inline struct kv_item *kv_redis_part_item(const struct kv_redis_part *part, size_t i)
{
    return &part->job->op->items[part->job->order[part->first + i].item];
}

/* Each makes the call of a part, and returns where its `more` further arguments belong; NULL: no memory. */
WEFT_MUST_USE struct weft_view *kv_redis_part_script(struct kv_redis_part *part,
                                                     enum kv_redis_script_name name, size_t more);
WEFT_MUST_USE struct weft_view *kv_redis_part_command(struct kv_redis_part *part,
                                                      const char *command, size_t more);

/* Submits the calls of all parts that are not skipped. `step` is called afterwards, from the loop, or at once if all are
 * skipped. */
void kv_redis_job_run(struct kv_redis_job *job, void (*step)(struct kv_redis_job *job));

#endif
