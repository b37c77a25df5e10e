/* SPDX-License-Identifier: MIT */
#include "tables.h"

#include <errno.h>

#include "core/base/mem.h"
#include "rebuild.h"
#include "watch.h"

int kv_tables_init(struct kv_tables *tables, struct kv_pool_cache *cache)
{
    int err = kv_map_init(&tables->index, cache, kv_entry_free_index);
    if (err < 0)
        return err;
    err = -ENOMEM;
    tables->nowhere = kv_directory_nowhere(cache);
    if (!tables->nowhere)
        goto err_after_index;
    err = -pthread_mutex_init(&tables->naming, NULL);
    if (err < 0)
        goto err_after_nowhere;
    atomic_init(&tables->dropped, 0);
    return 0;

err_after_nowhere:
    kv_directory_nowhere_free(tables->nowhere, cache);
err_after_index:
    kv_map_fini(&tables->index, cache);
    return err;
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
    kv_directory_nowhere_free(tables->nowhere, cache);
    pthread_mutex_destroy(&tables->naming);
}

static struct kv_table *look_up(const struct kv_tables *tables, const struct kv_loop *loop,
                                struct weft_view name)
{
    const struct kv_entry *entry = kv_map_get(&tables->index, kv_map_hash(loop, name), name);
    return entry ? kv_entry_reference(entry) : NULL;
}

struct kv_table *kv__tables_look_up(struct kv_tables *tables, struct kv_loop *loop,
                                    struct kv_table_cache *cache, struct weft_view name)
{
    /* The count is read first, so that a table dropped during the look-up does not stay in the
     * cache. */
    uint64_t dropped = atomic_load_explicit(&tables->dropped, memory_order_acquire);
    if (dropped != cache->dropped)
        *cache = (struct kv_table_cache){.dropped = dropped};
    struct kv_table *table = look_up(tables, loop, name);
    if (table) {
        cache->other = cache->table;
        cache->table = table;
    }
    return table;
}

/* Frees a table that nobody has seen. */
static void free_table(struct kv_table *table, struct kv_loop *loop)
{
    kv_map_fini(&table->map, &loop->cache);
    weft_free(table);
}

static int64_t heap_size_min(void)
{
    return (int64_t)kv_heap_size(sizeof(struct kv_table)) + kv_map_heap_size_min();
}

/* -ENOMEM, -ENOSPC: nothing is held. */
static int new_table(struct kv_loop *loop, struct kv_table **made)
{
    if (!kv_account_take(loop, heap_size_min()))
        return -ENOSPC;
    int err = -ENOMEM;
    struct kv_table *table = weft_malloc(sizeof *table);
    if (!table)
        goto err_after_account;
    err = kv_map_init(&table->map, &loop->cache, kv_entry_free);
    if (err < 0)
        goto err_after_table;
    *made = table;
    return 0;

err_after_table:
    weft_free(table);
err_after_account:
    kv_account_give(loop, heap_size_min());
    return err;
}

/* Makes a table, writes into it and then puts it into the index, where its name must not be. The
 * index is made ready first: after the write nothing may fail. */
static int make(struct kv_tables *tables, struct kv_loop *loop, struct weft_view name,
                int (*write)(void *arg, struct kv_map *map), void *arg)
{
    struct kv_table *table = NULL;
    struct kv_rebuild rebuild;
    int err = new_table(loop, &table);
    if (err < 0)
        return err;
    struct kv_entry *entry = kv_entry_new_index(&loop->cache, name, table);
    err = -ENOMEM;
    if (!entry)
        goto err_after_table;
    atomic_init(&table->name, entry);
    struct kv_item item = {.key = name};
    struct kv_touch touch = {.hash = kv_map_hash(loop, name), .item = &item, .fresh = entry};
    err = kv_rebuild_begin(&rebuild, &tables->index, loop, NULL, &touch, 1);
    if (err < 0)
        goto err_after_entry;
    err = write(arg, &table->map);
    if (err < 0)
        goto err_after_begin;
    kv_rebuild_commit(&rebuild);
    return 0;

err_after_begin:
    kv_rebuild_cancel(&rebuild);
err_after_entry:
    kv_entry_free_index(entry, &loop->cache);
err_after_table:
    free_table(table, loop);
    kv_account_give(loop, heap_size_min());
    return err;
}

int kv_tables_write(struct kv_tables *tables, struct kv_loop *loop, struct weft_view name,
                    int (*write)(void *arg, struct kv_map *map), void *arg, size_t retires)
{
    int err;
    do {
        pthread_mutex_lock(&tables->naming);
        /* A dead table is gone from the index when whoever drops it has let go of the lock. */
        struct kv_table *table = look_up(tables, loop, name);
        err = 0;
        if (!table) {
            /* The index retires a segment and a directory. */
            err = kv_epoch_reserve(&loop->epoch, retires + 3);
            unsigned before = kv__watch_before(loop);
            if (err == 0)
                err = make(tables, loop, name, write, arg);
            kv__watch_after(loop, before);
        }
        pthread_mutex_unlock(&tables->naming);
        if (table)
            err = write(arg, &table->map);
    } while (err == -ESTALE);
    return err;
}

static void drop_table(void *object, void *cache)
{
    struct kv_table *table = object;
    (void)cache;
    kv_map_fini_dead(&table->map);
    weft_free(table);
}

void kv__tables_unlink(struct kv_tables *tables, struct kv_loop *loop, struct kv_table *table)
{
    kv_account_give(loop, (int64_t)kv_heap_size(sizeof *table));
    kv_epoch_retire(&loop->epoch, table, drop_table);
    struct weft_view name = kv_table_name(table);
    struct kv_entry *old;
    /* It returns 0: the room is reserved, and the index is never dead. */
    int err = kv_map_remove(&tables->index, loop, kv_map_hash(loop, name), name, &old);
    (void)err;
    atomic_fetch_add_explicit(&tables->dropped, 1, memory_order_release);
}

void kv_tables_drop(struct kv_tables *tables, struct kv_loop *loop, struct kv_table *table)
{
    pthread_mutex_lock(&tables->naming);
    /* There must be room for the map's two, the table, and its entry in the index: from the kill on
     * nothing may fail. */
    if (!kv_map_is_dead(&table->map) && kv_epoch_reserve(&loop->epoch, 4) == 0 &&
        kv_map_kill(&table->map, loop) == 0)
        kv__tables_unlink(tables, loop, table);
    pthread_mutex_unlock(&tables->naming);
}
