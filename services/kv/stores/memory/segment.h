/* SPDX-License-Identifier: MIT
 *
 * A segment: the entries of a map whose hashes begin with the same `depth` bits, in an array of
 * slots with linear probing. Readers take no lock; a writer locks the segment. An entry stays in
 * its slot as long as its key is there. A segment never changes its size: it is replaced. slot.h
 * says what a slot holds, segment_lock.h what the state does. */
#ifndef KV_STORE_SEGMENT_H
#define KV_STORE_SEGMENT_H

#include "slot.h"

/* A segment of the most slots is a block of 16 KiB. */
enum { KV_SEGMENT_SLOTS_MIN = 8, KV_SEGMENT_SLOTS_MAX = 2040 };

struct kv_segment {
    _Atomic uint64_t state;
    uint64_t first; /* the lowest hash that belongs here */
    /* When it is worth to look for entries that have expired (expiry.c); KV_UNTIMED if no entry expires.
     * It may be too early, since it stays when an entry goes. Changed with the lock held. */
    _Atomic int64_t due;
    uint16_t slot_count;
    uint16_t used;         /* live, and slots whose entry was removed, which probing has to pass;
                              guarded by the lock */
    _Atomic uint16_t live; /* slots with an entry; changed with the lock held */
    uint8_t depth;         /* bits of first that all hashes here have */
    _Atomic uint64_t slots[];
};

#define KV_UNTIMED INT64_MAX

/* Expired entries are looked for this much later, in milliseconds, so that each look finds many. */
enum { KV_EXPIRY_GRACE = 1000 };

/* Returns when to look for an entry that expires then. */
static inline int64_t kv_due_of(int64_t expires)
{
    return expires < KV_UNTIMED - KV_EXPIRY_GRACE ? expires + KV_EXPIRY_GRACE : KV_UNTIMED - 1;
}

/* The place where a key is or would be put. */
struct kv_place {
    _Atomic uint64_t *slot; /* the entry's slot, or a free one */
    struct kv_entry *entry; /* NULL: the key is not here */
};

/* Returns an unlocked segment without entries, or NULL: no memory. */
WEFT_MUST_USE struct kv_segment *kv_segment_new(struct kv_pool_cache *cache, uint64_t first,
                                                uint32_t depth, uint32_t slot_count);
/* Frees the segment but not its entries. It has the type of kv_epoch_retire's drop. */
void kv_segment_free(void *segment, void *cache);

size_t kv_segment_heap_size_for(size_t slot_count);

/* Returns the size for which the segment's block was taken. */
size_t kv_segment_block_size(const struct kv_segment *segment);

/* Returns the number of slots in which `live` entries can become a quarter more. It may be over
 * KV_SEGMENT_SLOTS_MAX. */
size_t kv_segment_slots_for(size_t live);

static inline bool kv_segment_covers(const struct kv_segment *segment, uint64_t hash)
{
    return segment->depth == 0 || (hash ^ segment->first) >> (64 - segment->depth) == 0;
}

/* Returns the lowest hash behind those that belong here, or 0 if there is none. */
static inline uint64_t kv_segment_end(const struct kv_segment *segment)
{
    return segment->depth == 0 ? 0 : segment->first + ((uint64_t)1 << (64 - segment->depth));
}

/* Returns the slot where probing for a tag begins. */
static inline uint32_t kv_segment_begin(const struct kv_segment *segment, uint64_t tag)
{
    return (uint32_t)(tag * segment->slot_count >> KV_SLOT_TAG_BITS);
}

/* Returns the entry of key, or NULL, at some moment within the call. Any thread may call it, without
 * a lock. Slots are loaded with acquire: whoever sees an entry sees its bytes, and a load of the
 * segment's state that follows in the program follows in memory as well. */
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

/* The functions below need the lock, or a segment that nobody else sees. */
struct kv_place kv_segment_find(struct kv_segment *segment, uint64_t hash, struct weft_view key);

/* True if count keys that are not here may be put. */
bool kv_segment_has_room(const struct kv_segment *segment, size_t count);

/* Puts entry, whose key has this hash, into the place where kv_segment_find found its key or room
 * for it. */
void kv_segment_put(struct kv_segment *segment, struct kv_place place, uint64_t hash,
                    struct kv_entry *entry);

/* Removes place.entry. */
void kv_segment_remove(struct kv_segment *segment, struct kv_place place);

static inline uint32_t kv_segment_live(const struct kv_segment *segment)
{
    return atomic_load_explicit(&segment->live, memory_order_relaxed);
}

static inline int64_t kv_segment_due(const struct kv_segment *segment)
{
    return atomic_load_explicit(&segment->due, memory_order_relaxed);
}

/* Sets `due` to this time if that is earlier. */
void kv_segment_note_due(struct kv_segment *segment, int64_t due);

/* True if a smaller segment, or one together with its sibling, would do for the entries. */
bool kv_segment_is_sparse(const struct kv_segment *segment);

/* Puts the content of a slot of another segment into this one, which has room and not the key. */
void kv_segment_adopt(struct kv_segment *segment, uint64_t slot);
/* Does so with every entry of old. */
void kv_segment_adopt_all(struct kv_segment *segment, const struct kv_segment *old);

#endif
