/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "group.h"
#include "records/record.h"

/* How long changes collect if nobody waits for them, and how often a full disk is tried again. */
static const int64_t pause_time = 10 * 1000 * 1000;

/* The most and the least nanoseconds for which a group stays open. A slow sync is worth waiting for longer. */
static const int64_t patience_most = 1000 * 1000, patience_least = 50 * 1000;

static int init_locks(struct kv_journal *journal)
{
    pthread_condattr_t attributes;
    int err = pthread_mutex_init(&journal->lock, NULL);
    if (err != 0)
        return -err;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    err = pthread_cond_init(&journal->wake, &attributes);
    if (err == 0) {
        err = pthread_cond_init(&journal->went_on, NULL);
        if (err != 0)
            pthread_cond_destroy(&journal->wake);
    }
    pthread_condattr_destroy(&attributes);
    if (err != 0)
        pthread_mutex_destroy(&journal->lock);
    return -err;
}

static void fini_locks(struct kv_journal *journal)
{
    pthread_cond_destroy(&journal->went_on);
    pthread_cond_destroy(&journal->wake);
    pthread_mutex_destroy(&journal->lock);
}

int kv_journal_init(struct kv_journal *journal, int dir, const struct kv_journal_place *place,
                    const struct kv_sync *sync, const struct weft_log *log)
{
    *journal = (struct kv_journal){
        .dir = dir,
        .log = log,
        .sync = *sync,
        .fd = place->fd,
        .base = place->base,
        .size = place->size,
        .reserved = place->size,
        .written = place->written,
        .group_last = place->written,
        .may_reserve = true,
    };
    atomic_init(&journal->given, place->written);
    atomic_init(&journal->durable, place->written);
    atomic_init(&journal->total, place->total);
    atomic_init(&journal->grown_at, UINT64_MAX);
    atomic_init(&journal->wake_at, UINT64_MAX);
    int err = init_locks(journal);
    if (err < 0)
        goto err_after_file;
    journal->group = weft_malloc(KV_GROUP_MAX);
    err = -ENOMEM;
    if (!journal->group)
        goto err_after_locks;
    /* A store on a full disk can still be read. */
    err = kv_journal_reserve(journal, KV_RESERVE_STEP);
    if (err < 0 && err != -ENOSPC)
        goto err_after_group;
    return 0;

err_after_group:
    weft_free(journal->group);
err_after_locks:
    fini_locks(journal);
err_after_file:
    close(place->fd);
    return err;
}

int kv_journal_join(struct kv_journal *journal, struct kv_journal_port *port)
{
    int err = kv_queue_init(&port->queue);
    if (err < 0)
        return err;
    /* The thread may be looking through the list. */
    port->next = atomic_load(&journal->ports);
    atomic_store(&journal->ports, port);
    return 0;
}

void kv_journal_leave(struct kv_journal *journal, struct kv_journal_port *port)
{
    struct kv_journal_port *before = atomic_load(&journal->ports);
    if (before == port)
        atomic_store(&journal->ports, port->next);
    while (before != port && before->next != port)
        before = before->next;
    if (before != port)
        before->next = port->next;
    kv_queue_fini(&port->queue);
}

void kv_journal_fini(struct kv_journal *journal)
{
    /* Gives back what is reserved behind the end. It is no loss if that fails. */
    (void)!ftruncate(journal->fd, (off_t)journal->size);
    close(journal->fd);
    weft_free(journal->group);
    fini_locks(journal);
}

/* Takes room below what is kept: reserves more. */
WEFT_NOINLINE static bool reserve_more(struct kv_journal *journal, long long kept)
{
    int err = 0;
    pthread_mutex_lock(&journal->lock);
    while (err == 0 && atomic_load(&journal->room) < kept) {
        long long lacking = kept - atomic_load(&journal->room);
        err = journal->may_reserve ? kv_journal_reserve(journal, (uint64_t)lacking) : -ENOSPC;
    }
    pthread_mutex_unlock(&journal->lock);
    return err == 0;
}

