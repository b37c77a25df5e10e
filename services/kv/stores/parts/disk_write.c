/* SPDX-License-Identifier: MIT */
#include "disk_write.h"

#include <errno.h>
#include <time.h>

#include "disk_apply.h"
#include "disk_tell.h"

enum {
    STEP = 1000 /* pairs that a step of removal takes */
};

static int64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct kv_disk_job *job_of(struct kv_job *job)
{
    return (struct kv_disk_job *)job;
}

static bool changes(const struct kv_disk_job *job)
{
    enum kv_store_kind kind = job->copy.kind;
    return kind == KV_MSET || kind == KV_MDEL || kind == KV_MUPDATE || kind == KV_DROP;
}

static enum kv_outcome outcome_of(int err)
{
    switch (err) {
    case 0:
        return KV_DONE;
    case -ENOMEM:
        return KV_UNAVAILABLE;
    case -ENOSPC:
        return KV_FULL;
    default:
        return KV_FAILED;
    }
}

/* True if the error says that this operation cannot be done now, and nothing about the disk. */
static bool is_of_operation(int err)
{
    return err == -ENOMEM || err == -ENOSPC || err == -EILSEQ || err == -EAGAIN;
}

/* Nothing is written any more. */
static void fail(struct kv_disk *disk)
{
    if (atomic_exchange(&disk->failed, true))
        return;
    disk->engine->fail(disk->state);
    atomic_fetch_add(&disk->commits, 1);
}

/* Commits the transaction. A reader that sees `moves` change, or odd, trusts no table that it knew. */
static int commit(struct kv_disk *disk)
{
    bool moved = disk->ledger.moved;
    if (moved)
        atomic_fetch_add(&disk->moves, 1);
    int err = disk->engine->commit(disk->tx);
    if (err == 0)
        atomic_fetch_add(&disk->commits, 1);
    if (moved)
        atomic_fetch_add(&disk->moves, 1);
    return err;
}

/* Ends a transaction whose operations gave err. */
static int finish(struct kv_disk *disk, int err)
{
    if (err == 0)
        err = kv_ledger_flush(&disk->ledger);
    if (err == 0)
        kv_trail_reserve(&disk->trail, disk->changed);
    disk->changed = 0;
    if (err < 0)
        disk->engine->end(disk->tx);
    else
        err = commit(disk);
    if (err < 0 && kv_trail_is_on(&disk->trail))
        kv_trail_notify(&disk->trail);
    kv_ledger_settle(&disk->ledger, err == 0);
    atomic_store_explicit(&disk->pairs, disk->ledger.pairs, memory_order_relaxed);
    if (err == 0)
        disk->unsynced = disk->sync.when == KV_SYNC_LATER;
    return err;
}

/* Does jobs from first up to end within the transaction, until one fails. */
static int apply_jobs(struct kv_disk *disk, struct kv_job *first, const struct kv_job *end)
{
    int err = 0;
    for (struct kv_job *job = first; job != end && err == 0; job = job->next) {
        struct kv_disk_job *each = job_of(job);
        kv_results_drop(&each->results);
        err = kv_disk_apply(disk, each);
    }
    return err;
}

/* Does them as one transaction. After an error nothing took effect. */
static int try_jobs(struct kv_disk *disk, struct kv_job *first, const struct kv_job *end)
{
    int err = disk->engine->begin(disk->tx);
    return err < 0 ? err : finish(disk, apply_jobs(disk, first, end));
}

/* Does them again, as long as that makes room for them. */
static int retry_jobs(struct kv_disk *disk, struct kv_job *first, const struct kv_job *end, int err)
{
    while (err == -ERESTART) {
        err = disk->engine->make_room(disk->state);
        if (err == 0)
            err = try_jobs(disk, first, end);
    }
    return err;
}

