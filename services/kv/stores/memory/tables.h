/* SPDX-License-Identifier: MIT
 *
 * The tables of the memory store: a map from names to maps. A table is made by the first write to
 * it and dropped when its last key has gone. */
#ifndef KV_STORE_TABLES_H
#define KV_STORE_TABLES_H

#include "map.h"

struct kv_table {
    struct kv_map map;
    const struct kv_entry *name; /* its entry in the index */
};

struct kv_tables {
    struct kv_map index;
    pthread_mutex_t naming;   /* whoever makes or drops a table */
    _Atomic uint64_t dropped; /* tables that were, ever */
};

/* The table that a session used last: its commands mostly have one. */
struct kv_table_cache {
    struct kv_table *table; /* NULL: none */
    uint64_t dropped;       /* the count before table was looked up: while it stands, table does */
};

/* -ENOMEM: nothing is held. fini: all tables with it; while nobody else uses them. */
WEFT_MUST_USE int kv_tables_init(struct kv_tables *tables, struct kv_pool_cache *cache);
void kv_tables_fini(struct kv_tables *tables, struct kv_pool_cache *cache);

/* kv_tables_find for a table that is not the one used last. */
struct kv_table *kv__tables_look_up(struct kv_tables *tables, struct kv_loop *worker,
                                    struct kv_table_cache *cache, struct weft_view name);

/* The table, which may be dead, or NULL; valid until the turn's end. */
static inline struct kv_table *kv_tables_find(struct kv_tables *tables, struct kv_loop *worker,
                                              struct kv_table_cache *cache, struct weft_view name)
{
    struct kv_table *last = cache->table;
    if (last && cache->dropped == atomic_load_explicit(&tables->dropped, memory_order_acquire) &&
        weft_view_equal(kv_entry_key(last->name), name))
        return last;
    return kv__tables_look_up(tables, worker, cache, name);
}

/* The table, made where it was not. -ENOMEM, -ENOSPC. */
WEFT_MUST_USE int kv_tables_make(struct kv_tables *tables, struct kv_loop *worker,
                                 struct kv_table_cache *cache, struct weft_view name,
                                 struct kv_table **table);

/* Drops a table where it is empty and memory is there to do so. */
void kv_tables_drop(struct kv_tables *tables, struct kv_loop *worker, struct kv_table *table);

#endif
