/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include <errno.h>

#include "core/base/mem.h"

int kv_tables_init(struct kv_tables *tables, struct kv_pool_cache *cache)
{
    int err = kv_map_init(&tables->index, cache, kv_entry_free_index);
    if (err < 0)
        return err;
    err = pthread_mutex_init(&tables->naming, NULL);
    if (err != 0) {
        kv_map_fini(&tables->index, cache);
        return -err;
    }
    atomic_init(&tables->dropped, 0);
    return 0;
}

static void free_with_table(void *entry, void *cache)
{
    struct kv_table *table = kv_entry_reference(entry);
    kv_map_fini(&table->map, cache);
    weft_free(table);
    kv_entry_free_index(entry, cache);
}

void kv_tables_fini(struct kv_tables *tables, struct kv_pool_cache *cache)
{
    tables->index.drop = free_with_table;
    kv_map_fini(&tables->index, cache);
    pthread_mutex_destroy(&tables->naming);
}

static struct kv_table *look_up(const struct kv_tables *tables, const struct kv_loop *worker,
                                struct weft_view name)
{
    const struct kv_entry *entry = kv_map_get(&tables->index, kv_map_hash(worker, name), name);
    return entry ? kv_entry_reference(entry) : NULL;
}

struct kv_table *kv__tables_look_up(struct kv_tables *tables, struct kv_loop *worker,
                                    struct kv_table_cache *cache, struct weft_view name)
{
    /* Counted first: what is dropped while it is looked up does not stay in the cache. */
    cache->dropped = atomic_load_explicit(&tables->dropped, memory_order_acquire);
    cache->table = look_up(tables, worker, name);
    return cache->table;
}

/* Makes a table and puts it into the index, where its name must not be. */
static int make(struct kv_tables *tables, struct kv_loop *worker, struct weft_view name,
                struct kv_table **made)
{
    int err = -ENOMEM;
    struct kv_table *table = weft_malloc(sizeof *table);
    if (!table)
        return err;
    struct kv_entry *entry = kv_entry_new_index(&worker->cache, name, table);
    if (!entry)
        goto err_after_table;
    err = kv_map_init(&table->map, &worker->cache, kv_entry_free);
    if (err < 0)
        goto err_after_entry;
    table->name = entry;
    struct kv_entry *old;
    err = kv_map_put(&tables->index, worker, kv_map_hash(worker, name), entry, &old);
    if (err < 0)
        goto err_after_map;
    kv_loop_account(worker, (int64_t)kv_heap_size(sizeof *table) + kv_map_heap_size_min());
    *made = table;
    return 0;

err_after_map:
    kv_map_fini(&table->map, &worker->cache);
err_after_entry:
    kv_entry_free_index(entry, &worker->cache);
err_after_table:
    weft_free(table);
    return err;
}

int kv_tables_make(struct kv_tables *tables, struct kv_loop *worker, struct kv_table_cache *cache,
                   struct weft_view name, struct kv_table **table)
{
    *table = kv_tables_find(tables, worker, cache, name);
    if (*table && !kv_map_is_dead(&(*table)->map))
        return 0;
    int err = 0;
    pthread_mutex_lock(&tables->naming);
    /* A dead one is gone from the index as soon as whoever drops it has let go of the lock. */
    *table = look_up(tables, worker, name);
    if (!*table)
        err = make(tables, worker, name, table);
    pthread_mutex_unlock(&tables->naming);
    return err;
}

void kv_tables_drop(struct kv_tables *tables, struct kv_loop *worker, struct kv_table *table)
{
    pthread_mutex_lock(&tables->naming);
    /* Room for the map's two, the table, and its entry in the index: from the kill on nothing may
     * fail. */
    if (kv_map_is_dead(&table->map) || kv_epoch_reserve(&worker->epoch, 4) < 0 ||
        kv_map_kill(&table->map, worker) < 0)
        goto out;
    kv_epoch_retire_memory(&worker->epoch, table);
    kv_loop_account(worker, -(int64_t)kv_heap_size(sizeof *table));
    struct weft_view name = kv_entry_key(table->name);
    struct kv_entry *old;
    int err = kv_map_remove(&tables->index, worker, kv_map_hash(worker, name), name, &old);
    (void)err; /* 0: its room is reserved, and the index is never dead */
    atomic_fetch_add_explicit(&tables->dropped, 1, memory_order_release);
out:
    pthread_mutex_unlock(&tables->naming);
}