struct kv_queued *kv_journal_stage(struct kv_journal *journal, struct kv_journal_port *port,
                                   size_t size, bool removal, int *err)
{
    long long bytes = (long long)size + KV_RECORD_FRAME + KV_RECORD_HEAD;
    long long kept = removal ? 0 : KV_RESERVE_KEPT;
    *err = -EIO;
    if (atomic_load_explicit(&journal->failed, memory_order_relaxed))
        return NULL;
    *err = -ENOSPC;
    if (bytes > KV_RECORD_MAX)
        return NULL;
    if (atomic_fetch_sub_explicit(&journal->room, bytes, memory_order_relaxed) - bytes < kept &&
        !reserve_more(journal, kept))
        goto err_after_room;
    *err = -ENOMEM;
    struct kv_queued *record = kv_queue_stage(&port->queue, size);
    if (!record)
        goto err_after_room;
    record->number = atomic_fetch_add_explicit(&journal->given, 1, memory_order_relaxed) + 1;
    port->queue.last = record->number;
    return record;

err_after_room:
    atomic_fetch_add_explicit(&journal->room, bytes, memory_order_relaxed);
    return NULL;
}

void kv_journal_publish(struct kv_journal_port *port)
{
    kv_queue_publish(&port->queue);
    port->published = true;
}

/* The thread first says when to wake it and then looks at what there is once more; this publishes first and then
 * looks whether to wake the thread. So one of the two sees the other. The signal follows the lock, so that the thread
 * does not wake up only to wait for it. */
void kv_journal_turn_ends(struct kv_journal *journal, struct kv_journal_port *port)
{
    if (!port->published)
        return;
    port->published = false;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&journal->given, memory_order_relaxed) <
        atomic_load_explicit(&journal->wake_at, memory_order_relaxed))
        return;
    pthread_mutex_lock(&journal->lock);
    pthread_mutex_unlock(&journal->lock);
    pthread_cond_signal(&journal->wake);
}

/* Tells the loops that wait for the disk. */
static void notify(const struct kv_journal *journal, bool all)
{
    for (struct kv_journal_port *port = atomic_load(&journal->ports); port; port = port->next) {
        if ((port->wrote || all) && !atomic_exchange(&port->posted, true) &&
            weft_loop_post(port->loop, &port->post) < 0)
            atomic_store(&port->posted, false);
        /* The rest of a group that a full disk holds up is told later. */
        port->wrote = port->wrote && journal->stuck;
    }
}

static void drop_all(const struct kv_journal *journal)
{
    for (struct kv_journal_port *port = atomic_load(&journal->ports); port; port = port->next)
        while (kv_queue_front(&port->queue))
            kv_queue_take(&port->queue);
}

static bool is_sync_due(const struct kv_journal *journal)
{
    switch (journal->sync.when) {
    case KV_SYNC_ALWAYS:
        return true;
    case KV_SYNC_LATER:
        return kv_journal_now() - journal->synced_at >= (int64_t)journal->sync.every;
    case KV_SYNC_OFF:
        break;
    }
    return false;
}

/* Does what other threads asked for. */
static void do_requests(struct kv_journal *journal)
{
    int err = 0;
    pthread_mutex_lock(&journal->lock);
    bool new_file = journal->new_file_wanted;
    bool wanted = new_file || journal->waiting > 0;
    pthread_mutex_unlock(&journal->lock);
    if (!wanted)
        return;
    if (!atomic_load(&journal->failed))
        err = kv_group_sync(journal);
    else
        err = -EIO;
    if (err == 0 && new_file)
        err = kv_group_new_file(journal);
    pthread_mutex_lock(&journal->lock);
    if (new_file) {
        journal->new_file_wanted = false;
        journal->new_file_error = err;
        journal->new_base = journal->base;
        journal->new_older = atomic_load(&journal->total) - journal->size;
    }
    pthread_cond_broadcast(&journal->went_on);
    pthread_mutex_unlock(&journal->lock);
}

static void keep_room(struct kv_journal *journal)
{
    if (!journal->may_reserve || atomic_load(&journal->full) ||
        atomic_load(&journal->room) > KV_RESERVE_STEP / 2)
        return;
    pthread_mutex_lock(&journal->lock);
    (void)!kv_journal_reserve(journal, KV_RESERVE_STEP);
    pthread_mutex_unlock(&journal->lock);
}

