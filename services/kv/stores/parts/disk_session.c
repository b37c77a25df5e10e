/* SPDX-License-Identifier: MIT
 *
 * The operations that are not answered yet lie in the session's list, in order. Jobs at the end of it that go the same way
 * are away together; one that goes another way waits until all before it are answered. */
#include "disk_session.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "disk_clock.h"
#include "disk_here.h"
#include "disk_read.h"
#include "disk_readers.h"

static enum kv_outcome outcome_of(int err)
{
    switch (err) {
    case 0:
        return KV_DONE;
    case -ENOMEM:
        return KV_UNAVAILABLE;
    case -ESTALE:
        return KV_EXPIRED;
    default:
        return KV_FAILED;
    }
}

/* True if the operation shows pairs or looks at a whole table, which the writer does not do. */
static bool is_wide(const struct kv_op *op)
{
    return op->kind == KV_WALK || op->kind == KV_TABLES || op->kind == KV_COUNT;
}

static bool is_read(const struct kv_op *op)
{
    return is_wide(op) || op->kind == KV_MGET || op->kind == KV_MEXIST;
}

/* Calls done of a read that was done here. Its views may lie in the state, so that must stay meanwhile. */
static void show(struct kv_disk_loop *loop, struct kv_op *op, int err)
{
    loop->showing++;
    op->done(op, outcome_of(err));
    loop->showing--;
}

/* Does a read that cannot block, or a read of single keys that may be in memory. False: it is not. */
static bool try_here(struct kv_disk_loop *loop, struct kv_op *op)
{
    bool blocks = loop->disk->engine->blocks;
    struct kv_results results = {0};
    if (blocks && is_wide(op))
        return false;
    int err = kv_disk_read_here(loop, op, blocks ? &results : NULL);
    if (err != -EAGAIN)
        show(loop, op, err);
    kv_results_drop(&results);
    return err != -EAGAIN;
}

static void send(struct kv_disk_loop *loop, struct kv_disk_job *job)
{
    job->where = KV_DISK_AWAY;
    job->now = kv_disk_tell_time(loop);
    if (job->way == KV_DISK_READERS)
        kv_disk_readers_send(loop, &job->job);
    else
        kv_port_send(&loop->port, &job->job);
}

/* Shows a page that was read elsewhere. One that is refused begins the next page. */
static void show_page(const struct kv_disk *disk, const struct kv_disk_job *job)
{
    struct kv_op *op = job->op;
    *op->cursor = job->cursor;
    for (const struct kv_disk_pair *pair = job->pairs; pair; pair = pair->next) {
        if (op->each(op, &pair->pair))
            continue;
        kv_disk_set_cursor(disk->ledger.secret, op->cursor, pair->pair.key);
        return;
    }
}

/* Answers the first job of the session, which is back. False: the session was closed by who got the
 * answer. */
static bool answer_first(struct kv_disk_session *session)
{
    struct kv_disk_loop *loop = session->loop;
    struct kv_disk_job *job = session->first;
    struct kv_op *op = job->op;
    bool closed = false;
    session->first = job->next;
    session->closed = &closed;
    if (job->outcome == KV_DONE || job->outcome == KV_UNMET)
        kv_disk_job_tell(job);
    if (job->outcome == KV_DONE && (op->kind == KV_WALK || op->kind == KV_TABLES))
        show_page(loop->disk, job);
    op->done(op, job->outcome);
    kv_disk_job_free(&loop->jobs, job);
    if (!closed)
        session->closed = NULL;
    return !closed;
}

/* Does the first job of the session here, which is a read. */
static bool do_first(struct kv_disk_session *session)
{
    struct kv_disk_loop *loop = session->loop;
    struct kv_disk_job *job = session->first;
    struct kv_op *op = job->op;
    bool closed = false;
    session->first = job->next;
    session->closed = &closed;
    kv_disk_job_free(&loop->jobs, job);
    (void)try_here(loop, op);
    if (!closed)
        session->closed = NULL;
    return !closed;
}

/* Sends the jobs at the head that go the same way. */
static void send_waiting(struct kv_disk_session *session)
{
    enum kv_disk_way way = session->first->way;
    for (struct kv_disk_job *job = session->first; job && job->way == way; job = job->next)
        send(session->loop, job);
}

/* A read that the writer could not do, because nothing is written any more. */
static void send_elsewhere(struct kv_disk_session *session)
{
    struct kv_disk_job *job = session->first;
    job->redo = false;
    job->way = session->loop->disk->readers ? KV_DISK_READERS : KV_DISK_HERE;
    job->where = KV_DISK_WAITS;
}

/* Answers what can be answered, in order, and sends what had to wait for it. It is never nested. */
static void pump(struct kv_disk_session *session)
{
    bool open = true;
    session->pumping = true;
    while (open && session->first && session->first->where != KV_DISK_AWAY) {
        struct kv_disk_job *job = session->first;
        if (job->where == KV_DISK_BACK && job->redo)
            send_elsewhere(session);
        else if (job->where == KV_DISK_BACK)
            open = answer_first(session);
        else if (job->way == KV_DISK_HERE)
            open = do_first(session);
        else
            send_waiting(session);
    }
    if (open)
        session->pumping = false;
}

void kv_disk_back(struct kv_disk_loop *loop, struct kv_job *first)
{
    while (first) {
        struct kv_disk_job *job = (struct kv_disk_job *)first;
        first = first->next;
        job->where = KV_DISK_BACK;
        if (!job->session)
            kv_disk_job_free(&loop->jobs, job);
        else if (job->session->first == job && !job->session->pumping)
            pump(job->session);
    }
    kv_disk_arm(loop);
}

int kv_disk_open(void *session, void *loop_state)
{
    struct kv_disk_session *self = session;
    self->loop = loop_state;
    return 0;
}

void kv_disk_close(void *session)
{
    struct kv_disk_session *self = session;
    if (self->closed)
        *self->closed = true;
    self->pumping = true;
    while (self->first) {
        struct kv_disk_job *job = self->first;
        struct kv_op *op = job->op;
        self->first = job->next;
        if (job->where == KV_DISK_AWAY)
            job->session = NULL;
        else
            kv_disk_job_free(&self->loop->jobs, job);
        op->done(op, KV_UNKNOWN);
    }
}

/* A read behind writes goes with them, and is done within the same transaction. */
static enum kv_disk_way way_of(const struct kv_disk_session *session, const struct kv_op *op)
{
    if (!is_read(op))
        return KV_DISK_WRITER;
    if (!is_wide(op) && session->first && session->last->way == KV_DISK_WRITER)
        return KV_DISK_WRITER;
    return session->loop->disk->readers ? KV_DISK_READERS : KV_DISK_HERE;
}

static void add(struct kv_disk_session *session, struct kv_disk_job *job)
{
    job->session = session;
    job->next = NULL;
    if (session->first)
        session->last->next = job;
    else
        session->first = job;
    session->last = job;
}

void kv_disk_submit(void *session, struct kv_op *op)
{
    struct kv_disk_session *self = session;
    if (is_read(op) && !self->first && !self->pumping && try_here(self->loop, op))
        return;
    enum kv_disk_way way = way_of(self, op);
    bool waits = way == KV_DISK_HERE ||
                 (self->first && (self->last->where == KV_DISK_WAITS || self->last->way != way));
    struct kv_disk_job *job = kv_disk_job_new(&self->loop->jobs, op, way);
    if (!job) {
        op->done(op, KV_UNAVAILABLE);
        return;
    }
    add(self, job);
    if (!waits)
        send(self->loop, job);
}
