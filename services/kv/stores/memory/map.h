/* SPDX-License-Identifier: MIT
 *
 * A map: key -> entry, by extendible hashing (Fagin et al., 1979). The top bits of a key's hash
 * index a directory of segments; a segment that grows too large splits in two, and the directory
 * doubles where it must. So no step is longer than one segment, or one copy of the directory.
 *
 * Reads take no lock and write nothing that is shared. A writer locks the segments it touches, in
 * the order of their hashes; replacing segments and directories is one thread's at a time, under
 * `growing`, which nobody waits for while holding a segment. */
#ifndef KV_STORE_MAP_H
#define KV_STORE_MAP_H

#include <pthread.h>

#include "epoch.h"
#include "segment.h"
#include "siphash.h"

/* What all maps of a store have in common. */
struct kv_shared {
    struct kv_hash_seed seed;
    struct kv_epoch epoch;
    struct kv_pool pool;
    pthread_mutex_t growing;
    _Atomic int64_t used; /* heap bytes, but for what the workers have not told yet */
    int64_t max_used;     /* 0: any */
};

/* One loop's part. */
struct kv_loop {
    struct kv_epoch_loop epoch;
    struct kv_pool_cache cache;
    struct kv_shared *shared;
    int64_t untold; /* heap bytes to be added to shared->used */
};

struct kv_directory {
    uint32_t depth; /* bits of a hash that index it */
    uint32_t full;  /* segments that are as deep as it; under `growing` */
    _Atomic(struct kv_segment *) segments[];
};

struct kv_map {
    _Atomic(struct kv_directory *) directory;
    void (*drop)(void *entry, void *cache); /* how its entries are freed */
    _Atomic bool dead;                      /* dropped while empty: look for another */
};

/* -ENOMEM: nothing is held. Nobody accounts for its heap_size_min. */
WEFT_MUST_USE int kv_map_init(struct kv_map *map, struct kv_pool_cache *cache,
                              void (*drop)(void *entry, void *cache));

int64_t kv_map_heap_size_min(void);

/* Frees everything at once. While nobody else uses the map. */
void kv_map_fini(struct kv_map *map, struct kv_pool_cache *cache);

static inline uint64_t kv_map_hash(const struct kv_loop *worker, struct weft_view key)
{
    return kv_hash(&worker->shared->seed, key);
}

/* The segment that hash belongs to, or did a moment ago. */
static inline struct kv_segment *kv_directory_segment(const struct kv_directory *directory,
                                                      uint64_t hash)
{
    size_t i = directory->depth == 0 ? 0 : hash >> (64 - directory->depth);
    return atomic_load_explicit(&directory->segments[i], memory_order_acquire);
}

static inline struct kv_segment *kv_map_segment(const struct kv_map *map, uint64_t hash)
{
    return kv_directory_segment(atomic_load_explicit(&map->directory, memory_order_acquire), hash);
}

/* A dead map stays one. What is dead and was read as such has been empty since. */
static inline bool kv_map_is_dead(const struct kv_map *map)
{
    return atomic_load_explicit(&map->dead, memory_order_acquire);
}

/* As of a moment ago: no entries, and as small as maps are. */
static inline bool kv_map_is_empty(const struct kv_map *map)
{
    const struct kv_segment *segment = kv_map_segment(map, 0);
    return segment->depth == 0 && kv_segment_live(segment) == 0;
}

/* The entry of key, or NULL; valid until the turn's end, as those below. No entry is seen that a
 * batch is still putting. */
struct kv_entry *kv_map_get(const struct kv_map *map, uint64_t hash, struct weft_view key);

/* The writers below answer -ESTALE where the map is dead; then, as after every error, nothing has
 * changed. What they take out is retired. */

/* Puts entry in; *old is what it replaces, or NULL. -ENOMEM; -ENOSPC: over max_used. */
WEFT_MUST_USE int kv_map_put(struct kv_map *map, struct kv_loop *worker, uint64_t hash,
                             struct kv_entry *entry, struct kv_entry **old);

/* Takes out the entry of key; *old is it, or NULL. -ENOMEM. */
WEFT_MUST_USE int kv_map_remove(struct kv_map *map, struct kv_loop *worker, uint64_t hash,
                                struct weft_view key, struct kv_entry **old);

/* Makes room for count keys more where hash belongs. Holding no segment. Has to be called again
 * until there is enough. -ENOMEM. */
WEFT_MUST_USE int kv_map_grow(struct kv_map *map, struct kv_loop *worker, uint64_t hash,
                              size_t count);

/* Gives memory back where hash belongs, if there is some to give and if it can. */
void kv_map_shrink(struct kv_map *map, struct kv_loop *worker, uint64_t hash);

/* Makes a map dead that is empty and as small as maps are, and retires what it holds. -EBUSY: it is
 * not; -ENOMEM. */
WEFT_MUST_USE int kv_map_kill(struct kv_map *map, struct kv_loop *worker);

/* Heap bytes were taken, or (below zero) given back. */
void kv_loop_account(struct kv_loop *worker, int64_t bytes);

/* Whether so many more are allowed. Exact to some KiB a loop. */
bool kv_loop_may_take(const struct kv_loop *worker, int64_t bytes);

#endif