bool kv_journal_step(struct kv_journal *journal)
{
    uint64_t before = journal->written;
    int wrote = 0;
    if (atomic_load(&journal->failed)) {
        drop_all(journal);
        do_requests(journal);
        return false;
    }
    wrote = kv_group_write(journal);
    journal->stuck = wrote == -ENOSPC;
    if (!atomic_load(&journal->failed) && is_sync_due(journal))
        (void)!kv_group_sync(journal);
    if (wrote != 0)
        journal->wanted = atomic_load_explicit(&journal->given, memory_order_relaxed) - before;
    if (atomic_load(&journal->failed))
        notify(journal, true);
    else if (journal->sync.when == KV_SYNC_ALWAYS)
        notify(journal, false);
    keep_room(journal);
    do_requests(journal);
    if (journal->grown && atomic_load(&journal->total) >= atomic_load(&journal->grown_at)) {
        atomic_store(&journal->grown_at, UINT64_MAX);
        journal->grown(journal->grown_owner);
    }
    return wrote > 0;
}

static void wait_for(struct kv_journal *journal, int64_t nanoseconds)
{
    int64_t at = kv_journal_now() + nanoseconds;
    const struct timespec deadline = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
    pthread_cond_timedwait(&journal->wake, &journal->lock, &deadline);
}

/* With nothing to do the thread sleeps until a loop wakes it, and for a sync that is due later. */
static void sleep_until_woken(struct kv_journal *journal)
{
    atomic_store(&journal->wake_at, 0);
    atomic_thread_fence(memory_order_seq_cst);
    if (!kv_group_is_waiting(journal)) {
        if (journal->sync.when == KV_SYNC_LATER && !atomic_load(&journal->failed) &&
            journal->written != atomic_load(&journal->durable))
            wait_for(journal, journal->synced_at + (int64_t)journal->sync.every - kv_journal_now());
        else
            pthread_cond_wait(&journal->wake, &journal->lock);
    }
    atomic_store(&journal->wake_at, UINT64_MAX);
}

/* The patience doubles when a group got what it waited for, and halves when it did not: then these clients do not
 * send again because they were answered. */
static void learn(struct kv_journal *journal, bool came)
{
    int64_t most = journal->sync_time > patience_most ? journal->sync_time : patience_most;
    int64_t patience = came ? journal->patience * 2 : journal->patience / 2;
    journal->patience = patience > most             ? most
                        : patience < patience_least ? patience_least
                                                    : patience;
}

/* Waits until the group that has begun to come has as many changes as are wanted. */
static void gather(struct kv_journal *journal)
{
    uint64_t last = journal->group_last + journal->wanted;
    int64_t end = kv_journal_now() + journal->patience, left;
    if (journal->sync.when != KV_SYNC_ALWAYS || journal->stuck || atomic_load(&journal->failed) ||
        !kv_group_is_waiting(journal))
        return;
    pthread_mutex_lock(&journal->lock);
    atomic_store(&journal->wake_at, last);
    atomic_thread_fence(memory_order_seq_cst);
    while (atomic_load(&journal->given) < last && !journal->stopping && !journal->new_file_wanted &&
           journal->waiting == 0 && (left = end - kv_journal_now()) > 0)
        wait_for(journal, left);
    atomic_store(&journal->wake_at, UINT64_MAX);
    pthread_mutex_unlock(&journal->lock);
    learn(journal, atomic_load(&journal->given) >= last);
}

/* Changes collect for a moment if nobody waits for the disk, so that a group has many. */
static void rest(struct kv_journal *journal, bool busy)
{
    if (journal->stopping || journal->new_file_wanted || journal->waiting > 0)
        return;
    if (journal->stuck || (busy && journal->sync.when != KV_SYNC_ALWAYS))
        wait_for(journal, pause_time);
    else if (!busy)
        sleep_until_woken(journal);
}

static void *run(void *arg)
{
    struct kv_journal *journal = arg;
    (void)pthread_setname_np(pthread_self(), "kv-journal");
    for (;;) {
        gather(journal);
        bool busy = kv_journal_step(journal);
        pthread_mutex_lock(&journal->lock);
        /* Something may have been published since the step; nothing is after `stopping` was set. */
        bool ends =
            journal->stopping && !busy &&
            (journal->stuck || atomic_load(&journal->failed) || !kv_group_is_waiting(journal));
        if (!ends)
            rest(journal, busy);
        pthread_mutex_unlock(&journal->lock);
        if (ends)
            return NULL;
    }
}