/* Answers what was not done. Reads go on where nothing is written any more: the loops do them. */
static void refuse(struct kv_disk_job *job, int err)
{
    job->outcome = outcome_of(err);
    job->redo = job->outcome == KV_FAILED && !changes(job);
}

/* One operation that has no memory or no room must not stop the others, so each is tried alone. */
static void do_each(struct kv_disk *disk, struct kv_job *first)
{
    for (struct kv_job *job = first; job; job = job->next) {
        int err = -EIO;
        if (!atomic_load(&disk->failed))
            err = retry_jobs(disk, job, job->next, try_jobs(disk, job, job->next));
        if (err < 0 && !is_of_operation(err))
            fail(disk);
        if (err < 0)
            refuse(job_of(job), err);
        else
            kv_disk_tell(disk, job, job->next);
    }
}

/* Begins the transaction of a group with its first jobs. The first error is kept until its end. */
static void work(void *owner, struct kv_job *first)
{
    struct kv_disk *disk = owner;
    if (!disk->is_open) {
        disk->error = atomic_load(&disk->failed) ? -EIO : disk->engine->begin(disk->tx);
        disk->is_open = disk->error == 0;
    }
    if (disk->error == 0)
        disk->error = apply_jobs(disk, first, NULL);
}

static void commit_group(void *owner, struct kv_job *first)
{
    struct kv_disk *disk = owner;
    int err = disk->is_open ? finish(disk, disk->error) : disk->error;
    disk->is_open = false;
    err = retry_jobs(disk, first, NULL, err);
    if (err == 0) {
        kv_disk_tell(disk, first, NULL);
        return;
    }
    if (!is_of_operation(err))
        fail(disk);
    do_each(disk, first);
}

/* Removes in one step what nobody can see any more. *removed: 0: there was nothing. */
static int sweep(struct kv_disk *disk, size_t *removed)
{
    size_t more = 0;
    int64_t next, now = atomic_load(&disk->now);
    *removed = 0;
    if (!disk->garbage && atomic_load(&disk->next_expiry) > now)
        return 0;
    int err = disk->engine->begin(disk->tx);
    if (err < 0)
        return err;
    err = kv_disk_remove_expired(disk, now, STEP, removed);
    if (err == 0)
        err = kv_disk_remove_garbage(disk, STEP, &more);
    *removed += more;
    if (err == 0)
        err = kv_disk_next_expiry(disk, &next);
    if (err == 0) {
        atomic_store(&disk->next_expiry, next);
        disk->garbage = more > 0;
    }
    if (err == 0 && *removed == 0) {
        disk->engine->end(disk->tx);
        return 0;
    }
    err = finish(disk, err);
    kv_disk_tell_expired(disk, err == 0);
    if (err < 0) {
        disk->expiry_from = 0;
        disk->garbage_from.size = 0;
    }
    return err;
}

/* Errors of a sweep are left for a write to meet, but for those of the disk: it is tried again with the
 * next job. */
static bool sweep_on(struct kv_disk *disk)
{
    size_t removed;
    int err = sweep(disk, &removed);
    if (err == -ERESTART)
        err = disk->engine->make_room(disk->state);
    if (err < 0 && !is_of_operation(err))
        fail(disk);
    return err == 0 && removed > 0;
}

static int64_t sync_on(struct kv_disk *disk)
{
    if (!disk->unsynced)
        return -1;
    int64_t left = disk->synced_at + (int64_t)disk->sync.every - monotonic();
    if (left > 0)
        return left;
    disk->unsynced = false;
    if (disk->engine->sync(disk->state) < 0)
        fail(disk);
    disk->synced_at = monotonic();
    return -1;
}

static int64_t rest(void *owner)
{
    struct kv_disk *disk = owner;
    if (atomic_load(&disk->failed))
        return -1;
    if (sweep_on(disk))
        return 0;
    return sync_on(disk);
}

const struct kv_writer_calls kv_disk_writer_calls = {
    .name = "kv-writer", .work = work, .commit = commit_group, .rest = rest};
