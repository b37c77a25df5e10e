/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <errno.h>

enum { TELL_EVERY = 16 * 1024 };

void kv_loop_account(struct kv_loop *worker, int64_t bytes)
{
    worker->untold += bytes;
    if (worker->untold < TELL_EVERY && worker->untold > -TELL_EVERY)
        return;
    atomic_fetch_add_explicit(&worker->shared->used, worker->untold, memory_order_relaxed);
    worker->untold = 0;
}

bool kv_loop_may_take(const struct kv_loop *worker, int64_t bytes)
{
    const struct kv_shared *shared = worker->shared;
    if (shared->max_used == 0 || bytes <= 0)
        return true;
    int64_t used = atomic_load_explicit(&shared->used, memory_order_relaxed) + worker->untold;
    return used + bytes <= shared->max_used;
}

/* The state is read before and after: a batch that was under way in between, even one that began
 * and ended, may have put several entries of one key. */
struct kv_entry *kv_map_get(const struct kv_map *map, uint64_t hash, struct weft_view key)
{
    unsigned steps = 0;
    for (;;) {
        const struct kv_segment *segment = kv_map_segment(map, hash);
        uint64_t before = atomic_load_explicit(&segment->state, memory_order_acquire);
        if (!(before & (KV_SEGMENT_BATCH | KV_SEGMENT_DEAD))) {
            struct kv_entry *entry = kv_segment_get(segment, hash, key);
            uint64_t after = atomic_load_explicit(&segment->state, memory_order_relaxed);
            if (((before ^ after) & ~(uint64_t)KV_SEGMENT_LOCKED) == 0)
                return entry;
        } else if (kv_map_is_dead(map)) {
            return NULL;
        }
        kv_segment_wait(&steps);
    }
}

/* Locks the segment of hash; NULL: the map is dead. */
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

/* What an entry takes more than the one of the same key whose place it takes. */
static int64_t growth_by(const struct kv_entry *entry, const struct kv_entry *old)
{
    if (!old)
        return (int64_t)kv_entry_heap_size(entry);
    if (entry->value_size == old->value_size)
        return 0;
    return (int64_t)kv_entry_heap_size(entry) - (int64_t)kv_entry_heap_size(old);
}

int kv_map_put(struct kv_map *map, struct kv_loop *worker, uint64_t hash, struct kv_entry *entry,
               struct kv_entry **old)
{
    for (;;) {
        int err = kv_epoch_reserve(&worker->epoch, 1);
        if (err < 0)
            return err;
        struct kv_segment *segment = lock_segment(map, hash);
        if (!segment)
            return -ESTALE;
        struct kv_place place = kv_segment_find(segment, hash, kv_entry_key(entry));
        if (!place.entry && !kv_segment_has_room(segment, 1)) {
            kv_segment_unlock(segment, false);
            err = kv_map_grow(map, worker, hash, 1);
            if (err < 0)
                return err;
            continue;
        }
        int64_t growth = growth_by(entry, place.entry);
        if (!kv_loop_may_take(worker, growth)) {
            kv_segment_unlock(segment, false);
            return -ENOSPC;
        }
        kv_segment_put(segment, place, hash, entry);
        kv_segment_unlock(segment, true);
        kv_loop_account(worker, growth);
        if (place.entry)
            kv_epoch_retire(&worker->epoch, place.entry, map->drop);
        *old = place.entry;
        return 0;
    }
}

int kv_map_remove(struct kv_map *map, struct kv_loop *worker, uint64_t hash, struct weft_view key,
                  struct kv_entry **old)
{
    int err = kv_epoch_reserve(&worker->epoch, 1);
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
    kv_segment_remove(segment, place);
    bool sparse = kv_segment_is_sparse(segment);
    kv_segment_unlock(segment, true);
    kv_loop_account(worker, -(int64_t)kv_entry_heap_size(place.entry));
    kv_epoch_retire(&worker->epoch, place.entry, map->drop);
    if (sparse)
        kv_map_shrink(map, worker, hash);
    return 0;
}
