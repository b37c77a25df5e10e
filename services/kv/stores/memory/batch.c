/* SPDX-License-Identifier: MIT
 *
 * A batch is read without locks first. The reader notes the directory and the state of each segment,
 * looks the keys up, and then compares all states and the directory with what it noted. If they are
 * equal, nothing changed from the last note to the first comparison, so everything found was there at
 * one moment. After some attempts that writers spoilt, the reader takes the locks, so that it cannot
 * be kept waiting for ever.
 *
 * A batch that locks sorts its keys by hash (touches). The keys of one segment are then adjacent, and
 * every batch locks segments in the same order, so two batches never wait for each other in a circle. */
#include "batch_private.h"
#include "segment_lock.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/mem.h"

enum {
    ATTEMPTS = 16,    /* to read a batch of at most KV_BATCH_SMALL keys without locks */
    ATTEMPTS_BIG = 2, /* to read a larger batch, for which each attempt takes longer */
};

int kv__batch_init(struct kv_batch *batch, const struct kv_loop *loop, struct kv_item *items,
                   size_t count)
{
    batch->items = items;
    batch->count = count;
    batch->locked = 0;
    batch->heap = NULL;
    batch->touches = batch->small.touches;
    batch->segments = batch->small.segments;
    batch->states = batch->small.states;
    if (count > KV_BATCH_SMALL) {
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

void kv__batch_fini(struct kv_batch *batch)
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

void kv__batch_sort(struct kv_batch *batch)
{
    if (batch->count > 1)
        qsort(batch->touches, batch->count, sizeof *batch->touches, compare_touches);
}

void kv__batch_unlock(struct kv_batch *batch, bool changed)
{
    while (batch->locked > 0)
        kv_segment_unlock(batch->segments[--batch->locked], changed);
}

size_t kv__batch_end_of(const struct kv_batch *batch, const struct kv_segment *segment,
                        size_t begin)
{
    size_t i = begin;
    while (i < batch->count && kv_segment_covers(segment, batch->touches[i].hash))
        i++;
    return i;
}

int kv__batch_lock(struct kv_batch *batch, const struct kv_map *map, uint64_t flag)
{
    size_t i = 0;
    while (i < batch->count) {
        struct kv_segment *segment = kv_map_segment(map, batch->touches[i].hash);
        if (kv_segment_lock(segment, flag)) {
            batch->segments[batch->locked++] = segment;
            i = kv__batch_end_of(batch, segment, i);
            continue;
        }
        kv__batch_unlock(batch, false);
        if (kv_map_is_dead(map))
            return -ESTALE;
        i = 0;
    }
    return 0;
}

/* Looks all keys up without a lock. False: something changed meanwhile, so the results may not be of one
 * moment. */
static bool read_optimistically(struct kv_batch *batch, const struct kv_map *map)
{
    struct kv_item *items = batch->items;
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

static void read_locked(struct kv_batch *batch, const struct kv_map *map)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct kv_item *item = &batch->items[i];
        uint64_t hash = item->scratch.number;
        item->scratch.pointer = kv_segment_find(kv_map_segment(map, hash), hash, item->key).entry;
    }
    kv__batch_unlock(batch, false);
}

void kv__batch_read(struct kv_batch *batch, const struct kv_map *map)
{
    unsigned steps = 0;
    unsigned attempts = batch->count > KV_BATCH_SMALL ? ATTEMPTS_BIG : ATTEMPTS;
    while (!read_optimistically(batch, map)) {
        if (kv_map_is_dead(map)) {
            for (size_t i = 0; i < batch->count; i++)
                batch->items[i].scratch.pointer = NULL;
            return;
        }
        kv_segment_wait(&steps);
        if (steps < attempts)
            continue;
        kv__batch_sort(batch);
        if (kv__batch_lock(batch, map, 0) == 0) {
            read_locked(batch, map);
            return;
        }
    }
}

int kv_batch_get(const struct kv_map *map, struct kv_loop *loop, struct kv_item *items,
                 size_t count)
{
    struct kv_batch batch;
    int err = kv__batch_init(&batch, loop, items, count);
    if (err < 0)
        return err;
    kv__batch_read(&batch, map);
    kv__batch_fini(&batch);
    return 0;
}
