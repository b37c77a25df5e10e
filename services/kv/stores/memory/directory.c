/* SPDX-License-Identifier: MIT
 *
 * A map is an extendible hash table (Fagin et al., 1979). The top `depth` bits of a key's hash index
 * the directory, an array of 2^depth pointers to segments. A segment has a depth of its own: all its
 * hashes begin with the same segment->depth bits. If that is less than the directory's depth, several
 * neighbouring pointers lead to it. So each segment covers one range of hashes, and together they
 * cover all hashes.
 *
 *      directory, depth 2      00 ──▶ segment 00, depth 2
 *                              01 ──▶ segment 01, depth 2
 *                              10 ─┬▶ segment 1,  depth 1
 *                              11 ─┘
 *
 * A map grows by replacing a segment with a larger one or with two of one bit more, after doubling
 * the directory if it has too few bits (rebuild.c). It shrinks by the opposite steps, which are here:
 * two siblings (segments that differ in their last bit only) merge when both fit well into one, and
 * the directory is halved when no segment needs its last bit. A single key's write copies
 * a segment or two and at most one directory, so a table of any size changes shape without a long pause;
 * a batch copies the segments that it touches.
 *
 * Readers take no lock and may look at what was replaced. So a replacement is complete before it is
 * published, the old segment is marked dead after that, and an epoch frees it later (epoch.h). Whoever
 * finds a dead segment looks into the directory again. Only one thread at a time changes a map's
 * shape, under `growing`. It locks segments while holding `growing`; nobody waits for `growing` while
 * holding a segment. Entries do not move: a new segment takes over their addresses. */
#include "directory.h"
#include "segment_lock.h"

#include <errno.h>

enum {
    /* Two segments merge only into one of at most half the largest size, so that the next writes do
     * not split it again. */
    MERGED_SLOTS_MAX = KV_SEGMENT_SLOTS_MAX / 2,
    PREFETCH = 8,
};

static size_t block_size(uint32_t depth)
{
    return sizeof(struct kv_directory) + ((size_t)1 << depth) * sizeof(struct kv_segment *);
}

static struct kv_directory *directory_new(struct kv_pool_cache *cache, uint32_t depth)
{
    struct kv_directory *directory = kv_pool_take(cache, block_size(depth));
    if (!directory)
        return NULL;
    directory->depth = depth;
    directory->full = 0;
    return directory;
}

void kv_directory_free(void *object, void *cache)
{
    struct kv_directory *directory = object;
    kv_pool_give(cache, directory, block_size(directory->depth));
}

int64_t kv_directory_heap_size(uint32_t depth)
{
    return (int64_t)kv_pool_heap_size(block_size(depth));
}

int64_t kv_map_heap_size_min(void)
{
    return kv_directory_heap_size(0) + (int64_t)kv_segment_heap_size_for(KV_SEGMENT_SLOTS_MIN);
}

int kv_map_init(struct kv_map *map, struct kv_pool_cache *cache,
                void (*drop)(void *entry, void *cache))
{
    struct kv_directory *directory = directory_new(cache, 0);
    if (!directory)
        return -ENOMEM;
    int err = -ENOMEM;
    struct kv_segment *segment = kv_segment_new(cache, 0, 0, KV_SEGMENT_SLOTS_MIN);
    if (!segment)
        goto err_after_directory;
    err = -pthread_mutex_init(&map->growing, NULL);
    if (err < 0)
        goto err_after_segment;
    directory->full = 1;
    atomic_init(&directory->segments[0], segment);
    atomic_init(&map->directory, directory);
    atomic_init(&map->dead, false);
    atomic_init(&map->due, KV_UNTIMED);
    map->drop = drop;
    return 0;

err_after_segment:
    kv_segment_free(segment, cache);
err_after_directory:
    kv_directory_free(directory, cache);
    return err;
}

struct kv_directory *kv_directory_nowhere(struct kv_pool_cache *cache)
{
    struct kv_directory *directory = directory_new(cache, 0);
    if (!directory)
        return NULL;
    struct kv_segment *segment = kv_segment_new(cache, 0, 0, KV_SEGMENT_SLOTS_MIN);
    if (!segment) {
        kv_directory_free(directory, cache);
        return NULL;
    }
    kv_segment_kill(segment);
    directory->full = 1;
    atomic_init(&directory->segments[0], segment);
    return directory;
}

void kv_directory_nowhere_free(struct kv_directory *nowhere, struct kv_pool_cache *cache)
{
    kv_segment_free(kv_directory_segment(nowhere, 0), cache);
    kv_directory_free(nowhere, cache);
}

void kv_note_due(_Atomic int64_t *due, int64_t time)
{
    int64_t present = atomic_load(due);
    while (time < present && !atomic_compare_exchange_weak(due, &present, time))
        continue;
}

uint64_t kv_map_count(const struct kv_map *map)
{
    const struct kv_directory *directory = kv_map_directory(map);
    uint64_t count = 0, first = 0;
    do {
        const struct kv_segment *segment = kv_directory_segment(directory, first);
        count += kv_segment_live(segment);
        first = kv_segment_end(segment);
    } while (first != 0);
    return count;
}

