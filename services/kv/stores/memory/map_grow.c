/* SPDX-License-Identifier: MIT
 *
 * How a map changes its shape: segments are replaced, split and merged, directories doubled and
 * halved. Everything new is made before anything changes; the old is retired. Entries stay where
 * they are in memory. */
#include <errno.h>

#include "core/base/mem.h"
#include "map.h"

enum {
    /* Two merged segments are at most half full of what a segment may be, so that the next writes
     * do not split them again. */
    MERGED_SLOTS_MAX = KV_SEGMENT_SLOTS_MAX / 2,
    DEPTH_MAX = 40, /* no table reaches it; the bits below place an entry in its segment */
    PREFETCH = 8,
};

static struct kv_directory *directory_new(uint32_t depth)
{
    struct kv_directory *directory =
        weft_malloc(sizeof *directory + ((size_t)1 << depth) * sizeof(struct kv_segment *));
    if (!directory)
        return NULL;
    directory->depth = depth;
    directory->full = 0;
    return directory;
}

static int64_t directory_heap_size(uint32_t depth)
{
    return (int64_t)kv_heap_size(sizeof(struct kv_directory) +
                                 ((size_t)1 << depth) * sizeof(struct kv_segment *));
}

int64_t kv_map_heap_size_min(void)
{
    return directory_heap_size(0) + (int64_t)kv_segment_heap_size_for(KV_SEGMENT_SLOTS_MIN);
}

int kv_map_init(struct kv_map *map, struct kv_pool_cache *cache,
                void (*drop)(void *entry, void *cache))
{
    struct kv_directory *directory = directory_new(0);
    if (!directory)
        return -ENOMEM;
    struct kv_segment *segment = kv_segment_new(cache, 0, 0, KV_SEGMENT_SLOTS_MIN);
    if (!segment) {
        weft_free(directory);
        return -ENOMEM;
    }
    directory->full = 1;
    atomic_init(&directory->segments[0], segment);
    atomic_init(&map->directory, directory);
    atomic_init(&map->dead, false);
    map->drop = drop;
    return 0;
}

void kv_map_fini(struct kv_map *map, struct kv_pool_cache *cache)
{
    struct kv_directory *directory = atomic_load(&map->directory);
    uint64_t first = 0;
    do {
        struct kv_segment *segment = kv_directory_segment(directory, first);
        for (uint32_t i = 0; i < segment->slot_count; i++) {
            struct kv_entry *entry = kv_segment_entry(atomic_load(&segment->slots[i]));
            if (entry)
                map->drop(entry, cache);
        }
        first = kv_segment_end(segment);
        kv_segment_free(segment, cache);
    } while (first != 0);
    weft_free(directory);
}

/* The directory after one more bit, or one fewer, has come to index it. NULL: no memory. */
static struct kv_directory *directory_resized(const struct kv_directory *old, uint32_t depth)
{
    struct kv_directory *directory = directory_new(depth);
    if (!directory)
        return NULL;
    size_t count = (size_t)1 << depth;
    for (size_t i = 0; i < count; i++) {
        size_t from = depth > old->depth ? i >> 1 : i << 1;
        atomic_init(&directory->segments[i],
                    atomic_load_explicit(&old->segments[from], memory_order_relaxed));
    }
    return directory;
}

static void publish_directory(struct kv_map *map, struct kv_loop *worker,
                              struct kv_directory *fresh)
{
    struct kv_directory *old = atomic_load_explicit(&map->directory, memory_order_relaxed);
    atomic_store_explicit(&map->directory, fresh, memory_order_release);
    kv_loop_account(worker, directory_heap_size(fresh->depth) - directory_heap_size(old->depth));
    kv_epoch_retire_memory(&worker->epoch, old);
}

static void publish_segment(struct kv_directory *directory, struct kv_loop *worker,
                            struct kv_segment *fresh)
{
    size_t begin = directory->depth == 0 ? 0 : fresh->first >> (64 - directory->depth);
    size_t count = (size_t)1 << (directory->depth - fresh->depth);
    for (size_t i = begin; i < begin + count; i++)
        atomic_store_explicit(&directory->segments[i], fresh, memory_order_release);
    kv_loop_account(worker, (int64_t)kv_segment_heap_size_for(fresh->slot_count));
}

/* After what replaces it has been published: who finds it dead looks into the directory again. */
static void retire_segment(struct kv_segment *segment, struct kv_loop *worker)
{
    kv_segment_kill(segment);
    kv_loop_account(worker, -(int64_t)kv_segment_heap_size_for(segment->slot_count));
    kv_epoch_retire(&worker->epoch, segment, kv_segment_free);
}

