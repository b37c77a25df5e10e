/* SPDX-License-Identifier: MIT
 *
 * A segment: the entries of a map whose hashes begin with the same `depth` bits, in an array of
 * slots with linear probing. Readers take no lock; a writer locks the segment. An entry stays in
 * its slot as long as its key is there; a segment never changes its size but is replaced.
 *
 *      state    version | dead | batch | locked
 *      slot     19 bits of the hash | 45 bits of the entry's address, which is a multiple of 8
 *
 * The hash bits of a slot are its lowest: they say where probing begins, so that growing need not
 * look at the entries, and spare readers most comparisons of keys. */
#ifndef KV_STORE_SEGMENT_H
#define KV_STORE_SEGMENT_H

#include <stdatomic.h>

#include "entry.h"

/* A segment of the most slots is a block of 16 KiB. */
enum { KV_SEGMENT_SLOTS_MIN = 8, KV_SEGMENT_SLOTS_MAX = 2040 };

enum {
    KV_SLOT_EMPTY = 0,
    KV_SLOT_REMOVED = 1, /* no address: the first page is nobody's */
    KV_SLOT_TAG_BITS = 19,
    KV_SLOT_ADDRESS_BITS = 64 - KV_SLOT_TAG_BITS,
};

enum {
    KV_SEGMENT_LOCKED = 1,
    KV_SEGMENT_BATCH = 2, /* locked by a writer of several keys: what is seen may be half of it */
    KV_SEGMENT_DEAD = 4,  /* replaced: look again */
    KV_SEGMENT_VERSION = 8,
};

struct kv_segment {
    _Atomic uint64_t state;
    uint64_t first; /* the lowest hash that belongs here */
    uint32_t depth; /* bits of first that all hashes here have */
    uint32_t slot_count;
    _Atomic uint32_t live; /* slots with an entry; changed with the lock */
    uint32_t used; /* and those whose entry was removed, which probing has to pass; with the lock */
    _Atomic uint64_t slots[];
};

/* Where a key is, or would be. */
struct kv_place {
    _Atomic uint64_t *slot; /* of the entry; or a free one */
    struct kv_entry *entry; /* NULL: not here */
};

/* NULL: no memory. Not locked, no entries. */
WEFT_MUST_USE struct kv_segment *kv_segment_new(struct kv_pool_cache *cache, uint64_t first,
                                                uint32_t depth, uint32_t slot_count);
/* Not its entries. Of the type of kv_epoch_retire's drop. */
void kv_segment_free(void *segment, void *cache);

size_t kv_segment_heap_size_for(size_t slot_count);

/* How many slots give live entries room to become a quarter more. May be over SLOTS_MAX. */
size_t kv_segment_slots_for(size_t live);

static inline bool kv_segment_covers(const struct kv_segment *segment, uint64_t hash)
{
    return segment->depth == 0 || (hash ^ segment->first) >> (64 - segment->depth) == 0;
}

/* The lowest hash behind those that belong here; 0: there is none. */
static inline uint64_t kv_segment_end(const struct kv_segment *segment)
{
    return segment->depth == 0 ? 0 : segment->first + ((uint64_t)1 << (64 - segment->depth));
}

static inline uint64_t kv_slot_tag(uint64_t hash)
{
    return hash & (((uint64_t)1 << KV_SLOT_TAG_BITS) - 1);
}

/* The slot where probing for a tag begins. */
static inline uint32_t kv_segment_begin(const struct kv_segment *segment, uint64_t tag)
{
    return (uint32_t)(tag * segment->slot_count >> KV_SLOT_TAG_BITS);
}

/* The entry in a slot as it was read, or NULL. */
static inline struct kv_entry *kv_segment_entry(uint64_t slot)
{
    if (slot <= KV_SLOT_REMOVED)
        return NULL;
    uint64_t address = (slot & (((uint64_t)1 << KV_SLOT_ADDRESS_BITS) - 1)) * KV_ENTRY_ALIGN;
    return (struct kv_entry *)(uintptr_t)address;
}

/* Any thread, no lock. What it finds is as of some moment within the call. Slots are read with
 * acquire: whoever sees an entry sees what is in it, and reads the state of the segment after it. */
static inline struct kv_entry *kv_segment_get(const struct kv_segment *segment, uint64_t hash,
                                              struct weft_view key)
{
    uint64_t tag = kv_slot_tag(hash);
    uint32_t i = kv_segment_begin(segment, tag);
    for (;;) {
        uint64_t slot = atomic_load_explicit(&segment->slots[i], memory_order_acquire);
        if (slot == KV_SLOT_EMPTY)
            return NULL;
        if (slot >> KV_SLOT_ADDRESS_BITS == tag && slot != KV_SLOT_REMOVED &&
            kv_entry_has_key(kv_segment_entry(slot), key))
            return kv_segment_entry(slot);
        if (++i == segment->slot_count)
            i = 0;
    }
}

/* Waits for the lock; batch: KV_SEGMENT_BATCH or 0. False: the segment is dead and not locked. */
WEFT_MUST_USE bool kv_segment_lock(struct kv_segment *segment, uint64_t batch);

/* changed: readers that looked meanwhile have to look again. */
void kv_segment_unlock(struct kv_segment *segment, bool changed);

/* Instead of unlock: dead for ever. */
void kv_segment_kill(struct kv_segment *segment);

/* One step of waiting: a pause, now and then the rest of the time slice. */
void kv_segment_wait(unsigned *steps);

/* With the lock, all below. */
struct kv_place kv_segment_find(struct kv_segment *segment, uint64_t hash, struct weft_view key);

/* Whether count keys that are not here may be put. */
bool kv_segment_has_room(const struct kv_segment *segment, size_t count);

/* Puts entry, whose key has this hash, where its key was found to be or not to be. */
void kv_segment_put(struct kv_segment *segment, struct kv_place place, uint64_t hash,
                    struct kv_entry *entry);

/* Takes place.entry out. */
void kv_segment_remove(struct kv_segment *segment, struct kv_place place);

static inline uint32_t kv_segment_live(const struct kv_segment *segment)
{
    return atomic_load_explicit(&segment->live, memory_order_relaxed);
}

/* A smaller one, or one together with its sibling, would do for its entries. */
bool kv_segment_is_sparse(const struct kv_segment *segment);

/* Puts what lies in a slot of another segment into one that nobody else sees yet and that has room;
 * the key must not be there. */
void kv_segment_adopt(struct kv_segment *segment, uint64_t slot);

#endif
