/* SPDX-License-Identifier: MIT
 *
 * The tables of the memory store: a map from names to maps. A table is made by the first write to it
 * and dropped when its last key has gone, or with all its keys (drop.h). */
#ifndef KV_STORE_TABLES_H
#define KV_STORE_TABLES_H

#include "map.h"

struct kv_table {
    struct kv_map map;                     /* first: maps of tables are cast back */
    _Atomic(const struct kv_entry *) name; /* its entry in the index; changes when that moves */
};

struct kv_tables {
    struct kv_map index;
    pthread_mutex_t naming;       /* held while a table is made or dropped */
    struct kv_directory *nowhere; /* the directory of tables that were dropped with their keys */
    _Atomic uint64_t dropped;     /* counts the tables that were dropped */
};

/* The tables that a session used last. Most sessions use one; those of Redis use two in turn, as each name may be
 * a hash or a string. */
struct kv_table_cache {
    struct kv_table *table, *other; /* NULL: none */
    uint64_t dropped; /* the count before they were looked up. While it stands, they do. */
};

/* 0 or -errno, with nothing held. kv_tables_fini frees all tables as well; nobody else may use
 * them. */
WEFT_MUST_USE int kv_tables_init(struct kv_tables *tables, struct kv_pool_cache *cache);
void kv_tables_fini(struct kv_tables *tables, struct kv_pool_cache *cache);

static inline struct weft_view kv_table_name(const struct kv_table *table)
{
    return kv_entry_key(atomic_load_explicit(&table->name, memory_order_acquire));
}

/* kv_tables_find for a table that is not in the cache. */
struct kv_table *kv__tables_look_up(struct kv_tables *tables, struct kv_loop *loop,
                                    struct kv_table_cache *cache, struct weft_view name);

/* Returns the table, which may be dead, or NULL. It is valid until the turn's end. */
static WEFT_INLINE struct kv_table *kv_tables_find(struct kv_tables *tables, struct kv_loop *loop,
                                                   struct kv_table_cache *cache,
                                                   struct weft_view name)
{
    struct kv_table *last = cache->table, *other = cache->other;
    if (last && cache->dropped == atomic_load_explicit(&tables->dropped, memory_order_acquire)) {
        if (weft_view_equal(kv_table_name(last), name))
            return last;
        if (other && weft_view_equal(kv_table_name(other), name))
            return other;
    }
    return kv__tables_look_up(tables, loop, cache, name);
}

/* Writes into a table that was not found or was dead, and makes it if it still is not there. write has the results of kv_map_put and
 * retires at most `retires` objects where the map is new. A table for which write fails does not
 * appear, so that a refused write leaves nothing behind. -ENOMEM, -ENOSPC, or what write
 * returned. */
WEFT_MUST_USE int kv_tables_write(struct kv_tables *tables, struct kv_loop *loop,
                                  struct weft_view name,
                                  int (*write)(void *arg, struct kv_map *map), void *arg,
                                  size_t retires);

/* Removes a table from the index. Its map is dead, `naming` is held, and there is room to retire the table
 * and its entry in the index. */
void kv__tables_unlink(struct kv_tables *tables, struct kv_loop *loop, struct kv_table *table);

/* Drops a table if it is empty and if there is memory to do so. */
void kv_tables_drop(struct kv_tables *tables, struct kv_loop *loop, struct kv_table *table);

#endif
