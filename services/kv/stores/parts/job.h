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

enum kv_disk_where {
    KV_DISK_WAITS, /* in the session's list alone */
    KV_DISK_AWAY,  /* with the writer */
    KV_DISK_BACK
};

struct kv_disk_job {
    struct kv_job job;
    struct kv_disk_job *next;        /* of the session's list */
    struct kv_disk_session *session; /* the loop's; NULL: it was closed */
    struct kv_op *op;                /* the submitter's; the loop's */
    enum kv_disk_where where;        /* the loop's */
    bool here;                       /* it is done on the loop, and has no copies */
    bool redo;                       /* the writer's: a read that it could not do, for the loop */
    enum kv_outcome outcome;         /* the writer's */
    struct kv_op copy;         /* what the writer does. Its items are copies too, unless `here` */
    int64_t now;               /* the time by which it is done */
    struct kv_results results; /* what was found */
};

/* Makes a job of op. If it is to be done on the loop, here, it has no copies. NULL: no memory. */
struct kv_disk_job *kv_disk_job_new(struct kv_op *op, bool here);
void kv_disk_job_free(struct kv_disk_job *job);
/* Sets what the op has to have with KV_DONE or KV_UNMET. The views live as long as the job. */
void kv_disk_job_tell(const struct kv_disk_job *job);

#endif
