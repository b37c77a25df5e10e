/* SPDX-License-Identifier: MIT
 *
 * A batch that locks sorts its keys by hash (touches). The keys of one segment are then adjacent, and
 * every batch locks segments in the same order, so two batches never wait for each other in a circle.
 *
 * A small batch of changes is written in place. All segments touched are locked with the BATCH flag,
 * changed, and unlocked with a new version. A reader that meets the flag, even of one key, waits until
 * it goes, which takes some microseconds for at most IN_PLACE_MAX keys. A batch that is larger, or that
 * needs a segment to grow, is written to copies of the segments, which are published together
 * (rebuild.c). Readers do not wait for that; writers of the same segments do.
 *
 * A batch is read without locks first. The reader notes the directory and the state of each segment,
 * looks the keys up, and then compares all states and the directory with what it noted. If they are
 * equal, nothing changed from the last note to the first comparison, so everything found was there at
 * one moment. After some attempts that writers spoilt, the reader takes the locks, so that it cannot
 * be kept waiting for ever. */
#include "batch.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "watch.h"

enum {
    SMALL = 32,        /* a batch up to this size needs no memory of its own */
    IN_PLACE_MAX = 64, /* the most keys of a change in place, for which readers wait */
    ATTEMPTS = 16,     /* to read a batch of at most SMALL keys without locks */
    ATTEMPTS_BIG = 2,  /* to read a larger batch, for which each attempt takes longer */
};

struct batch {
    struct kv_touch *touches;     /* sorted once they are needed */
    struct kv_segment **segments; /* the locked ones; in read_optimistically, that of each item */
    uint64_t *states;             /* of segments, as they were first read */
    size_t count;                 /* of touches, and the room in segments and states */
    size_t locked;                /* segments that are locked */
    void *heap;
    struct {
        struct kv_touch touches[SMALL];
        struct kv_segment *segments[SMALL];
        uint64_t states[SMALL];
    } small;
};

static int batch_init(struct batch *batch, const struct kv_loop *loop, struct kv_item *items,
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
        items[i].scratch.number = kv_map_hash(loop, items[i].key);
        batch->touches[i] = (struct kv_touch){.hash = items[i].scratch.number, .item = &items[i]};
    }
    return 0;
}

static void batch_fini(struct batch *batch)
{
    weft_free(batch->heap);
}