int kv_journal_start(struct kv_journal *journal)
{
    journal->stopping = false;
    int err = pthread_create(&journal->thread, NULL, run, journal);
    journal->runs = err == 0;
    return -err;
}

void kv_journal_stop(struct kv_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    bool first = !journal->stopping;
    journal->stopping = true;
    pthread_cond_signal(&journal->wake);
    pthread_mutex_unlock(&journal->lock);
    if (!first)
        return;
    if (journal->runs)
        pthread_join(journal->thread, NULL);
    while (!journal->runs && kv_journal_step(journal))
        continue;
    journal->runs = false;
    if (!atomic_load(&journal->failed))
        (void)!kv_group_sync(journal);
    pthread_mutex_lock(&journal->lock);
    pthread_cond_broadcast(&journal->went_on);
    pthread_mutex_unlock(&journal->lock);
}

/* Waits for the thread, or does its work where there is none. Called with the lock held. */
static void wait_until_it_went_on(struct kv_journal *journal)
{
    pthread_cond_signal(&journal->wake);
    if (journal->runs) {
        pthread_cond_wait(&journal->went_on, &journal->lock);
        return;
    }
    pthread_mutex_unlock(&journal->lock);
    (void)kv_journal_step(journal);
    pthread_mutex_lock(&journal->lock);
}

int kv_journal_new_file(struct kv_journal *journal, uint64_t *base)
{
    pthread_mutex_lock(&journal->lock);
    journal->new_file_wanted = true;
    journal->new_file_error = -ESHUTDOWN;
    while (journal->new_file_wanted && !journal->stopping)
        wait_until_it_went_on(journal);
    int err = journal->new_file_error;
    *base = journal->new_base;
    pthread_mutex_unlock(&journal->lock);
    return err;
}

uint64_t kv_journal_older(struct kv_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t older = journal->new_older;
    pthread_mutex_unlock(&journal->lock);
    return older;
}

int kv_journal_wait(struct kv_journal *journal, uint64_t number)
{
    pthread_mutex_lock(&journal->lock);
    journal->waiting++;
    while (atomic_load(&journal->durable) < number && !atomic_load(&journal->failed) &&
           !journal->stopping)
        wait_until_it_went_on(journal);
    journal->waiting--;
    int err = atomic_load(&journal->durable) >= number ? 0
              : atomic_load(&journal->failed)          ? -EIO
                                                       : -ESHUTDOWN;
    pthread_mutex_unlock(&journal->lock);
    return err;
}

void kv_journal_collect(struct kv_journal *journal, struct weft_samples *samples)
{
    static const struct weft_metric
        bytes = {"weft_journal_bytes", "bytes", "Size of the journals since the last snapshot",
                 WEFT_GAUGE},
        lag = {"weft_journal_pending_changes", NULL, "Changes that are not on disk yet",
               WEFT_GAUGE},
        failed = {"weft_journal_failed", NULL,
                  "1 once a write or a sync has failed, since when no write is accepted",
                  WEFT_GAUGE},
        full = {"weft_journal_full", NULL, "1 while the disk is full", WEFT_GAUGE},
        syncs = {"weft_journal_sync_duration_seconds", "seconds",
                 "Time that fdatasync of the journal takes", WEFT_HISTOGRAM};
    struct weft_histogram_sum sum = {.total = 0};
    /* The order makes the difference too high rather than negative. */
    uint64_t durable = atomic_load(&journal->durable), given = atomic_load(&journal->given);
    weft_samples_add(samples, &bytes, NULL, 0, (double)atomic_load(&journal->total));
    weft_samples_add(samples, &lag, NULL, 0, (double)(given - durable));
    weft_samples_add(samples, &failed, NULL, 0, atomic_load(&journal->failed));
    weft_samples_add(samples, &full, NULL, 0, atomic_load(&journal->full));
    weft_histogram_add(&sum, &journal->syncs);
    weft_samples_add_histogram(samples, &syncs, NULL, 0, &sum);
}
