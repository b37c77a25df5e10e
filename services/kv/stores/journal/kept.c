/* SPDX-License-Identifier: MIT */
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "changes.h"
#include "claim.h"
#include "late.h"
#include "recover.h"
#include "services/kv/stores/memory/shared.h"

static const struct kv_store *const memory = &weft_kv_store_memory;

struct recovery {
    struct kv_kept *kept;
    enum kv_outcome outcome;
    struct kv_op op;
};

static void recovery_done(struct kv_op *op, enum kv_outcome outcome)
{
    weft_container_of(op, struct recovery, op)->outcome = outcome;
}

static int refuse_outcome(enum kv_outcome outcome, struct weft_error *error)
{
    if (outcome == KV_FULL)
        return weft_error_set(error, -ENOSPC,
                              "memory store: what is on disk does not fit into max-memory");
    return weft_error_set(error, -ENOMEM, "memory store: no memory for what is on disk");
}

/* Does one change of a record. They need not be one step: nobody sees the store yet. */
static int do_change(struct recovery *self, struct weft_view table,
                     const struct kv_record_change *change, struct weft_error *error)
{
    struct kv_item item = {
        .key = change->key, .value.bytes = change->value, .expires = change->expires};
    self->op = (struct kv_op){.kind = change->drop      ? KV_DROP
                                      : change->removal ? KV_MDEL
                                                        : KV_MSET,
                              .table = table,
                              .done = recovery_done};
    if (!change->drop) {
        self->op.items = &item;
        self->op.count = 1;
    }
    memory->submit(self->kept->session, &self->op);
    return self->outcome == KV_DONE ? 0 : refuse_outcome(self->outcome, error);
}

static int recover_record(void *owner, const struct kv_record *record, struct weft_error *error)
{
    struct recovery *self = owner;
    struct kv_record_change change;
    struct weft_view rest = record->rest;
    int n;
    while ((n = kv_record_next(&rest, &change)) > 0)
        continue;
    if (n < 0)
        return n;
    struct kv_epoch_loop *epoch = &kv_store_memory_part(self->kept->part)->epoch;
    kv_epoch_begin(epoch);
    rest = record->rest;
    while (n == 0 && kv_record_next(&rest, &change) > 0)
        n = do_change(self, record->table, &change, error);
    kv_epoch_end(epoch);
    return n;
}

static int recover(struct kv_kept *kept, const struct kv_store_options *options,
                   struct kv_journal_place *place, uint64_t *snapshot, struct weft_error *error)
{
    struct recovery recovery = {.kept = kept};
    struct kv_recovery self = {.mode = KV_RECOVER_START,
                               .path = kept->path,
                               .dir = kept->dir,
                               .log = options->log,
                               .progress = options->progress,
                               .apply = recover_record,
                               .owner = &recovery};
    int err = kv_recover(&self, error);
    *place = self.place;
    *snapshot = self.snapshot;
    return err;
}

int kv_kept_snapshot_option(uint64_t *bytes, const struct weft_option_set *set,
                            struct weft_error *error)
{
    const char *text = set ? weft_option_get(set, "snapshot") : NULL;
    *bytes = WEFT_MIB(64);
    if (!text || (weft_parse_size(text, bytes) == 0 && *bytes > 0))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "snapshot=%.64s: it takes a size, as 64MiB", text);
}

static int no_memory(struct weft_error *error)
{
    return weft_error_set(error, -ENOMEM, "memory store: no memory");
}

static int make_memory(struct kv_kept *kept, const struct kv_store_options *options,
                       struct weft_error *error)
{
    kept->memory = weft_calloc(1, memory->store_size);
    kept->part = weft_calloc(1, memory->loop_size);
    kept->session = weft_calloc(1, memory->session_size);
    struct kv_store_options seeded = *options;
    uint8_t seed[16];
    if (!seeded.seed && kv_recover_seed(kept->dir, seed))
        seeded.seed = seed;
    int err = no_memory(error);
    if (kept->memory && kept->part && kept->session)
        err = memory->init(kept->memory, &seeded, error);
    if (err < 0)
        goto err_after_states;
    err = memory->start(kept->part, kept->memory, NULL);
    if (err == 0) {
        err = memory->open(kept->session, kept->part);
        if (err == 0)
            return 0;
        memory->stop(kept->part);
    }
    memory->fini(kept->memory);
    (void)no_memory(error);
err_after_states:
    weft_free(kept->session);
    weft_free(kept->part);
    weft_free(kept->memory);
    return err;
}

static void free_memory(struct kv_kept *kept)
{
    memory->close(kept->session);
    memory->stop(kept->part);
    memory->fini(kept->memory);
    weft_free(kept->session);
    weft_free(kept->part);
    weft_free(kept->memory);
}

