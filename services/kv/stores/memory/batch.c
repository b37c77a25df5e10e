/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/mem.h"

enum {
    SMALL = 32,      /* a batch up to this size needs no memory of its own */
    ATTEMPTS = 16,   /* to read without locks, before locking */
    ATTEMPTS_BIG = 2 /* the same where each is long */
};

/* What a batch touches: its hashes in ascending order, and the segments they belong to. */
struct batch {
    struct touch {
        uint64_t hash;
        const struct kv_item *item;
    } * touches;
    struct kv_segment **segments;
    uint64_t *states; /* of segments, as they were first read */
    size_t count;     /* of touches, and the room in segments and states */
    size_t locked;    /* segments that are */
    void *heap;
    struct {
        struct touch touches[SMALL];
        struct kv_segment *segments[SMALL];
        uint64_t states[SMALL];
    } small;
};

static int batch_init(struct batch *batch, const struct kv_loop *worker, struct kv_item *items,
                      size_t count)
{
    batch->count = count;
    batch->locked = 0;
    batch->heap = NULL;
    batch->touches = batch->small.touches;
    batch->segments = batch->small.segments;
    batch->states = batch->small.states;
    if (count > SMALL) {
        size_t each = sizeof *batch->touches + sizeof *batch->segments + sizeof *batch->states;
        batch->heap = weft_calloc(count, each);
        if (!batch->heap)
            return -ENOMEM;
        batch->touches = batch->heap;
        batch->segments = (struct kv_segment **)(void *)(batch->touches + count);
        batch->states = (uint64_t *)(void *)(batch->segments + count);
    }
    for (size_t i = 0; i < count; i++) {
        items[i].scratch.number = kv_map_hash(worker, items[i].key);
        batch->touches[i] = (struct touch){items[i].scratch.number, &items[i]};
    }
    return 0;
}

static void batch_fini(struct batch *batch)
{
    weft_free(batch->heap);
}

static int compare_touches(const void *a, const void *b)
{
    uint64_t x = ((const struct touch *)a)->hash;
    uint64_t y = ((const struct touch *)b)->hash;
    return (x > y) - (x < y);
}

static void sort_touches(struct batch *batch)
{
    qsort(batch->touches, batch->count, sizeof *batch->touches, compare_touches);
}

static void unlock_all(struct batch *batch, bool changed)
{
    while (batch->locked > 0)
        kv_segment_unlock(batch->segments[--batch->locked], changed);
}

/* The first touch from begin on that does not belong to segment. */
static size_t end_of(const struct batch *batch, const struct kv_segment *segment, size_t begin)
{
    size_t i = begin;
    while (i < batch->count && kv_segment_covers(segment, batch->touches[i].hash))
        i++;
    return i;
}

/* Locks every segment touched, in ascending order, so that no two writers wait for each other. */
static int lock_all(struct batch *batch, const struct kv_map *map, uint64_t flag)
{
    size_t i = 0;
    while (i < batch->count) {
        struct kv_segment *segment = kv_map_segment(map, batch->touches[i].hash);
        if (kv_segment_lock(segment, flag)) {
            batch->segments[batch->locked++] = segment;
            i = end_of(batch, segment, i);
            continue;
        }
        unlock_all(batch, false);
        if (kv_map_is_dead(map))
            return -ESTALE;
        i = 0;
    }
    return 0;
}

/* How many keys more than it has room for the touches from begin to end may bring to a locked
 * segment; 0: they fit. */
static size_t lacking_room(const struct batch *batch, struct kv_segment *segment, size_t begin,
                           size_t end)
{
    /* A key that comes twice has its touches side by side. */
    size_t distinct = 0;
    for (size_t i = begin; i < end; i++)
        distinct += i == begin || batch->touches[i].hash != batch->touches[i - 1].hash;
    if (kv_segment_has_room(segment, distinct))
        return 0;
    if (distinct > KV_SEGMENT_SLOTS_MAX)
        return distinct;

    size_t missing = 0;
    for (size_t i = begin; i < end; i++) {
        const struct touch *touch = &batch->touches[i];
        if ((i == begin || touch->hash != touch[-1].hash) &&
            !kv_segment_find(segment, touch->hash, touch->item->key).entry)
            missing++;
    }
    return kv_segment_has_room(segment, missing) ? 0 : missing;
}

/* Grows what has to grow, holding one segment at a time. */
static int make_room(struct batch *batch, struct kv_map *map, struct kv_loop *worker)
{
    size_t i = 0;
    while (i < batch->count) {
        uint64_t hash = batch->touches[i].hash;
        struct kv_segment *segment = kv_map_segment(map, hash);
        if (!kv_segment_lock(segment, 0)) {
            if (kv_map_is_dead(map))
                return -ESTALE;
            continue;
        }
        size_t end = end_of(batch, segment, i);
        size_t lacking = lacking_room(batch, segment, i, end);
        kv_segment_unlock(segment, false);
        if (lacking == 0) {
            i = end;
            continue;
        }
        int err = kv_map_grow(map, worker, hash, lacking);
        if (err < 0)
            return err;
    }
    return 0;
}

static bool all_have_room(const struct batch *batch)
{
    size_t i = 0;
    for (size_t k = 0; k < batch->locked; k++) {
        size_t end = end_of(batch, batch->segments[k], i);
        if (lacking_room(batch, batch->segments[k], i, end) > 0)
            return false;
        i = end;
    }
    return true;
}

/* One attempt to read without a lock: what was seen is of one moment where no segment was being
 * written when it was first looked at, and none has changed when all have been read. */
