/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <errno.h>

#include "segment_lock.h"
#include "watch.h"

/* The state is loaded before and after: a batch that was under way in between, even one that began
 * and ended, may have put several entries of one key. */
struct kv_entry *kv_map_get(const struct kv_map *map, uint64_t hash, struct weft_view key)
{
    const uint64_t harmless = KV_SEGMENT_LOCKED | KV_SEGMENT_FROZEN;
    unsigned steps = 0;
    for (;;) {
        const struct kv_segment *segment = kv_map_segment(map, hash);
        uint64_t before = atomic_load_explicit(&segment->state, memory_order_acquire);
        if (!(before & (KV_SEGMENT_BATCH | KV_SEGMENT_DEAD))) {
            struct kv_entry *entry = kv_segment_get(segment, hash, key);
            uint64_t after = atomic_load_explicit(&segment->state, memory_order_relaxed);
            if (((before ^ after) & ~harmless) == 0)
                return entry;
        } else if (kv_map_is_dead(map)) {
            return NULL;
        }
        kv_segment_wait(&steps);
    }
}

/* Locks the segment of hash. NULL: the map is dead. */
static struct kv_segment *lock_segment(struct kv_map *map, uint64_t hash)
{
    for (;;) {
        struct kv_segment *segment = kv_map_segment(map, hash);
        if (kv_segment_lock(segment, 0))
            return segment;
        if (kv_map_is_dead(map))
            return NULL;
    }
}

/* Returns how much more heap entry takes than the one that it replaces. */
static int64_t growth_by(const struct kv_entry *entry, const struct kv_entry *old)
{
    if (!old)
        return (int64_t)kv_entry_heap_size(entry);
    if (entry->value_size == old->value_size)
        return 0;
    return (int64_t)kv_entry_heap_size(entry) - (int64_t)kv_entry_heap_size(old);
}

/* Puts entry while its segment is replaced. */
WEFT_NOINLINE static int put_and_grow(struct kv_map *map, struct kv_loop *loop, uint64_t hash,
                                      struct kv_entry *entry, struct kv_entry **old)
{
    struct kv_item item = {.key = kv_entry_key(entry)};
    struct kv_touch touch = {.hash = hash, .item = &item, .fresh = entry};
    int err = kv_rebuild(map, loop, NULL, &touch, 1);
    if (err == 0)
        *old = item.scratch.pointer;
    return err;
}

int kv_map_put(struct kv_map *map, struct kv_loop *loop, uint64_t hash, struct kv_entry *entry,
               struct kv_entry **old)
{
    int err = kv_epoch_reserve(&loop->epoch, 1);
    if (err < 0)
        return err;
    struct kv_segment *segment = lock_segment(map, hash);
    if (!segment)
        return -ESTALE;
    struct kv_place place = kv_segment_find(segment, hash, kv_entry_key(entry));
    if (!place.entry && !kv_segment_has_room(segment, 1)) {
        kv_segment_unlock(segment, false);
        return put_and_grow(map, loop, hash, entry, old);
    }
    int64_t growth = growth_by(entry, place.entry);
    if (!kv_account_take(loop, growth)) {
        kv_segment_unlock(segment, false);
        return -ENOSPC;
    }
    if (kv_is_watched(loop)) {
        err = kv__watch_ask_one(map, loop, hash, entry, place.entry);
        if (err < 0) {
            kv_segment_unlock(segment, false);
            kv_account_undo(loop, growth);
            return err;
        }
    }
    kv_segment_put(segment, place, hash, entry);
    kv_segment_unlock(segment, true);
    if (place.entry)
        kv_epoch_retire(&loop->epoch, place.entry, map->drop);
    *old = place.entry;
    return 0;
}

int kv_map_remove(struct kv_map *map, struct kv_loop *loop, uint64_t hash, struct weft_view key,
                  struct kv_entry **old)
{
    int err = kv_epoch_reserve(&loop->epoch, 1);
    if (err < 0)
        return err;
    struct kv_segment *segment = lock_segment(map, hash);
    if (!segment)
        return -ESTALE;
    struct kv_place place = kv_segment_find(segment, hash, key);
    *old = place.entry;
    if (!place.entry) {
        kv_segment_unlock(segment, false);
        return 0;
    }
    if (kv_is_watched(loop)) {
        err = kv__watch_ask_one(map, loop, hash, NULL, place.entry);
        if (err < 0) {
            kv_segment_unlock(segment, false);
            return err;
        }
    }
    kv_segment_remove(segment, place);
    bool sparse = kv_segment_is_sparse(segment);
    kv_segment_unlock(segment, true);
    kv_account_give(loop, (int64_t)kv_entry_heap_size(place.entry));
    kv_epoch_retire(&loop->epoch, place.entry, map->drop);
    if (sparse)
        kv_map_shrink(map, loop, hash);
    return 0;
}