/* Touches of one key stay in the order of their items, which are one array. */
static int compare_touches(const void *a, const void *b)
{
    const struct kv_touch *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash > y->hash ? 1 : -1;
    return (x->item > y->item) - (x->item < y->item);
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

/* Returns the index behind the last touch that belongs to segment; touches[begin] is the first. */
static size_t end_of(const struct batch *batch, const struct kv_segment *segment, size_t begin)
{
    size_t i = begin;
    while (i < batch->count && kv_segment_covers(segment, batch->touches[i].hash))
        i++;
    return i;
}

/* Locks every segment touched, in ascending order. If one of them turns out to be replaced, unlocks all
 * and starts over. -ESTALE: the map is dead, and nothing is locked. */
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

/* True if the locked segment has room for the new keys among touches[begin, end). */
static bool has_room(const struct batch *batch, struct kv_segment *segment, size_t begin,
                     size_t end)
{
    if (kv_segment_has_room(segment, end - begin))
        return true;
    size_t missing = 0;
    for (size_t i = begin; i < end; i++) {
        const struct kv_touch *touch = &batch->touches[i];
        if ((i == begin || touch->hash != touch[-1].hash) &&
            !kv_segment_find(segment, touch->hash, touch->item->key).entry)
            missing++;
    }
    return kv_segment_has_room(segment, missing);
}

static bool all_have_room(const struct batch *batch)
{
    size_t i = 0;
    for (size_t k = 0; k < batch->locked; k++) {
        size_t end = end_of(batch, batch->segments[k], i);
        if (!has_room(batch, batch->segments[k], i, end))
            return false;
        i = end;
    }
    return true;
}

/* Looks all keys up without a lock. False: something changed meanwhile, so the results may not be of one
 * moment. */
static bool read_optimistically(struct batch *batch, const struct kv_map *map,
                                struct kv_item *items)
{
    const struct kv_directory *directory = kv_map_directory(map);
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t hash = items[i].scratch.number;
        struct kv_segment *segment = kv_directory_segment(directory, hash);
        uint64_t state = atomic_load_explicit(&segment->state, memory_order_acquire);
        if (kv_segment_is_changing(state))
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
    return kv_map_directory(map) == directory;
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

int kv_batch_get(const struct kv_map *map, struct kv_loop *loop, struct kv_item *items,
                 size_t count)
{
    struct batch batch;
    int err = batch_init(&batch, loop, items, count);
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

/* Sets the `old` of every touch. Returns the heap bytes that the batch adds, less those it frees. */
static int64_t find_all(struct batch *batch, enum kv_touch_kind kind)
{
    int64_t growth = 0;
    size_t begin = 0;
    for (size_t k = 0; k < batch->locked; k++) {
        size_t end = end_of(batch, batch->segments[k], begin);
        growth += kv_touches_find(batch->touches + begin, end - begin, kind, batch->segments[k]);
        begin = end;
    }
    return growth;
}

static void change_all(const struct batch *batch, const struct kv_map *map, struct kv_loop *loop,
                       enum kv_touch_kind kind)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct kv_touch *touch = &batch->touches[i];
        struct kv_segment *segment = kv_map_segment(map, touch->hash);
        struct kv_place place = kv_segment_find(segment, touch->hash, touch->item->key);
        if (kind == KV_TOUCH_PUT)
            kv_segment_put(segment, place, touch->hash, touch->item->scratch.pointer);
        else if (place.entry)
            kv_segment_remove(segment, place);
        touch->item->scratch.pointer = touch->old;
        if (touch->old)
            kv_epoch_retire(&loop->epoch, touch->old, map->drop);
    }
}

/* Writes the batch into its segments. -ENOBUFS (a segment has to grow first), -ENOMEM, -ENOSPC, -ESTALE,
 * or what a watch answered: nothing has changed. In every case the segments may be locked still, and the
 * caller unlocks them. */
static int write_in_place(struct batch *batch, struct kv_map *map, struct kv_loop *loop,
                          enum kv_touch_kind kind)
{
    int err = kv_epoch_reserve(&loop->epoch, batch->count);
    if (err == 0)
        err = lock_all(batch, map, KV_SEGMENT_BATCH);
    if (err < 0)
        return err;
    if (kind == KV_TOUCH_PUT && !all_have_room(batch))
        return -ENOBUFS;
    int64_t growth = find_all(batch, kind);
    if (!kv_account_take(loop, growth))
        return -ENOSPC;
    if (loop->watch)
        err = kv__watch_ask(map, loop, kind, batch->touches, batch->count);
    if (err == 0)
        change_all(batch, map, loop, kind);
    else
        kv_account_undo(loop, growth);
    return err;
}

int kv_batch_put(struct kv_map *map, struct kv_loop *loop, struct kv_item *items, size_t count)
{
    struct batch batch;
    int err = batch_init(&batch, loop, items, count);
    if (err < 0)
        return err;
    sort_touches(&batch);
    err = -ENOBUFS;
    if (count <= IN_PLACE_MAX) {
        err = write_in_place(&batch, map, loop, KV_TOUCH_PUT);
        unlock_all(&batch, err == 0);
    }
    if (err == -ENOBUFS)
        err = kv_rebuild(map, loop, KV_TOUCH_PUT, batch.touches, count);
    batch_fini(&batch);
    return err;
}

/* Removals must work in a full store, so a large batch for which the limit allows no copies is written in
 * place. Only if malloc fails is it refused. */
int kv_batch_remove(struct kv_map *map, struct kv_loop *loop, struct kv_item *items, size_t count)
{
    struct batch batch;
    int err = batch_init(&batch, loop, items, count);
    if (err < 0)
        return err;
    sort_touches(&batch);
    err = -ENOMEM;
    if (count > IN_PLACE_MAX)
        err = kv_rebuild(map, loop, KV_TOUCH_REMOVE, batch.touches, count);
    if (err == -ENOMEM || err == -ENOSPC) {
        err = write_in_place(&batch, map, loop, KV_TOUCH_REMOVE);
        unlock_all(&batch, err == 0);
    }
    for (size_t i = 0; err == 0 && i < count; i++) {
        const struct kv_segment *segment = kv_map_segment(map, batch.touches[i].hash);
        if (kv_segment_is_sparse(segment))
            kv_map_shrink(map, loop, batch.touches[i].hash);
    }
    batch_fini(&batch);
    return err;
}
