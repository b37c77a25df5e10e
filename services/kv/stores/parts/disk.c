/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "disk_apply.h"
#include "disk_clock.h"
#include "disk_here.h"
#include "disk_readers.h"
#include "disk_session.h"
#include "disk_write.h"

/* Reads what the store has, in the first transaction. */
static int begin_ledger(struct kv_disk *disk, struct kv_progress *progress)
{
    const struct kv_engine *engine = disk->engine;
    int err = engine->begin(disk->tx);
    if (err < 0)
        return err;
    err = kv_ledger_init(&disk->ledger, engine, disk->tx, progress);
    if (err < 0) {
        engine->end(disk->tx);
        return err;
    }
    int64_t next;
    err = kv_disk_next_expiry(disk, &next);
    if (err == 0) {
        atomic_store(&disk->next_expiry, next);
        err = engine->commit(disk->tx);
    } else {
        engine->end(disk->tx);
    }
    if (err < 0)
        kv_ledger_fini(&disk->ledger);
    else
        atomic_store(&disk->pairs, disk->ledger.pairs);
    return err;
}

static int open_tx(struct kv_disk *disk, enum kv_engine_tx kind, void **tx)
{
    *tx = weft_calloc(1, disk->engine->tx_size);
    if (!*tx)
        return -ENOMEM;
    int err = disk->engine->tx_open(*tx, disk->state, kind);
    if (err < 0)
        weft_free(*tx);
    return err;
}

static void close_tx(struct kv_disk *disk, void *tx)
{
    disk->engine->tx_close(tx);
    weft_free(tx);
}

static int start_writer(struct kv_disk *disk, struct kv_progress *progress)
{
    int err = open_tx(disk, KV_ENGINE_WRITER, &disk->tx);
    if (err < 0)
        return err;
    err = begin_ledger(disk, progress);
    if (err < 0)
        goto err_after_tx;
    err = kv_writer_start(&disk->writer, &kv_disk_writer_calls, disk);
    if (err < 0)
        goto err_after_ledger;
    return 0;

err_after_ledger:
    kv_ledger_fini(&disk->ledger);

err_after_tx:
    close_tx(disk, disk->tx);
    return err;
}

static void stop_writer(struct kv_disk *disk)
{
    kv_writer_stop(&disk->writer);
    kv_ledger_fini(&disk->ledger);
    close_tx(disk, disk->tx);
}

static const char *why(int err)
{
    return err == -EPROTO ? "was written by another version of this store" : weft_strerror(err);
}

int kv_disk_init(struct kv_disk *disk, const struct kv_engine *engine,
                 const struct kv_store_options *options, struct weft_error *error)
{
    const char *path = options->where;
    *disk = (struct kv_disk){.engine = engine, .garbage = true};
    atomic_init(&disk->next_expiry, INT64_MAX);
    if (!path || path[0] == '\0')
        return weft_error_set(error, WEFT_ECONFIG, "%s store: say where: --store %s:DIR",
                              engine->name, engine->name);
    size_t limit;
    int err = kv_sync_read(&disk->sync, options->set, error);
    if (err == 0)
        err = kv_trail_option(&limit, options->set, error);
    if (err < 0)
        return err;
    err = kv_trail_init(&disk->trail, limit);
    if (err < 0)
        return weft_error_set(error, err, "%s store: %s", engine->name, weft_strerror(err));
    err = kv_directory_open(&disk->directory, path, engine->name, error);
    if (err < 0)
        goto err_after_trail;
    const struct kv_engine_options own = {path, options->set, disk->sync};
    err = engine->open(&disk->state, &own, error);
    if (err < 0)
        goto err_after_directory;
    err = start_writer(disk, options->progress);
    if (err < 0)
        goto err_after_engine;
    err = kv_disk_readers_start(disk);
    if (err < 0)
        goto err_after_writer;
    return 0;

err_after_writer:
    stop_writer(disk);

err_after_engine:
    engine->close(disk->state);
    weft_error_set(error, err, "%s store: %.300s: %s", engine->name, path, why(err));

err_after_directory:
    kv_directory_close(&disk->directory);

err_after_trail:
    kv_trail_fini(&disk->trail);
    return err;
}

void kv_disk_fini(void *store)
{
    struct kv_disk *disk = store;
    kv_disk_readers_stop(disk);
    stop_writer(disk);
    disk->engine->close(disk->state);
    kv_directory_close(&disk->directory);
    kv_trail_fini(&disk->trail);
}

static void at_begin(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void at_end(struct weft_turn_hook *hook)
{
    kv_disk_end_reading(weft_container_of(hook, struct kv_disk_loop, hook));
}

static void on_back(struct kv_port *port, struct kv_job *first)
{
    kv_disk_back(weft_container_of(port, struct kv_disk_loop, port), first);
}

int kv_disk_start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct kv_disk_loop *self = loop_state;
    self->disk = store;
    self->port = (struct kv_port){.writer = &self->disk->writer, .loop = loop, .back = on_back};
    int err = open_tx(self->disk, KV_ENGINE_LOOP, &self->tx);
    if (err < 0)
        return err;
    err = kv_disk_readers_join(self, kv_disk_back);
    if (err < 0) {
        close_tx(self->disk, self->tx);
        return err;
    }
    kv_port_open(&self->port);
    self->hook = (struct weft_turn_hook){.begin = at_begin, .end = at_end};
    weft_loop_add_hook(loop, &self->hook);
    kv_trail_join(&self->disk->trail, &self->trail, loop, NULL, false);
    kv_disk_arm(self);
    return 0;
}

void kv_disk_stop(void *loop_state)
{
    struct kv_disk_loop *self = loop_state;
    weft_timer_stop(&self->timer);
    kv_trail_leave(&self->trail);
    weft_loop_remove_hook(self->port.loop, &self->hook);
    kv_disk_end_reading(self);
    kv_port_close(&self->port);
    kv_disk_readers_leave(self);
    kv_disk_jobs_fini(&self->jobs);
    close_tx(self->disk, self->tx);
}

int kv_disk_follow(void *session, struct kv_follow *follow)
{
    struct kv_disk_session *self = session;
    return kv_trail_follow(&self->loop->trail, follow);
}

void kv_disk_unfollow(void *session, struct kv_follow *follow)
{
    (void)session;
    kv_trail_unfollow(follow);
}

int kv_disk_next_change(void *session, struct kv_follow *follow, struct kv_change *change)
{
    (void)session;
    return kv_trail_next(follow, change);
}

void kv_disk_collect(void *store, struct weft_samples *samples)
{
    static const struct weft_metric
        failed = {"weft_store_failed", NULL,
                  "1 once a commit has failed for good, since when no write is accepted",
                  WEFT_GAUGE},
        entries = {"weft_store_entries", NULL,
                   "Keys of all tables, with those that have expired and were not removed yet",
                   WEFT_GAUGE},
        commits = {"weft_store_commit_duration_seconds", "seconds",
                   "Time that a commit of a group of writes takes, its sync included",
                   WEFT_HISTOGRAM};
    const struct kv_disk *disk = store;
    struct weft_histogram_sum sum = {.total = 0};
    weft_samples_add(samples, &failed, NULL, 0, atomic_load(&disk->failed));
    weft_samples_add(samples, &entries, NULL, 0, (double)atomic_load(&disk->pairs));
    weft_histogram_add(&sum, &disk->writer.commits);
    weft_samples_add_histogram(samples, &commits, NULL, 0, &sum);
}
