/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <sys/random.h>

#include "memory_private.h"

static int make_seed(const uint8_t *given, struct kv_hash_seed *seed)
{
    uint8_t bytes[16];
    if (given) {
        *seed = kv_hash_seed_from_bytes(given);
        return 0;
    }
    /* Up to 256 bytes come whole or not at all. */
    ssize_t n;
    do
        n = getrandom(bytes, sizeof bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *seed = kv_hash_seed_from_bytes(bytes);
    return 0;
}

static int memory_init(void *store, const struct kv_store_options *options,
                       struct weft_error *error)
{
    struct memory *memory = store;
    size_t limit;
    int err = kv_trail_option(&limit, options->set, error);
    if (err < 0)
        return err;
    err = make_seed(options->seed, &memory->shared.seed);
    if (err < 0)
        return weft_error_set(error, err, "memory store: no random seed: %s", weft_strerror(err));
    err = kv_pool_init(&memory->shared.pool);
    if (err < 0)
        return weft_error_set(error, err, "memory store: %s", weft_strerror(err));
    struct kv_pool_cache cache;
    kv_pool_cache_init(&cache, &memory->shared.pool);
    err = kv_tables_init(&memory->tables, &cache);
    kv_pool_cache_empty(&cache);
    if (err < 0)
        goto err_after_pool;
    kv_epoch_init(&memory->shared.epoch);
    uint64_t max = options->max_memory;
    kv_account_init(&memory->shared, max > INT64_MAX ? INT64_MAX : (int64_t)max);
    err = kv_trail_init(&memory->shared.trail, limit);
    if (err < 0)
        goto err_after_tables;
    err = kv_sweep_init(&memory->sweep, &memory->tables, &memory->shared);
    if (err < 0)
        goto err_after_trail;
    kv_expiry_init(&memory->expiry, &memory->tables, &memory->shared);
    kv_counter_join(&memory->counter, &memory->tables, &memory->shared);
    return 0;

err_after_trail:
    kv_trail_fini(&memory->shared.trail);

err_after_tables:
    kv_tables_fini(&memory->tables, &cache);
    kv_pool_cache_empty(&cache);

err_after_pool:
    kv_pool_fini(&memory->shared.pool);
    return weft_error_set(error, err, "memory store: %s", weft_strerror(err));
}

static void memory_fini(void *store)
{
    struct memory *memory = store;
    struct kv_pool_cache cache;
    kv_counter_leave(&memory->counter);
    kv_sweep_fini(&memory->sweep);
    kv_trail_fini(&memory->shared.trail);
    kv_pool_cache_init(&cache, &memory->shared.pool);
    kv_tables_fini(&memory->tables, &cache);
    kv_pool_cache_empty(&cache);
    kv_pool_fini(&memory->shared.pool);
}

static int memory_start(void *loop_state, void *store, struct weft_loop *loop)
{
    struct memory_loop *self = loop_state;
    self->memory = store;
    self->part.shared = &self->memory->shared;
    self->part.watch = self->memory->shared.watch;
    atomic_init(&self->part.watched, self->part.watch != NULL);
    if (loop)
        kv_trail_join(&self->memory->shared.trail, &self->part.trail, loop, &self->part.watched,
                      self->part.watch != NULL);
    kv_pool_cache_init(&self->part.cache, &self->memory->shared.pool);
    kv_epoch_join(&self->memory->shared.epoch, &self->part.epoch, loop, &self->part.cache);
    kv_sweep_join(&self->memory->sweep, &self->sweep, &self->part);
    kv_expiry_join(&self->memory->expiry, &self->expiry, &self->part);
    kv_drop_join(&self->drop, &self->part);
    return 0;
}

static void memory_stop(void *loop_state)
{
    struct memory_loop *self = loop_state;
    if (self->part.trail.trail)
        kv_trail_leave(&self->part.trail);
    kv_expiry_leave(&self->expiry);
    kv_sweep_leave(&self->sweep);
    kv_epoch_leave(&self->part.epoch);
    kv_drop_leave(&self->drop);
    kv_pool_cache_empty(&self->part.cache);
    kv_account_leave(&self->part);
}

static int memory_open(void *session, void *loop_state)
{
    struct memory_session *self = session;
    self->loop = loop_state;
    return 0;
}

int kv_store_memory_follow(void *session, struct kv_follow *follow)
{
    struct memory_session *self = session;
    return kv_trail_follow(&self->loop->part.trail, follow);
}

void kv_store_memory_unfollow(void *session, struct kv_follow *follow)
{
    (void)session;
    kv_trail_unfollow(follow);
}

int kv_store_memory_next_change(void *session, struct kv_follow *follow, struct kv_change *change)
{
    (void)session;
    return kv_trail_next(follow, change);
}

/* Nothing is ever pending. */
static void memory_close(void *session)
{
    (void)session;
}

int64_t kv_store_memory_used(const void *store)
{
    const struct memory *memory = store;
    return atomic_load(&memory->shared.used);
}

int64_t kv_store_memory_resident(const void *store)
{
    const struct memory *memory = store;
    return atomic_load(&memory->shared.pool.resident);
}

void kv_store_memory_collect(void *store, struct weft_samples *samples)
{
    static const struct weft_metric used = {"weft_store_memory_bytes", "bytes",
                                            "Memory of the values, as max-memory counts it",
                                            WEFT_GAUGE},
                                    resident = {"weft_store_resident_bytes", "bytes",
                                                "Memory that the store has from the system",
                                                WEFT_GAUGE},
                                    limit = {"weft_store_limit_bytes", "bytes",
                                             "max-memory; 0: there is no limit", WEFT_GAUGE},
                                    entries = {"weft_store_entries", NULL,
                                               "Keys of all tables, with those that have expired "
                                               "and were not removed yet",
                                               WEFT_GAUGE};
    struct memory *memory = store;
    weft_samples_add(samples, &used, NULL, 0, (double)kv_store_memory_used(store));
    weft_samples_add(samples, &resident, NULL, 0, (double)kv_store_memory_resident(store));
    weft_samples_add(samples, &limit, NULL, 0, (double)memory->shared.max_used);
    weft_samples_add(samples, &entries, NULL, 0, (double)kv_counter_run(&memory->counter));
}

struct kv_shared *kv_store_memory_shared(void *store)
{
    return &((struct memory *)store)->shared;
}

struct kv_tables *kv_store_memory_tables(void *store)
{
    return &((struct memory *)store)->tables;
}

struct kv_loop *kv_store_memory_part(void *loop_state)
{
    return &((struct memory_loop *)loop_state)->part;
}

static const struct weft_option options[] = {KV_TRAIL_OPTION, {.name = NULL}};

const struct kv_store weft_kv_store_memory = {
    .name = "memory",
    .options = options,
    .flags = KV_STORE_MEMORY_FLAGS | KV_STORE_INLINE,
    .store_size = sizeof(struct memory),
    .loop_size = sizeof(struct memory_loop),
    .session_size = sizeof(struct memory_session),
    .init = memory_init,
    .fini = memory_fini,
    .collect = kv_store_memory_collect,
    .start = memory_start,
    .stop = memory_stop,
    .open = memory_open,
    .close = memory_close,
    .submit = kv__memory_submit,
    .follow = kv_store_memory_follow,
    .unfollow = kv_store_memory_unfollow,
    .next_change = kv_store_memory_next_change,
};
