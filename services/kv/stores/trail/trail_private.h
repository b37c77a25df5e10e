/* SPDX-License-Identifier: MIT
 *
 * Chunks of a trail. Private to trail.c and follow.c. */
#ifndef KV_TRAIL_PRIVATE_H
#define KV_TRAIL_PRIVATE_H

#include <stdalign.h>

#include "trail.h"

/* A change in a chunk. Its table, key and value follow. Records never change once they are written. */
struct kv_trail_record {
    uint64_t number;
    int64_t expires;
    size_t table, key, value; /* sizes */
    enum kv_change_kind kind;
    enum kv_change_part part;
    bool more;
    uint8_t bytes[];
};

/* Records lie in it one behind the other. A follower that reads a chunk holds it, so that it may be forgotten
 * meanwhile. All but the bytes of records is under the trail's lock. */
struct kv_trail_chunk {
    struct kv_trail_chunk *next; /* not valid if it was forgotten */
    bool is_forgotten;
    unsigned holders; /* followers */
    uint64_t last;    /* the number of the last record */
    size_t used, capacity;
    alignas(8) uint8_t bytes[];
};

enum { KV_TRAIL_CHUNK = 64 << 10, KV_TRAIL_ALIGN = 8 };

/* Returns the bytes that a record takes. */
static inline size_t kv_trail_record_size(size_t bytes)
{
    size_t size = sizeof(struct kv_trail_record) + bytes;
    return (size + KV_TRAIL_ALIGN - 1) / KV_TRAIL_ALIGN * KV_TRAIL_ALIGN;
}

static inline size_t kv_trail_size_of(const struct kv_trail_record *record)
{
    return kv_trail_record_size(record->table + record->key + record->value);
}

/* For callers with the lock: lets go of a chunk that a follower holds. */
void kv__trail_release(struct kv_trail_chunk *chunk);

/* For callers with the lock: the trail comes on. */
void kv__trail_come_on(struct kv_trail *trail);

/* For callers with the lock: the number of the last change that followers may see. */
uint64_t kv__trail_visible(const struct kv_trail *trail);

#endif
