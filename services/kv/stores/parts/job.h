/* SPDX-License-Identifier: MIT
 *
 * An operation of a session that could not be done at once. One that goes to the writer's thread is a
 * copy of all that it needs, so that the session may close whatever the disk does. */
#ifndef KV_PARTS_JOB_H
#define KV_PARTS_JOB_H

#include "results.h"
#include "writer.h"
#include "services/kv/store.h"

struct kv_disk_session;

/* A pair that a page read on another thread has for `each`. */
struct kv_disk_pair {
    struct kv_disk_pair *next;
    struct kv_pair pair;
};

enum kv_disk_way {
    KV_DISK_HERE,   /* done on the loop */
    KV_DISK_WRITER, /* done by the writer, within a transaction */
    KV_DISK_READERS /* done by a thread that reads */
};

enum kv_disk_where {
    KV_DISK_WAITS, /* in the session's list alone */
    KV_DISK_AWAY,  /* with a thread */
    KV_DISK_BACK
};

struct kv_disk_job {
    struct kv_job job;
    struct kv_disk_job *next;        /* of the session's list */
    struct kv_disk_session *session; /* the loop's; NULL: it was closed */
    struct kv_op *op;                /* the submitter's; the loop's */
    enum kv_disk_where where;        /* the loop's */
    enum kv_disk_way way;            /* the loop's */
    bool redo;                       /* the writer's: a read that it could not do */
    enum kv_outcome outcome;         /* the writer's */
    struct kv_op copy;               /* what a thread does. It has no copies on the way HERE */
    int64_t now;                     /* the time by which it is done */
    struct kv_disk_pair *pairs, **pairs_end; /* of a page */
    struct kv_cursor cursor;                 /* of the page */
    size_t kept;                             /* bytes of the pairs */
    bool lacks_memory;                       /* a pair could not be kept */
    struct kv_results results;               /* what was found */
};

/* Makes a job of op, with copies of all that a thread needs for it. NULL: no memory. */
struct kv_disk_job *kv_disk_job_new(struct kv_op *op, enum kv_disk_way way);
void kv_disk_job_free(struct kv_disk_job *job);
/* Sets what the op has to have with KV_DONE or KV_UNMET. The views live as long as the job. */
void kv_disk_job_tell(const struct kv_disk_job *job);

/* Keeps a pair; job->copy.each is this, and job->copy.cursor its own cursor. False: the page is large
 * enough, or there is no memory, which job->lacks_memory says. */
bool kv_disk_job_keep(struct kv_op *copy, const struct kv_pair *pair);

#endif