static int open_directory(struct kv_kept *kept, const struct kv_store_options *options,
                          struct weft_error *error)
{
    size_t size = strlen(options->where) + 1;
    kept->path = weft_malloc(size);
    if (!kept->path)
        return no_memory(error);
    memcpy(kept->path, options->where, size);
    int err = kv_claim(&kept->lock, kept->path, error);
    if (err < 0)
        goto err_after_path;
    kept->dir = open(kept->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (kept->dir >= 0)
        return 0;
    err = -errno;
    weft_error_set(error, err, "memory store: %.300s: %s", kept->path, weft_strerror(err));
    kv_unclaim(kept->lock);
err_after_path:
    weft_free(kept->path);
    return err;
}

static void close_directory(struct kv_kept *kept)
{
    close(kept->dir);
    kv_unclaim(kept->lock);
    weft_free(kept->path);
}

/* Starts the threads, unless a loop does their work. */
static int start_snapshots(struct kv_kept *kept, uint64_t least, uint64_t size)
{
    kept->snapshots = (struct kv_snapshots){.journal = &kept->journal,
                                            .memory = kept->memory,
                                            .part = kept->part,
                                            .least = least,
                                            .size = size};
    int err = kv_snapshots_init(&kept->snapshots);
    if (err < 0 || kept->stepped)
        return err;
    err = kv_journal_start(&kept->journal);
    if (err == 0)
        err = kv_snapshots_start(&kept->snapshots);
    if (err < 0)
        kv_snapshots_fini(&kept->snapshots);
    return err;
}

int kv_kept_init(struct kv_kept *kept, const struct kv_store_options *options, bool stepped,
                 struct weft_error *error)
{
    struct kv_journal_place place;
    struct kv_sync sync;
    uint64_t least, size = 0;
    if (memory->session_size > KV_KEPT_SESSION)
        abort();
    int err = kv_sync_read(&sync, options->set, error);
    if (err == 0)
        err = kv_kept_snapshot_option(&least, options->set, error);
    if (err < 0)
        return err;
    kept->stepped = stepped;
    err = open_directory(kept, options, error);
    if (err < 0)
        return err;
    err = make_memory(kept, options, error);
    if (err < 0)
        goto err_after_directory;
    err = recover(kept, options, &place, &size, error);
    if (err < 0)
        goto err_after_memory;
    err = kv_journal_init(&kept->journal, kept->dir, &place, &sync, options->log);
    if (err < 0)
        goto err_with_text;
    err = start_snapshots(kept, least, size);
    if (err < 0)
        goto err_after_journal;
    return 0;

err_after_journal:
    kv_journal_stop(&kept->journal);
    kv_journal_fini(&kept->journal);
err_with_text:
    weft_error_set(error, err, "memory store: %.300s: %s", kept->path, weft_strerror(err));
err_after_memory:
    free_memory(kept);
err_after_directory:
    close_directory(kept);
    return err;
}

void kv_kept_fini(void *store)
{
    struct kv_kept *kept = store;
    kv_snapshots_stop(&kept->snapshots);
    kv_journal_stop(&kept->journal);
    kv_snapshots_fini(&kept->snapshots);
    kv_journal_fini(&kept->journal);
    free_memory(kept);
    close_directory(kept);
}

static void turn_begins(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void turn_ends(struct weft_turn_hook *hook)
{
    struct kv_kept_loop *self = weft_container_of(hook, struct kv_kept_loop, hook);
    kv_journal_turn_ends(&self->kept->journal, &self->port);
    if (!self->kept->stepped)
        return;
    while (kv_journal_step(&self->kept->journal))
        continue;
    kv_snapshots_poll(&self->kept->snapshots);
}

int kv_kept_start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct kv_kept_loop *self = loop_state;
    self->kept = store;
    self->memory = weft_calloc(1, memory->loop_size);
    if (!self->memory)
        return -ENOMEM;
    int err = memory->start(self->memory, self->kept->memory, loop);
    if (err < 0)
        goto err_after_part;
    self->port.loop = loop;
    self->port.post.run = kv_late_settled;
    err = kv_journal_join(&self->kept->journal, &self->port);
    if (err < 0)
        goto err_after_start;
    kv_changes_watch(self);
    self->hook = (struct weft_turn_hook){.begin = turn_begins, .end = turn_ends};
    weft_loop_add_hook(loop, &self->hook);
    return 0;

err_after_start:
    memory->stop(self->memory);
err_after_part:
    weft_free(self->memory);
    return err;
}

void kv_kept_stop(void *loop_state)
{
    struct kv_kept_loop *self = loop_state;
    kv_snapshots_stop(&self->kept->snapshots);
    kv_journal_stop(&self->kept->journal);
    kv_journal_leave(&self->kept->journal, &self->port);
    weft_loop_remove_hook(self->port.loop, &self->hook);
    kv_late_free_spare(self);
    memory->stop(self->memory);
    weft_free(self->memory);
}

int kv_kept_open(void *session, void *loop_state)
{
    struct kv_kept_session *self = session;
    self->loop = loop_state;
    return memory->open(self->memory, self->loop->memory);
}
