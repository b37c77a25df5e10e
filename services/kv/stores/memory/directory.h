/* SPDX-License-Identifier: MIT
 *
 * The shape of a map: a directory of segments, and how segments merge and maps die. The algorithm
 * is described at the top of directory.c; map.h has the operations on one key. */
#ifndef KV_STORE_DIRECTORY_H
#define KV_STORE_DIRECTORY_H

#include "segment.h"
#include "shared.h"

struct kv_directory {
    uint32_t depth; /* bits of a hash that index it */
    uint32_t full;  /* segments that are as deep as the directory; guarded by `growing` */
    _Atomic(struct kv_segment *) segments[];
};

struct kv_map {
    _Atomic(struct kv_directory *) directory;
    pthread_mutex_t growing;                /* held while segments or directories are replaced */
    void (*drop)(void *entry, void *cache); /* frees an entry */
    _Atomic bool dead;                      /* the map was dropped: look for another */
    _Atomic int64_t due; /* at most the `due` of each segment, but while a tour passes (expiry.c) */
};

enum { KV_DEPTH_MAX = 40 }; /* no table reaches it: the bits below place an entry in its segment */

/* 0 or -errno, with nothing held. The caller accounts for kv_map_heap_size_min bytes. */
WEFT_MUST_USE int kv_map_init(struct kv_map *map, struct kv_pool_cache *cache,
                              void (*drop)(void *entry, void *cache));

int64_t kv_map_heap_size_min(void);

/* Frees the map and its entries at once. Nobody else may use the map. */
void kv_map_fini(struct kv_map *map, struct kv_pool_cache *cache);

/* Ends a dead map, whose segments and directory went before. */
void kv_map_fini_dead(struct kv_map *map);

static inline uint64_t kv_map_hash(const struct kv_loop *loop, struct weft_view key)
{
    return kv_hash(&loop->shared->seed, key);
}

static inline struct kv_directory *kv_map_directory(const struct kv_map *map)
{
    return atomic_load_explicit(&map->directory, memory_order_acquire);
}

/* The segment that hash belongs to, or belonged to a moment ago. */
static inline struct kv_segment *kv_directory_segment(const struct kv_directory *directory,
                                                      uint64_t hash)
{
    size_t i = directory->depth == 0 ? 0 : hash >> (64 - directory->depth);
    return atomic_load_explicit(&directory->segments[i], memory_order_acquire);
}

static inline struct kv_segment *kv_map_segment(const struct kv_map *map, uint64_t hash)
{
    return kv_directory_segment(kv_map_directory(map), hash);
}

/* True if the map was dropped. It stays dead, and has no entries. */
static inline bool kv_map_is_dead(const struct kv_map *map)
{
    return atomic_load_explicit(&map->dead, memory_order_acquire);
}

/* True if the map had no entries and its smallest shape a moment ago. */
static inline bool kv_map_is_empty(const struct kv_map *map)
{
    const struct kv_segment *segment = kv_map_segment(map, 0);
    return segment->depth == 0 && kv_segment_live(segment) == 0;
}

static inline int64_t kv_map_due(const struct kv_map *map)
{
    return atomic_load(&map->due);
}

/* Sets a `due` to this time if that is earlier. Any thread. */
void kv_note_due(_Atomic int64_t *due, int64_t time);

/* Returns the number of entries. If others write, it may be of several moments. */
uint64_t kv_map_count(const struct kv_map *map);

/* The functions down to kv_segment_retire are called with `growing` held, the others without. */

/* Returns a copy of the directory, indexed by `depth` bits; `full` is 0. NULL: no memory. */
WEFT_MUST_USE struct kv_directory *
kv_directory_resized(struct kv_pool_cache *cache, const struct kv_directory *old, uint32_t depth);
/* It has the type of kv_epoch_retire's drop. */
void kv_directory_free(void *directory, void *cache);
int64_t kv_directory_heap_size(uint32_t depth);

/* Shows segment wherever its hashes are looked up in directory. */
void kv_directory_set(struct kv_directory *directory, struct kv_segment *segment);

/* Replaces the map's directory and retires the old one; room for it must have been reserved. */
void kv_map_publish(struct kv_map *map, struct kv_loop *loop, struct kv_directory *fresh);

/* Kills a locked segment and retires it. The segments that replace it must have been published:
 * whoever finds it dead looks into the directory again. */
void kv_segment_retire(struct kv_segment *segment, struct kv_loop *loop);

/* Gives memory back where hash belongs: merges the segment with its sibling as often as the two are
 * sparse, halves the directory as often as nothing needs its last bit, and makes a sparse segment
 * smaller. Does less where memory for the smaller shape lacks. */
void kv_map_shrink(struct kv_map *map, struct kv_loop *loop, uint64_t hash);

/* Moves the segment of hash and the directory to other blocks, if the pool wants that and if there
 * is memory. */
void kv_map_move(struct kv_map *map, struct kv_loop *loop, uint64_t hash);

/* Returns the directory of a map that is dead, which leads to one dead segment, or NULL. */
WEFT_MUST_USE struct kv_directory *kv_directory_nowhere(struct kv_pool_cache *cache);
void kv_directory_nowhere_free(struct kv_directory *nowhere, struct kv_pool_cache *cache);

/* Marks a map dead if it is empty and of the smallest shape, and retires what it holds. -EBUSY: it
 * is not empty; -ENOMEM. */
WEFT_MUST_USE int kv_map_kill(struct kv_map *map, struct kv_loop *loop);

#endif