void kv_map_fini_dead(struct kv_map *map)
{
    pthread_mutex_destroy(&map->growing);
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
    kv_directory_free(directory, cache);
    pthread_mutex_destroy(&map->growing);
}

struct kv_directory *kv_directory_resized(struct kv_pool_cache *cache,
                                          const struct kv_directory *old, uint32_t depth)
{
    struct kv_directory *directory = directory_new(cache, depth);
    if (!directory)
        return NULL;
    size_t count = (size_t)1 << depth;
    for (size_t i = 0; i < count; i++) {
        size_t from = depth >= old->depth ? i >> (depth - old->depth) : i << (old->depth - depth);
        atomic_init(&directory->segments[i],
                    atomic_load_explicit(&old->segments[from], memory_order_relaxed));
    }
    return directory;
}

void kv_directory_set(struct kv_directory *directory, struct kv_segment *segment)
{
    size_t begin = directory->depth == 0 ? 0 : segment->first >> (64 - directory->depth);
    size_t count = (size_t)1 << (directory->depth - segment->depth);
    for (size_t i = begin; i < begin + count; i++)
        atomic_store_explicit(&directory->segments[i], segment, memory_order_release);
}

void kv_map_publish(struct kv_map *map, struct kv_loop *loop, struct kv_directory *fresh)
{
    struct kv_directory *old = kv_map_directory(map);
    atomic_store_explicit(&map->directory, fresh, memory_order_release);
    kv_epoch_retire(&loop->epoch, old, kv_directory_free);
}

void kv_segment_retire(struct kv_segment *segment, struct kv_loop *loop)
{
    kv_segment_kill(segment);
    kv_epoch_retire(&loop->epoch, segment, kv_segment_free);
}

/* Halves the directory for as long as no segment needs its last bit. If memory lacks, the directory
 * stays larger than it has to be. */
static void halve_directory(struct kv_map *map, struct kv_loop *loop)
{
    struct kv_directory *old = kv_map_directory(map);
    while (old->full == 0 && kv_epoch_reserve(&loop->epoch, 1) == 0) {
        struct kv_directory *fresh = kv_directory_resized(&loop->cache, old, old->depth - 1);
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
        kv_account_give(loop,
                        kv_directory_heap_size(old->depth) - kv_directory_heap_size(fresh->depth));
        kv_map_publish(map, loop, fresh);
        old = fresh;
    }
}

/* Replaces two locked siblings with one segment and returns it, unlocked. NULL: nothing has changed, and
 * both are still locked. */
static struct kv_segment *merge(struct kv_map *map, struct kv_loop *loop, struct kv_segment *lower,
                                struct kv_segment *upper)
{
    struct kv_directory *directory = kv_map_directory(map);
    size_t slots = kv_segment_slots_for(kv_segment_live(lower) + kv_segment_live(upper));
    if (slots > MERGED_SLOTS_MAX)
        return NULL;
    int64_t growth = (int64_t)kv_segment_heap_size_for(slots) -
                     (int64_t)kv_segment_heap_size_for(lower->slot_count) -
                     (int64_t)kv_segment_heap_size_for(upper->slot_count);
    if (!kv_account_take(loop, growth))
        return NULL;
    struct kv_segment *fresh =
        kv_segment_new(&loop->cache, lower->first, lower->depth - 1, (uint32_t)slots);
    if (!fresh) {
        kv_account_give(loop, growth);
        return NULL;
    }
    kv_segment_adopt_all(fresh, lower);
    kv_segment_adopt_all(fresh, upper);
    if (lower->depth == directory->depth)
        directory->full -= 2;
    kv_directory_set(directory, fresh);
    kv_segment_retire(lower, loop);
    kv_segment_retire(upper, loop);
    return fresh;
}

/* Merges segment with its sibling, neither of which is locked. Returns the new segment, or NULL if both
 * stay. */
static struct kv_segment *merge_with_sibling(struct kv_map *map, struct kv_loop *loop,
                                             struct kv_segment *segment, struct kv_segment *sibling)
{
    uint64_t bit = (uint64_t)1 << (64 - segment->depth);
    struct kv_segment *lower = segment->first & bit ? sibling : segment;
    struct kv_segment *upper = segment->first & bit ? segment : sibling;
    if (kv_epoch_reserve(&loop->epoch, 2) < 0)
        return NULL;
    /* Neither can be dead, so both locks succeed: nobody else replaces segments while this thread holds
     * `growing`, and a map dies only with a single segment, which has no sibling. */
    bool locked = kv_segment_lock(lower, 0) && kv_segment_lock(upper, 0);
    struct kv_segment *merged = locked ? merge(map, loop, lower, upper) : NULL;
    if (merged)
        return merged;
    kv_segment_unlock(lower, false);
    kv_segment_unlock(upper, false);
    return NULL;
}

/* Merges segment with its sibling, the result with its own sibling, and so on. Returns the last segment.
 * If the sibling's range is split further, its first segment may be an empty one that a merge left
 * because memory lacked. Then merging goes on from that one, which may yet free the way. */
