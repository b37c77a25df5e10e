/* SPDX-License-Identifier: MIT
 *
 * The stores named memory: without a place it is the memory store; with sync=always writes are answered late;
 * otherwise they are answered at once, like reads. */
#include <string.h>

#include "changes.h"
#include "kept.h"
#include "late.h"
#include "repair.h"
#include "services/kv/stores/on_disk.h"

static int init(void *store, const struct kv_store_options *options, struct weft_error *error)
{
    return kv_kept_init(store, options, false, error);
}

static bool is_write(const struct kv_op *op)
{
    switch (op->kind) {
    case KV_MSET:
    case KV_MDEL:
    case KV_MUPDATE:
    case KV_DROP:
        return true;
    case KV_MGET:
    case KV_MEXIST:
    case KV_WALK:
    case KV_TABLES:
    case KV_COUNT:
        break;
    }
    return false;
}

static void submit_late(void *session, struct kv_op *op)
{
    struct kv_kept_session *self = session;
    if (is_write(op))
        kv_late_submit(self, op);
    else
        weft_kv_store_memory.submit(self->memory, op);
}

static void submit_quick(void *session, struct kv_op *op)
{
    kv_changes_submit(session, op, NULL);
}

static void close_session(void *session)
{
    struct kv_kept_session *self = session;
    kv_late_close(self);
    weft_kv_store_memory.close(self->memory);
}

static int follow(void *session, struct kv_follow *follower)
{
    struct kv_kept_session *self = session;
    return kv_store_memory_follow(self->memory, follower);
}

static void unfollow(void *session, struct kv_follow *follower)
{
    struct kv_kept_session *self = session;
    kv_store_memory_unfollow(self->memory, follower);
}

static int next_change(void *session, struct kv_follow *follower, struct kv_change *change)
{
    struct kv_kept_session *self = session;
    return kv_store_memory_next_change(self->memory, follower, change);
}

static void collect(void *store, struct weft_samples *samples)
{
    struct kv_kept *self = store;
    kv_store_memory_collect(self->memory, samples);
    kv_journal_collect(&self->journal, samples);
}

static int snapshot(void *store)
{
    struct kv_kept *self = store;
    kv_snapshots_begin(&self->snapshots);
    return 0;
}

static const struct weft_option options[] = {
    KV_SYNC_OPTION,
    KV_TRAIL_OPTION,
    {"snapshot", "SIZE",
     "journals of this size, or of the last snapshot's, begin a new one (64MiB)"},
    {0},
};

#define KEPT_STORE(store_flags, store_submit)                                                      \
    {                                                                                              \
        .name = "memory", .where = "DIR", .options = options,                                      \
        .flags = KV_STORE_MEMORY_FLAGS | (store_flags), .store_size = sizeof(struct kv_kept),      \
        .loop_size = sizeof(struct kv_kept_loop), .session_size = sizeof(struct kv_kept_session),  \
        .init = init, .fini = kv_kept_fini, .collect = collect, .snapshot = snapshot,              \
        .start = kv_kept_start, .stop = kv_kept_stop, .open = kv_kept_open,                        \
        .close = close_session, .submit = (store_submit), .follow = follow, .unfollow = unfollow,  \
        .next_change = next_change,                                                                \
    }

const struct kv_store kv_kept_quick = KEPT_STORE(KV_STORE_INLINE, submit_quick);
const struct kv_store kv_kept_late =
    KEPT_STORE(KV_STORE_DURABLE | KV_STORE_READS_INLINE, submit_late);

/* Returns the index of an option that needs a directory, or SIZE_MAX. */
static size_t find_of_directory(const struct weft_option_set *set)
{
    for (size_t i = 0; set && i < set->count; i++)
        if (strcmp(set->values[i].name, "changes") != 0)
            return i;
    return SIZE_MAX;
}

static const struct kv_store *choose(const struct kv_store_options *given, struct weft_error *error)
{
    struct kv_sync sync;
    if (!given->where || given->where[0] == '\0') {
        size_t at = find_of_directory(given->set);
        if (at == SIZE_MAX)
            return &weft_kv_store_memory;
        weft_error_set(error, WEFT_ECONFIG,
                       "store 'memory' takes this option only with a directory: memory:DIR?%s=%s",
                       given->set->values[at].name, given->set->values[at].value);
        return NULL;
    }
    uint64_t bytes;
    if (kv_sync_read(&sync, given->set, error) < 0 ||
        kv_kept_snapshot_option(&bytes, given->set, error) < 0)
        return NULL;
    return sync.when == KV_SYNC_ALWAYS ? &kv_kept_late : &kv_kept_quick;
}

static int64_t repair(const struct kv_store_options *given, bool drop,
                      void (*say)(void *arg, const char *line), void *arg, struct weft_error *error)
{
    if (!given->where || given->where[0] == '\0')
        return weft_error_set(error, WEFT_ECONFIG, "a repair needs the directory: memory:DIR");
    return kv_repair(given->where, drop, say, arg, error);
}

const struct kv_store weft_kv_store_journal = {
    .name = "memory",
    .where = "DIR",
    .options = options,
    .flags = KV_STORE_MEMORY_FLAGS,
    .variant = choose,
    .repair = repair,
};