static bool read_optimistically(struct batch *batch, const struct kv_map *map,
                                struct kv_item *items)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t hash = items[i].scratch.number;
        struct kv_segment *segment = kv_map_segment(map, hash);
        uint64_t state = atomic_load_explicit(&segment->state, memory_order_acquire);
        if (state & (KV_SEGMENT_VERSION - 1))
            return false;
        batch->segments[i] = segment;
        batch->states[i] = state;
        items[i].scratch.pointer = kv_segment_get(segment, hash, items[i].key);
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct kv_segment *segment = batch->segments[i];
        if (atomic_load_explicit(&segment->state, memory_order_relaxed) != batch->states[i])
            return false;
    }
    return true;
}

static void read_locked(struct batch *batch, const struct kv_map *map, struct kv_item *items)
{
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t hash = items[i].scratch.number;
        items[i].scratch.pointer =
            kv_segment_find(kv_map_segment(map, hash), hash, items[i].key).entry;
    }
    unlock_all(batch, false);
}

int kv_batch_get(const struct kv_map *map, struct kv_loop *worker, struct kv_item *items,
                 size_t count)
{
    struct batch batch;
    int err = batch_init(&batch, worker, items, count);
    if (err < 0)
        return err;
    unsigned steps = 0;
    unsigned attempts = count > SMALL ? ATTEMPTS_BIG : ATTEMPTS;
    while (!read_optimistically(&batch, map, items)) {
        if (kv_map_is_dead(map)) {
            for (size_t i = 0; i < count; i++)
                items[i].scratch.pointer = NULL;
            break;
        }
        kv_segment_wait(&steps);
        if (steps < attempts)
            continue;
        sort_touches(&batch);
        if (lock_all(&batch, map, 0) == 0) {
            read_locked(&batch, map, items);
            break;
        }
    }
    batch_fini(&batch);
    return 0;
}

/* What putting the entries would add, but that a key which comes twice counts twice. */
static int64_t growth_of(const struct kv_map *map, const struct kv_item *items, size_t count)
{
    int64_t growth = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = items[i].scratch.number;
        const struct kv_entry *old =
            kv_segment_find(kv_map_segment(map, hash), hash, items[i].key).entry;
        growth += (int64_t)kv_entry_heap_size(items[i].scratch.pointer);
        growth -= old ? (int64_t)kv_entry_heap_size(old) : 0;
    }
    return growth;
}

static void put_all(const struct kv_map *map, struct kv_loop *worker, struct kv_item *items,
                    size_t count)
{
    int64_t growth = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = items[i].scratch.number;
        struct kv_entry *entry = items[i].scratch.pointer;
        struct kv_segment *segment = kv_map_segment(map, hash);
        struct kv_place place = kv_segment_find(segment, hash, items[i].key);
        kv_segment_put(segment, place, hash, entry);
        growth += (int64_t)kv_entry_heap_size(entry);
        growth -= place.entry ? (int64_t)kv_entry_heap_size(place.entry) : 0;
        items[i].scratch.pointer = place.entry;
    }
    kv_loop_account(worker, growth);
}

static void retire_all(const struct kv_map *map, struct kv_loop *worker,
                       const struct kv_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].scratch.pointer)
            kv_epoch_retire(&worker->epoch, items[i].scratch.pointer, map->drop);
    }
}

int kv_batch_put(struct kv_map *map, struct kv_loop *worker, struct kv_item *items, size_t count)
{
    struct batch batch;
    int err = batch_init(&batch, worker, items, count);
    if (err < 0)
        return err;
    sort_touches(&batch);
    for (;;) {
        err = make_room(&batch, map, worker);
        if (err == 0)
            err = kv_epoch_reserve(&worker->epoch, count);
        if (err == 0)
            err = lock_all(&batch, map, KV_SEGMENT_BATCH);
        if (err < 0)
            break;
        if (!all_have_room(&batch)) {
            unlock_all(&batch, false);
            continue;
        }
        if (worker->shared->max_used > 0 &&
            !kv_loop_may_take(worker, growth_of(map, items, count))) {
            unlock_all(&batch, false);
            err = -ENOSPC;
            break;
        }
        put_all(map, worker, items, count);
        unlock_all(&batch, true);
        retire_all(map, worker, items, count);
        break;
    }
    batch_fini(&batch);
    return err;
}

static void remove_all(const struct kv_map *map, struct kv_loop *worker, struct kv_item *items,
                       size_t count)
{
    int64_t freed = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = items[i].scratch.number;
        struct kv_segment *segment = kv_map_segment(map, hash);
        struct kv_place place = kv_segment_find(segment, hash, items[i].key);
        items[i].scratch.pointer = place.entry;
        if (place.entry) {
            kv_segment_remove(segment, place);
            freed += (int64_t)kv_entry_heap_size(place.entry);
        }
    }
    kv_loop_account(worker, -freed);
}

int kv_batch_remove(struct kv_map *map, struct kv_loop *worker, struct kv_item *items, size_t count)
{
    struct batch batch;
    int err = batch_init(&batch, worker, items, count);
    if (err < 0)
        return err;
    sort_touches(&batch);
    err = kv_epoch_reserve(&worker->epoch, count);
    if (err == 0)
        err = lock_all(&batch, map, KV_SEGMENT_BATCH);
    if (err == 0) {
        remove_all(map, worker, items, count);
        /* The touches have done their work; their room holds where to shrink. */
        size_t sparse = 0;
        for (size_t k = 0; k < batch.locked; k++) {
            if (kv_segment_is_sparse(batch.segments[k]))
                batch.touches[sparse++].hash = batch.segments[k]->first;
        }
        unlock_all(&batch, true);
        retire_all(map, worker, items, count);
        for (size_t k = 0; k < sparse; k++)
            kv_map_shrink(map, worker, batch.touches[k].hash);
    }
    batch_fini(&batch);
    return err;
}