static struct kv_segment *merge_upwards(struct kv_map *map, struct kv_loop *loop,
                                        struct kv_segment *segment)
{
    while (segment->depth > 0) {
        uint64_t bit = (uint64_t)1 << (64 - segment->depth);
        struct kv_segment *sibling = kv_map_segment(map, segment->first ^ bit);
        if (sibling->depth > segment->depth && kv_segment_live(sibling) == 0) {
            segment = sibling;
            continue;
        }
        if (sibling->depth != segment->depth)
            break;
        struct kv_segment *merged = merge_with_sibling(map, loop, segment, sibling);
        if (!merged)
            break;
        segment = merged;
    }
    return segment;
}

/* Replaces a locked sparse segment by a smaller one. False: it stays, and is still locked. */
static bool make_smaller(struct kv_map *map, struct kv_loop *loop, struct kv_segment *segment)
{
    size_t slots = kv_segment_slots_for(kv_segment_live(segment));
    if (!kv_segment_is_sparse(segment) || slots >= segment->slot_count ||
        kv_epoch_reserve(&loop->epoch, 1) < 0)
        return false;
    struct kv_segment *fresh =
        kv_segment_new(&loop->cache, segment->first, segment->depth, (uint32_t)slots);
    if (!fresh)
        return false;
    kv_segment_adopt_all(fresh, segment);
    kv_directory_set(kv_map_directory(map), fresh);
    kv_account_give(loop, (int64_t)kv_segment_heap_size_for(segment->slot_count) -
                              (int64_t)kv_segment_heap_size_for(slots));
    kv_segment_retire(segment, loop);
    return true;
}

/* Replaces a segment by an equal one in another block, so that a sweep can free the slab (sweep.c). */
static void move_segment(struct kv_map *map, struct kv_loop *loop, struct kv_segment *segment)
{
    if (kv_epoch_reserve(&loop->epoch, 1) < 0 || !kv_segment_lock(segment, 0))
        return;
    struct kv_segment *fresh =
        kv_segment_new(&loop->cache, segment->first, segment->depth, segment->slot_count);
    if (!fresh) {
        kv_segment_unlock(segment, false);
        return;
    }
    kv_segment_adopt_all(fresh, segment);
    kv_directory_set(kv_map_directory(map), fresh);
    kv_segment_retire(segment, loop);
}

static void move_directory(struct kv_map *map, struct kv_loop *loop,
                           const struct kv_directory *directory)
{
    if (kv_epoch_reserve(&loop->epoch, 1) < 0)
        return;
    struct kv_directory *fresh = kv_directory_resized(&loop->cache, directory, directory->depth);
    if (!fresh)
        return;
    fresh->full = directory->full;
    kv_map_publish(map, loop, fresh);
}

void kv_map_move(struct kv_map *map, struct kv_loop *loop, uint64_t hash)
{
    const struct kv_pool *pool = loop->cache.pool;
    pthread_mutex_lock(&map->growing);
    if (!kv_map_is_dead(map)) {
        struct kv_segment *segment = kv_map_segment(map, hash);
        if (kv_pool_must_move(pool, segment, kv_segment_block_size(segment)))
            move_segment(map, loop, segment);
        const struct kv_directory *directory = kv_map_directory(map);
        if (kv_pool_must_move(pool, directory, block_size(directory->depth)))
            move_directory(map, loop, directory);
    }
    pthread_mutex_unlock(&map->growing);
}

void kv_map_shrink(struct kv_map *map, struct kv_loop *loop, uint64_t hash)
{
    pthread_mutex_lock(&map->growing);
    struct kv_segment *segment = merge_upwards(map, loop, kv_map_segment(map, hash));
    halve_directory(map, loop);
    if (kv_segment_lock(segment, 0) && !make_smaller(map, loop, segment))
        kv_segment_unlock(segment, false);
    pthread_mutex_unlock(&map->growing);
}

int kv_map_kill(struct kv_map *map, struct kv_loop *loop)
{
    int err = kv_epoch_reserve(&loop->epoch, 2);
    if (err < 0)
        return err;
    err = -EBUSY;
    pthread_mutex_lock(&map->growing);
    struct kv_directory *directory = kv_map_directory(map);
    struct kv_segment *segment = kv_directory_segment(directory, 0);
    /* The segment's depth is tested and not the directory's, which is larger than 0 if memory to halve
     * it lacked. */
    if (segment->depth != 0 || !kv_segment_lock(segment, 0))
        goto out;
    if (kv_segment_live(segment) > 0) {
        kv_segment_unlock(segment, false);
        goto out;
    }
    atomic_store_explicit(&map->dead, true, memory_order_release);
    kv_account_give(loop, (int64_t)kv_segment_heap_size_for(segment->slot_count) +
                              kv_directory_heap_size(directory->depth));
    kv_segment_retire(segment, loop);
    kv_epoch_retire(&loop->epoch, directory, kv_directory_free);
    err = 0;
out:
    pthread_mutex_unlock(&map->growing);
    return err;
}
