/* SPDX-License-Identifier: MIT
 *
 * A slot of a segment (segment.h) is one word, so that a reader sees all of it or none:
 *
 *      19 bits of the hash | 45 bits of the entry's address, which is a multiple of 8
 *
 * The hash bits are the lowest of the hash. They say where probing begins, so that growing need not look at
 * the entries, and they spare readers most comparisons of keys. */
#ifndef KV_STORE_SLOT_H
#define KV_STORE_SLOT_H

#include <stdatomic.h>

#include "entry.h"

enum {
    KV_SLOT_EMPTY = 0,
    KV_SLOT_REMOVED = 1, /* no address: the first page is nobody's */
    KV_SLOT_TAG_BITS = 19,
    KV_SLOT_ADDRESS_BITS = 64 - KV_SLOT_TAG_BITS,
};

static inline uint64_t kv_slot_tag(uint64_t hash)
{
    return hash & (((uint64_t)1 << KV_SLOT_TAG_BITS) - 1);
}

/* Returns the entry in a slot's content, or NULL. */
static inline struct kv_entry *kv_segment_entry(uint64_t slot)
{
    if (slot <= KV_SLOT_REMOVED)
        return NULL;
    uint64_t address = (slot & (((uint64_t)1 << KV_SLOT_ADDRESS_BITS) - 1)) * KV_ENTRY_ALIGN;
    return (struct kv_entry *)(uintptr_t)address;
}

/* Makes a slot show an equal entry at another address. */
void kv_slot_move(_Atomic uint64_t *slot, const struct kv_entry *entry);

#endif
