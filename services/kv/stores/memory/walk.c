/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <errno.h>
#include <stdlib.h>

/* A cursor is the lowest hash that was not yet walked, and its keyed hash, so that what a client
 * gives back is known to be of this store and of this life of it: in another the order differs. */
struct place {
    uint64_t from, proof;
};

static uint64_t proof_of(const struct kv_loop *worker, uint64_t from)
{
    return kv_map_hash(worker, weft_view(&from, sizeof from));
}

static int read_cursor(const struct kv_loop *worker, const struct kv_cursor *cursor, uint64_t *from)
{
    struct place place;
    *from = 0;
    if (cursor->size == 0)
        return 0;
    if (cursor->size != sizeof place)
        return -ESTALE;
    memcpy(&place, cursor->bytes, sizeof place);
    *from = place.from;
    return place.proof == proof_of(worker, place.from) ? 0 : -ESTALE;
}

/* from 0: the end, since the first page begins there. */
static void set_cursor(const struct kv_loop *worker, struct kv_cursor *cursor, uint64_t from)
{
    cursor->size = 0;
    if (from == 0)
        return;
    const struct place place = {from, proof_of(worker, from)};
    cursor->size = sizeof place;
    memcpy(cursor->bytes, &place, sizeof place);
}

static bool tell(struct kv_op *op, const struct kv_entry *entry)
{
    struct kv_value value = kv_entry_value(entry);
    return op->each(op, kv_entry_key(entry), &value);
}

static const struct kv_entry *entry_at(const struct kv_segment *segment, uint32_t i)
{
    return kv_segment_entry(atomic_load_explicit(&segment->slots[i], memory_order_acquire));
}

/* The pairs of one segment whose hashes are not below from. False: enough of them. */
static bool walk_segment(const struct kv_loop *worker, struct kv_op *op,
                         const struct kv_segment *segment, uint64_t from, size_t *count)
{
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        const struct kv_entry *entry = entry_at(segment, i);
        if (!entry)
            continue;
        /* The page before may have ended within what is one segment now. */
        if (from > segment->first && kv_map_hash(worker, kv_entry_key(entry)) < from)
            continue;
        if (!tell(op, entry))
            return false;
        ++*count;
    }
    return true;
}

/* Segments are walked whole, and are ranges of hashes whatever becomes of them: so a key is never
 * missed, and met twice only if it was removed and came again. */
static void walk_about(const struct kv_map *map, const struct kv_loop *worker, struct kv_op *op,
                       uint64_t from)
{
    size_t count = 0;
    do {
        const struct kv_segment *segment = kv_map_segment(map, from);
        if (!walk_segment(worker, op, segment, from, &count))
            return;
        from = kv_segment_end(segment);
    } while (from != 0 && count < op->count);
    set_cursor(worker, op->cursor, from);
}

struct hashed {
    uint64_t hash;
    const struct kv_entry *entry;
};

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = ((const struct hashed *)a)->hash, y = ((const struct hashed *)b)->hash;
    return (x > y) - (x < y);
}

static size_t sort_segment(const struct kv_loop *worker, const struct kv_segment *segment,
                           uint64_t from, struct hashed sorted[KV_SEGMENT_SLOTS_MAX])
{
    size_t count = 0;
    for (uint32_t i = 0; i < segment->slot_count; i++) {
        const struct kv_entry *entry = entry_at(segment, i);
        if (!entry)
            continue;
        uint64_t hash = kv_map_hash(worker, kv_entry_key(entry));
        if (hash >= from)
            sorted[count++] = (struct hashed){hash, entry};
    }
    qsort(sorted, count, sizeof *sorted, compare_hashes);
    return count;
}

/* The same in the order of hashes, so that a page can end between any two keys. Two keys with one
 * hash are 64 equal bits under a random seed: should they ever be, and a page end between them, the
 * next begins with both. */
static void walk_exactly(const struct kv_map *map, const struct kv_loop *worker, struct kv_op *op,
                         uint64_t from)
{
    struct hashed sorted[KV_SEGMENT_SLOTS_MAX];
    size_t count = 0;
    do {
        const struct kv_segment *segment = kv_map_segment(map, from);
        size_t found = sort_segment(worker, segment, from, sorted);
        for (size_t i = 0; i < found; i++) {
            if (count++ < op->count && tell(op, sorted[i].entry))
                continue;
            set_cursor(worker, op->cursor, sorted[i].hash);
            return;
        }
        from = kv_segment_end(segment);
    } while (from != 0);
    set_cursor(worker, op->cursor, 0);
}

int kv_walk(const struct kv_map *map, const struct kv_loop *worker, struct kv_op *op)
{
    uint64_t from;
    int err = read_cursor(worker, op->cursor, &from);
    if (err < 0)
        return err;
    op->cursor->size = 0;
    if (!map)
        return 0;
    if (op->exact)
        walk_exactly(map, worker, op, from);
    else
        walk_about(map, worker, op, from);
    return 0;
}
