/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <sys/random.h>

#include "batch.h"
#include "sweep.h"
#include "walk.h"

struct memory {
    struct kv_shared shared;
    struct kv_tables tables;
    struct kv_sweep sweep;
};

struct memory_loop {
    struct kv_loop part;
    struct kv_sweep_loop sweep;
    struct memory *memory;
};

struct memory_session {
    struct memory_loop *loop;
    struct kv_table_cache cache;
};

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
    int err = make_seed(options->seed, &memory->shared.seed);
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
    err = kv_sweep_init(&memory->sweep, &memory->tables, &memory->shared);
    if (err < 0)
        goto err_after_tables;
    return 0;

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
    kv_sweep_fini(&memory->sweep);
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
    kv_pool_cache_init(&self->part.cache, &self->memory->shared.pool);
    kv_epoch_join(&self->memory->shared.epoch, &self->part.epoch, loop, &self->part.cache);
    kv_sweep_join(&self->memory->sweep, &self->sweep, &self->part);
    return 0;
}

static void memory_stop(void *loop_state)
{
    struct memory_loop *self = loop_state;
    kv_sweep_leave(&self->sweep);
    kv_epoch_leave(&self->part.epoch);
    kv_pool_cache_empty(&self->part.cache);
    kv_account_leave(&self->part);
}

static int memory_open(void *session, void *loop_state)
{
    struct memory_session *self = session;
    self->loop = loop_state;
    return 0;
}

/* Nothing is ever pending. */
static void memory_close(void *session)
{
    (void)session;
}

static enum kv_outcome outcome_of(int err)
{
    switch (err) {
    case 0:
        return KV_DONE;
    case -ENOSPC:
        return KV_FULL;
    case -ESTALE:
        return KV_EXPIRED;
    case -EIO:
    case -ENOTSUP:
        return KV_FAILED;
    default:
        return KV_UNAVAILABLE;
    }
}

static void tell(struct kv_item *item, const struct kv_entry *entry)
{
    item->present = entry != NULL;
    if (entry)
        item->found = kv_entry_value(entry);
}

static void tell_all(struct kv_op *op)
{
    for (size_t i = 0; i < op->count; i++)
        tell(&op->items[i], op->items[i].scratch.pointer);
}

static int get(struct memory_session *self, struct kv_op *op)
{
    struct kv_loop *loop = &self->loop->part;
    const struct kv_table *table =
        kv_tables_find(&self->loop->memory->tables, loop, &self->cache, op->table);
    int err = 0;
    if (!table) {
        for (size_t i = 0; i < op->count; i++)
            op->items[i].present = false;
    } else if (op->count == 1) {
        struct weft_view key = op->items[0].key;
        tell(&op->items[0], kv_map_get(&table->map, kv_map_hash(loop, key), key));
    } else {
        err = kv_batch_get(&table->map, loop, op->items, op->count);
        if (err == 0)
            tell_all(op);
    }
    return err;
}

/* The entries of a mset, made before anything is locked. */
static int make_entries(struct kv_loop *loop, struct kv_op *op)
{
    for (size_t i = 0; i < op->count; i++) {
        struct kv_item *item = &op->items[i];
        item->scratch.pointer = kv_entry_new(&loop->cache, item->key, &item->value);
        if (!item->scratch.pointer) {
            while (i > 0)
                kv_entry_free(op->items[--i].scratch.pointer, &loop->cache);
            return -ENOMEM;
        }
    }
    return 0;
}

struct write {
    struct kv_loop *loop;
    struct kv_op *op;
};

static WEFT_INLINE int put(void *arg, struct kv_map *map)
{
    const struct write *write = arg;
    struct kv_op *op = write->op;
    if (op->count > 1) {
        int err = kv_batch_put(map, write->loop, op->items, op->count);
        if (err == 0)
            tell_all(op);
        return err;
    }
    struct kv_item *item = &op->items[0];
    struct kv_entry *old;
    int err = kv_map_put(map, write->loop, kv_map_hash(write->loop, item->key),
                         item->scratch.pointer, &old);
    if (err == 0)
        tell(item, old);
    return err;
}

