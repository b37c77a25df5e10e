/* SPDX-License-Identifier: MIT
 *
 * A job is an operation of a session that could not be executed at once. A job for another thread has copies of all
 * that it needs, so that the session may be closed while it is away. */
#ifndef KV_PARTS_JOB_H
#define KV_PARTS_JOB_H

#include "results.h"
#include "writer.h"
#include "services/kv/store.h"

struct kv_disk_session;

/* A pair of a page that was read on another thread, kept until op->each is called with it. */
struct kv_disk_pair {
    struct kv_disk_pair *next;
    struct kv_pair pair;
};

/* The place at which an operation is executed. */
enum kv_disk_way {
    KV_DISK_HERE,   /* on the loop */
    KV_DISK_WRITER, /* by the writer, within a transaction */
    KV_DISK_READERS /* by a thread that reads */
};

/* The place of a job, which is also in the session's list until it is answered. */
enum kv_disk_where {
    KV_DISK_WAITS, /* it was not sent yet */
    KV_DISK_AWAY,  /* a thread has it */
    KV_DISK_BACK   /* it is executed and not answered yet */
};

struct kv_disk_job {
    struct kv_job job;
    bool pooled; /* its memory is of the size that a pool keeps */
    /* For the loop's thread. */
    struct kv_disk_job *next;        /* in the session's list */
    struct kv_disk_session *session; /* NULL: the session was closed */
    struct kv_op *op;                /* the submitter's operation */
    enum kv_disk_where where;
    enum kv_disk_way way;
    /* For the thread that has the job. */
    bool redo; /* a read that the writer could not execute */
    enum kv_outcome outcome;
    struct kv_op copy;                       /* what a thread executes; unused with KV_DISK_HERE */
    int64_t now;                             /* the wall-clock time for expiry, in milliseconds */
    struct kv_disk_pair *pairs, **pairs_end; /* the pairs of a page */
    struct kv_cursor cursor;                 /* the cursor of the page */
    size_t kept;                             /* bytes of the pairs */
    bool lacks_memory;                       /* a pair could not be kept */
    struct kv_results results;               /* copies of what was found */
};

/* Memory of a loop's jobs that ended, for its next ones. A zeroed struct is empty. */
struct kv_disk_jobs {
    struct kv_disk_job *free;
    size_t count;
};

/* Frees the memory. */
void kv_disk_jobs_fini(struct kv_disk_jobs *jobs);

/* Makes a job for op, with copies of all that a thread needs to execute it. NULL: there is no memory. */
struct kv_disk_job *kv_disk_job_new(struct kv_disk_jobs *jobs, struct kv_op *op,
                                    enum kv_disk_way way);
void kv_disk_job_free(struct kv_disk_jobs *jobs, struct kv_disk_job *job);
/* Copies the results into job->op, for KV_DONE or KV_UNMET. The views live as long as the job. */
void kv_disk_job_tell(const struct kv_disk_job *job);

/* The function `each` of job->copy: keeps a copy of the pair in the job. False: the page is large enough, or there
 * is no memory, and then job->lacks_memory is true. */
bool kv_disk_job_keep(struct kv_op *copy, const struct kv_pair *pair);

#endif