static void adopt_all(struct kv_segment *fresh, const struct kv_segment *old)
{
    for (uint32_t i = 0; i < old->slot_count; i++) {
        uint64_t slot = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (kv_segment_entry(slot))
            kv_segment_adopt(fresh, slot);
    }
}

static int replace(struct kv_map *map, struct kv_loop *worker, struct kv_segment *segment,
                   size_t slot_count)
{
    struct kv_segment *fresh =
        kv_segment_new(&worker->cache, segment->first, segment->depth, (uint32_t)slot_count);
    if (!fresh)
        return -ENOMEM;
    adopt_all(fresh, segment);
    publish_segment(atomic_load_explicit(&map->directory, memory_order_relaxed), worker, fresh);
    retire_segment(segment, worker);
    return 0;
}

/* Which entries of a segment belong to the upper of its halves, one bit a slot. The hashes have to
 * be made again from the keys, so the entries are fetched ahead. Returns how many do. */
static size_t mark_upper(const struct kv_segment *segment, const struct kv_loop *worker,
                         uint64_t *upper)
{
    size_t count = 0;
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        if (i + PREFETCH < segment->slot_count)
            __builtin_prefetch(kv_segment_entry(
                atomic_load_explicit(&segment->slots[i + PREFETCH], memory_order_relaxed)));
        const struct kv_entry *entry =
            kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_relaxed));
        if (!entry)
            continue;
        uint64_t bit = kv_map_hash(worker, kv_entry_key(entry)) >> (63 - segment->depth) & 1;
        upper[i / 64] |= bit << i % 64;
        count += bit;
    }
    return count;
}

/* All entries may go to one half, where they have less room to grow than elsewhere, and are split
 * again. */
static uint32_t slots_of_half(size_t live)
{
    size_t slots = kv_segment_slots_for(live);
    return (uint32_t)(slots < KV_SEGMENT_SLOTS_MAX ? slots : KV_SEGMENT_SLOTS_MAX);
}

static int split(struct kv_map *map, struct kv_loop *worker, struct kv_segment *segment)
{
    struct kv_directory *directory = atomic_load_explicit(&map->directory, memory_order_relaxed);
    struct kv_directory *doubled = NULL;
    if (segment->depth == DEPTH_MAX)
        return -ENOMEM;
    if (segment->depth == directory->depth) {
        doubled = directory_resized(directory, directory->depth + 1);
        if (!doubled)
            return -ENOMEM;
        directory = doubled;
    }

    uint64_t upper[(KV_SEGMENT_SLOTS_MAX + 63) / 64] = {0};
    size_t upper_count = mark_upper(segment, worker, upper);
    uint32_t depth = segment->depth + 1;
    struct kv_segment *halves[2];
    halves[0] = kv_segment_new(&worker->cache, segment->first, depth,
                               slots_of_half(kv_segment_live(segment) - upper_count));
    if (!halves[0])
        goto err_after_doubled;
    halves[1] = kv_segment_new(&worker->cache, segment->first | (uint64_t)1 << (64 - depth), depth,
                               slots_of_half(upper_count));
    if (!halves[1])
        goto err_after_lower;

    for (uint32_t i = 0; i < segment->slot_count; i++) {
        uint64_t slot = atomic_load_explicit(&segment->slots[i], memory_order_relaxed);
        if (kv_segment_entry(slot))
            kv_segment_adopt(halves[upper[i / 64] >> i % 64 & 1], slot);
    }
    if (depth == directory->depth)
        directory->full += 2;
    publish_segment(directory, worker, halves[0]);
    publish_segment(directory, worker, halves[1]);
    if (doubled)
        publish_directory(map, worker, doubled);
    retire_segment(segment, worker);
    return 0;

err_after_lower:
    kv_segment_free(halves[0], &worker->cache);
err_after_doubled:
    weft_free(doubled);
    return -ENOMEM;
}

int kv_map_grow(struct kv_map *map, struct kv_loop *worker, uint64_t hash, size_t count)
{
    int err = kv_epoch_reserve(&worker->epoch, 2);
    if (err < 0)
        return err;
    pthread_mutex_lock(&worker->shared->growing);
    struct kv_segment *segment = kv_map_segment(map, hash);
    if (!kv_segment_lock(segment, 0)) {
        /* Nobody else replaces segments now, so it is the map that is dead. */
        err = -ESTALE;
        goto out;
    }
    if (!kv_segment_has_room(segment, count)) {
        size_t slots = kv_segment_slots_for(kv_segment_live(segment) + count);
        err = slots <= KV_SEGMENT_SLOTS_MAX ? replace(map, worker, segment, slots)
                                            : split(map, worker, segment);
        if (err == 0)
            goto out;
    }
    kv_segment_unlock(segment, false);
out:
    pthread_mutex_unlock(&worker->shared->growing);
    return err;
}

