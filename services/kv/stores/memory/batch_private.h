/* SPDX-License-Identifier: MIT
 *
 * A batch under way: its keys, and the segments that it has read or locked. Private to batch.c and
 * batch_write.c. */
#ifndef KV_STORE_BATCH_PRIVATE_H
#define KV_STORE_BATCH_PRIVATE_H

#include "batch.h"
#include "rebuild.h"

enum { KV_BATCH_SMALL = 32 }; /* a batch up to this size needs no memory of its own */

struct kv_batch {
    struct kv_item *items;
    struct kv_touch *touches; /* one for each item; sorted once they are needed */
    struct kv_segment *
        *segments;    /* the locked ones; while reading without locks, that of each item */
    uint64_t *states; /* of segments, as they were first read */
    size_t count;     /* of items and touches, and the room in segments and states */
    size_t locked;    /* segments that are locked */
    void *heap;
    struct {
        struct kv_touch touches[KV_BATCH_SMALL];
        struct kv_segment *segments[KV_BATCH_SMALL];
        uint64_t states[KV_BATCH_SMALL];
    } small;
};

/* Makes a touch for each item. -ENOMEM. */
WEFT_MUST_USE int kv__batch_init(struct kv_batch *batch, const struct kv_loop *loop,
                                 struct kv_item *items, size_t count);
void kv__batch_fini(struct kv_batch *batch);

/* Sorts the touches by hash and, where hashes are equal, by item. */
void kv__batch_sort(struct kv_batch *batch);

/* Sets item->scratch.pointer of each item to its entry or NULL, all as of one moment. */
void kv__batch_read(struct kv_batch *batch, const struct kv_map *map);

/* Locks every segment that a sorted touch belongs to, in ascending order. If one of them turns out to be
 * replaced, it unlocks all and starts over. -ESTALE: the map is dead, and nothing is locked. */
WEFT_MUST_USE int kv__batch_lock(struct kv_batch *batch, const struct kv_map *map, uint64_t flag);
void kv__batch_unlock(struct kv_batch *batch, bool changed);

/* Returns the index behind the last touch that belongs to segment; touches[begin] is the first. */
size_t kv__batch_end_of(const struct kv_batch *batch, const struct kv_segment *segment,
                        size_t begin);

#endif