static int set(struct memory_session *self, struct kv_op *op)
{
    struct kv_loop *loop = &self->loop->part;
    kv_sweep_poll(&self->loop->sweep);
    loop->cache.refused = false;
    loop->cache.urgency = kv_account_is_low(loop->shared);
    int err = make_entries(loop, op);
    if (err < 0)
        return loop->cache.refused ? -ENOSPC : err;
    /* A new map has one segment and one directory; keys may come twice. */
    struct write write = {loop, op};
    struct kv_tables *tables = &self->loop->memory->tables;
    struct kv_table *table = kv_tables_find(tables, loop, &self->cache, op->table);
    err = table ? put(&write, &table->map) : -ESTALE;
    if (err == -ESTALE)
        err = kv_tables_write(tables, loop, op->table, put, &write, 2 * op->count + 1);
    if (err == 0)
        return 0;
    for (size_t i = 0; i < op->count; i++)
        kv_entry_free(op->items[i].scratch.pointer, &loop->cache);
    return err == -ENOMEM && loop->cache.refused ? -ENOSPC : err;
}

static int take(struct memory_session *self, struct kv_op *op, struct kv_table *table)
{
    struct kv_loop *loop = &self->loop->part;
    if (op->count > 1) {
        int err = kv_batch_remove(&table->map, loop, op->items, op->count);
        if (err == 0)
            tell_all(op);
        return err;
    }
    struct kv_item *item = &op->items[0];
    struct kv_entry *old;
    int err = kv_map_remove(&table->map, loop, kv_map_hash(loop, item->key), item->key, &old);
    if (err == 0)
        tell(item, old);
    return err;
}

static int del(struct memory_session *self, struct kv_op *op)
{
    struct kv_tables *tables = &self->loop->memory->tables;
    struct kv_loop *loop = &self->loop->part;
    kv_sweep_poll(&self->loop->sweep);
    loop->cache.urgency = 2; /* a removal gives back more than it takes */
    struct kv_table *table = kv_tables_find(tables, loop, &self->cache, op->table);
    int err = table ? take(self, op, table) : -ESTALE;
    if (err == -ESTALE) {
        /* No such table, or not any more: no such keys. */
        for (size_t i = 0; i < op->count; i++)
            op->items[i].present = false;
        return 0;
    }
    if (err == 0 && kv_map_is_empty(&table->map))
        kv_tables_drop(tables, loop, table);
    return err;
}

static int walk(struct memory_session *self, struct kv_op *op)
{
    struct kv_loop *loop = &self->loop->part;
    const struct kv_table *table =
        kv_tables_find(&self->loop->memory->tables, loop, &self->cache, op->table);
    return kv_walk(table ? &table->map : NULL, loop, op);
}

static void memory_submit(void *session, struct kv_op *op)
{
    int err = 0;
    switch (op->kind) {
    case KV_MGET:
    case KV_MEXIST:
        err = get(session, op);
        break;
    case KV_MSET:
        err = set(session, op);
        break;
    case KV_MDEL:
        err = del(session, op);
        break;
    case KV_WALK:
        err = walk(session, op);
        break;
    case KV_MUPDATE:
    case KV_TABLES:
    case KV_COUNT:
    case KV_DROP:
        err = -ENOTSUP;
        break;
    }
    op->done(op, outcome_of(err));
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

/* Adds the shape of one map; index tells that its entries show tables. */
static void add_shape(const struct kv_map *map, bool index, struct kv_memory_shape *shape)
{
    const struct kv_directory *directory = kv_map_directory(map);
    uint64_t first = 0;
    shape->directories += (size_t)1 << directory->depth;
    do {
        const struct kv_segment *segment = kv_directory_segment(directory, first);
        shape->segments++;
        shape->slots += segment->slot_count;
        for (uint32_t i = 0; i < segment->slot_count; i++) {
            const struct kv_entry *entry = kv_segment_entry(atomic_load(&segment->slots[i]));
            if (!entry)
                continue;
            if (index)
                add_shape(&((struct kv_table *)kv_entry_reference(entry))->map, false, shape);
            shape->tables += index;
            shape->entries += !index;
        }
        first = kv_segment_end(segment);
    } while (first != 0);
}

void kv_store_memory_shape(const void *store, struct kv_memory_shape *shape)
{
    const struct memory *memory = store;
    *shape = (struct kv_memory_shape){.used = atomic_load(&memory->shared.used)};
    for (const struct kv_epoch_loop *loop = memory->shared.epoch.loops; loop; loop = loop->next)
        shape->used -= ((const struct kv_loop *)loop)->credit;
    add_shape(&memory->tables.index, true, shape);
}

const struct kv_store weft_kv_store_memory = {
    .name = "memory",
    .flags = KV_STORE_MEMORY_FLAGS | KV_STORE_INLINE,
    .store_size = sizeof(struct memory),
    .loop_size = sizeof(struct memory_loop),
    .session_size = sizeof(struct memory_session),
    .init = memory_init,
    .fini = memory_fini,
    .start = memory_start,
    .stop = memory_stop,
    .open = memory_open,
    .close = memory_close,
    .submit = memory_submit,
};