/* Makes the directory smaller where no segment needs its last bit; it may stay where memory lacks.
 */
static void halve_directory(struct kv_map *map, struct kv_loop *worker)
{
    struct kv_directory *old = atomic_load_explicit(&map->directory, memory_order_relaxed);
    struct kv_directory *fresh = directory_resized(old, old->depth - 1);
    if (!fresh)
        return;
    size_t count = (size_t)1 << fresh->depth;
    for (size_t i = 0; i < count; i++) {
        if (i + PREFETCH < count)
            __builtin_prefetch(
                atomic_load_explicit(&fresh->segments[i + PREFETCH], memory_order_relaxed));
        const struct kv_segment *segment =
            atomic_load_explicit(&fresh->segments[i], memory_order_relaxed);
        fresh->full += segment->depth == fresh->depth;
    }
    publish_directory(map, worker, fresh);
}

/* Both locked, neighbours, of one depth. False: they stay two, and locked. */
static bool merge(struct kv_map *map, struct kv_loop *worker, struct kv_segment *lower,
                  struct kv_segment *upper)
{
    struct kv_directory *directory = atomic_load_explicit(&map->directory, memory_order_relaxed);
    size_t slots = kv_segment_slots_for(kv_segment_live(lower) + kv_segment_live(upper));
    if (slots > MERGED_SLOTS_MAX)
        return false;
    struct kv_segment *fresh =
        kv_segment_new(&worker->cache, lower->first, lower->depth - 1, (uint32_t)slots);
    if (!fresh)
        return false;
    adopt_all(fresh, lower);
    adopt_all(fresh, upper);
    bool was_full = lower->depth == directory->depth;
    publish_segment(directory, worker, fresh);
    retire_segment(lower, worker);
    retire_segment(upper, worker);
    if (was_full) {
        directory->full -= 2;
        if (directory->full == 0)
            halve_directory(map, worker);
    }
    return true;
}

/* Tries to merge segment, which is not locked, with its other half. */
static bool merge_with_sibling(struct kv_map *map, struct kv_loop *worker,
                               struct kv_segment *segment)
{
    if (segment->depth == 0)
        return false;
    uint64_t bit = (uint64_t)1 << (64 - segment->depth);
    struct kv_segment *sibling = kv_map_segment(map, segment->first ^ bit);
    if (sibling->depth != segment->depth)
        return false;
    struct kv_segment *lower = segment->first & bit ? sibling : segment;
    struct kv_segment *upper = segment->first & bit ? segment : sibling;
    /* Under `growing` nothing dies but maps, and those have one segment. */
    bool locked = kv_segment_lock(lower, 0) && kv_segment_lock(upper, 0);
    if (locked && merge(map, worker, lower, upper))
        return true;
    kv_segment_unlock(lower, false);
    kv_segment_unlock(upper, false);
    return false;
}

void kv_map_shrink(struct kv_map *map, struct kv_loop *worker, uint64_t hash)
{
    if (kv_epoch_reserve(&worker->epoch, 3) < 0)
        return;
    pthread_mutex_lock(&worker->shared->growing);
    struct kv_segment *segment = kv_map_segment(map, hash);
    if (!merge_with_sibling(map, worker, segment) && kv_segment_lock(segment, 0)) {
        size_t slots = kv_segment_slots_for(kv_segment_live(segment));
        if (!kv_segment_is_sparse(segment) || slots >= segment->slot_count ||
            replace(map, worker, segment, slots) < 0)
            kv_segment_unlock(segment, false);
    }
    pthread_mutex_unlock(&worker->shared->growing);
}

int kv_map_kill(struct kv_map *map, struct kv_loop *worker)
{
    int err = kv_epoch_reserve(&worker->epoch, 2);
    if (err < 0)
        return err;
    err = -EBUSY;
    pthread_mutex_lock(&worker->shared->growing);
    struct kv_directory *directory = atomic_load_explicit(&map->directory, memory_order_relaxed);
    struct kv_segment *segment = kv_directory_segment(directory, 0);
    if (directory->depth != 0 || !kv_segment_lock(segment, 0))
        goto out;
    if (kv_segment_live(segment) > 0) {
        kv_segment_unlock(segment, false);
        goto out;
    }
    atomic_store_explicit(&map->dead, true, memory_order_release);
    retire_segment(segment, worker);
    kv_loop_account(worker, -directory_heap_size(0));
    kv_epoch_retire_memory(&worker->epoch, directory);
    err = 0;
out:
    pthread_mutex_unlock(&worker->shared->growing);
    return err;
}
