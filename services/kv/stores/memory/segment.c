/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <sched.h>

#include "core/base/compiler.h"
#include "segment_lock.h"

enum {
    EMPTY = KV_SLOT_EMPTY,
    REMOVED = KV_SLOT_REMOVED,
    ADDRESS_BITS = KV_SLOT_ADDRESS_BITS,
    PAUSES = 64, /* pauses before the time slice is given up */
};

static uint64_t slot_of(uint64_t tag, const struct kv_entry *entry)
{
    return tag << ADDRESS_BITS | (uint64_t)(uintptr_t)entry / KV_ENTRY_ALIGN;
}

static size_t block_size(size_t slot_count)
{
    return sizeof(struct kv_segment) + slot_count * sizeof(uint64_t);
}

struct kv_segment *kv_segment_new(struct kv_pool_cache *cache, uint64_t first, uint32_t depth,
                                  uint32_t slot_count)
{
    size_t size = block_size(slot_count);
    struct kv_segment *segment = kv_pool_take(cache, size);
    if (!segment)
        return NULL;
    memset(segment, 0, size);
    segment->first = first;
    atomic_init(&segment->due, KV_UNTIMED);
    segment->depth = (uint8_t)depth;
    segment->slot_count = (uint16_t)slot_count;
    return segment;
}

void kv_segment_free(void *object, void *cache)
{
    struct kv_segment *segment = object;
    kv_pool_give(cache, segment, block_size(segment->slot_count));
}

size_t kv_segment_block_size(const struct kv_segment *segment)
{
    return block_size(segment->slot_count);
}

size_t kv_segment_heap_size_for(size_t slot_count)
{
    return kv_pool_heap_size(block_size(slot_count));
}

/* A segment is replaced when four fifths of its slots are used. With 25/16 slots an entry it then has
 * a quarter more entries than when it was made. */
size_t kv_segment_slots_for(size_t live)
{
    size_t slots = (live * 25 + 15) / 16;
    slots = (slots + 7) & ~(size_t)7;
    return slots < KV_SEGMENT_SLOTS_MIN ? KV_SEGMENT_SLOTS_MIN : slots;
}

void kv_segment_wait(unsigned *steps)
{
    if (++*steps % PAUSES == 0) {
        sched_yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* The order of all is needed by writers that look next if somebody follows (watch.h). */
bool kv_segment_lock(struct kv_segment *segment, uint64_t flag)
{
    unsigned steps = 0;
    for (;;) {
        uint64_t state = atomic_load_explicit(&segment->state, memory_order_acquire);
        if (state & KV_SEGMENT_DEAD)
            return false;
        if (!(state & KV_SEGMENT_LOCKED) &&
            atomic_compare_exchange_weak_explicit(&segment->state, &state,
                                                  state | KV_SEGMENT_LOCKED | flag,
                                                  memory_order_seq_cst, memory_order_relaxed))
            return true;
        kv_segment_wait(&steps);
    }
}

void kv_segment_kill(struct kv_segment *segment)
{
    uint64_t state = kv__segment_version(segment) | KV_SEGMENT_DEAD;
    atomic_store_explicit(&segment->state, state, memory_order_release);
}

struct kv_place kv_segment_find(struct kv_segment *segment, uint64_t hash, struct weft_view key)
{
    uint64_t tag = kv_slot_tag(hash);
    uint32_t i = kv_segment_begin(segment, tag);
    _Atomic uint64_t *removed = NULL;
    for (;;) {
        _Atomic uint64_t *place = &segment->slots[i];
        uint64_t slot = atomic_load_explicit(place, memory_order_relaxed);
        if (slot == EMPTY)
            return (struct kv_place){removed ? removed : place, NULL};
        if (slot == REMOVED) {
            if (!removed)
                removed = place;
        } else if (slot >> ADDRESS_BITS == tag) {
            struct kv_entry *entry = kv_segment_entry(slot);
            if (kv_entry_has_key(entry, key))
                return (struct kv_place){place, entry};
        }
        if (++i == segment->slot_count)
            i = 0;
    }
}

bool kv_segment_has_room(const struct kv_segment *segment, size_t count)
{
    uint32_t slots = segment->slot_count;
    return segment->used + count <= slots / 5 * 4 + slots % 5 * 4 / 5;
}

static void add_live(struct kv_segment *segment, int n)
{
    uint16_t live = (uint16_t)((int)kv_segment_live(segment) + n);
    atomic_store_explicit(&segment->live, live, memory_order_relaxed);
}

void kv_segment_note_due(struct kv_segment *segment, int64_t due)
{
    if (due < kv_segment_due(segment))
        atomic_store_explicit(&segment->due, due, memory_order_relaxed);
}

WEFT_NOINLINE static void note_entry(struct kv_segment *segment, const struct kv_entry *entry)
{
    kv_segment_note_due(segment, kv_due_of(kv__entry_expires(entry)));
}

void kv_segment_put(struct kv_segment *segment, struct kv_place place, uint64_t hash,
                    struct kv_entry *entry)
{
    if (!place.entry) {
        add_live(segment, 1);
        if (atomic_load_explicit(place.slot, memory_order_relaxed) == EMPTY)
            segment->used++;
    }
    atomic_store_explicit(place.slot, slot_of(kv_slot_tag(hash), entry), memory_order_release);
    if (kv_entry_is_timed(entry))
        note_entry(segment, entry);
}

void kv_slot_move(_Atomic uint64_t *slot, const struct kv_entry *entry)
{
    uint64_t tag = atomic_load_explicit(slot, memory_order_relaxed) >> ADDRESS_BITS;
    atomic_store_explicit(slot, slot_of(tag, entry), memory_order_release);
}

void kv_segment_remove(struct kv_segment *segment, struct kv_place place)
{
    size_t i = (size_t)(place.slot - segment->slots);
    size_t next = i + 1 == segment->slot_count ? 0 : i + 1;
    add_live(segment, -1);
    if (atomic_load_explicit(&segment->slots[next], memory_order_relaxed) != EMPTY) {
        atomic_store_explicit(place.slot, REMOVED, memory_order_release);
        return;
    }
    /* Probing ends at the next slot anyway, so this slot and the removed ones before it become
     * empty: nobody has to pass them. */
    do {
        atomic_store_explicit(&segment->slots[i], EMPTY, memory_order_release);
        segment->used--;
        i = i == 0 ? (size_t)segment->slot_count - 1 : i - 1;
    } while (atomic_load_explicit(&segment->slots[i], memory_order_relaxed) == REMOVED);
}

bool kv_segment_is_sparse(const struct kv_segment *segment)
{
    return (segment->slot_count > KV_SEGMENT_SLOTS_MIN || segment->depth > 0) &&
           kv_segment_live(segment) < segment->slot_count / 4;
}

void kv_segment_adopt(struct kv_segment *segment, uint64_t slot)
{
    uint32_t i = kv_segment_begin(segment, slot >> ADDRESS_BITS);
    while (atomic_load_explicit(&segment->slots[i], memory_order_relaxed) != EMPTY) {
        if (++i == segment->slot_count)
            i = 0;
    }
    atomic_store_explicit(&segment->slots[i], slot, memory_order_relaxed);
    add_live(segment, 1);
    segment->used++;
}

void kv_segment_adopt_all(struct kv_segment *segment, const struct kv_segment *old)
{
    kv_segment_note_due(segment, kv_segment_due(old));
    for (uint32_t i = 0; i < old->slot_count; i++) {
        uint64_t slot = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (kv_segment_entry(slot))
            kv_segment_adopt(segment, slot);
    }
}
