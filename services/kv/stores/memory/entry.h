/* SPDX-License-Identifier: MIT
 *
 * An entry: one key and its value, in one allocation, immutable once others can see it.
 *
 *      key_size | value_size | key | value                 a value that lies here
 *      key_size | value_size | reference | key             one that lies elsewhere
 *
 * The reference is a blob whose last value_size bytes are the value, or, in the index of tables, a
 * table. */
#ifndef KV_STORE_ENTRY_H
#define KV_STORE_ENTRY_H

#include "services/kv/store.h"
#include "pool.h"

struct kv_entry {
    uint32_t key_size;
    uint32_t value_size; /* the top bit: a reference follows */
    uint8_t data[];
};

enum { KV_ENTRY_ALIGN = KV_POOL_ALIGN, KV_ENTRY_ADDRESS_BITS = 48 };

/* Copies key and value; a value with a blob is kept as a counted reference. NULL: no memory, or an
 * address that a slot cannot hold (see segment.h), or over 2^31 - 1 bytes. */
WEFT_MUST_USE struct kv_entry *kv_entry_new(struct kv_pool_cache *cache, struct weft_view key,
                                            const struct kv_value *value);

/* One for the index: key, and a pointer that is not counted. */
WEFT_MUST_USE struct kv_entry *kv_entry_new_index(struct kv_pool_cache *cache, struct weft_view key,
                                                  void *pointer);

/* Frees an entry of the first kind and gives its reference up; one of the index. cache: of the pool
 * that the entry came from. They have the type of kv_epoch_retire's drop. */
void kv_entry_free(void *entry, void *cache);
void kv_entry_free_index(void *entry, void *cache);

/* The entry and what only it keeps alive. */
size_t kv_entry_heap_size(const struct kv_entry *entry);

static inline bool kv_entry_has_reference(const struct kv_entry *entry)
{
    return entry->value_size >> 31;
}

static inline void *kv_entry_reference(const struct kv_entry *entry)
{
    void *pointer;
    memcpy(&pointer, entry->data, sizeof pointer);
    return pointer;
}

static inline struct weft_view kv_entry_key(const struct kv_entry *entry)
{
    const uint8_t *key = entry->data + (kv_entry_has_reference(entry) ? sizeof(void *) : 0);
    return weft_view(key, entry->key_size);
}

static inline bool kv_entry_has_key(const struct kv_entry *entry, struct weft_view key)
{
    return weft_view_equal(kv_entry_key(entry), key);
}

/* kv_entry_value of one that has a reference. */
struct kv_value kv__entry_blob_value(const struct kv_entry *entry);

/* Views of the entry: valid until it is freed. */
static inline struct kv_value kv_entry_value(const struct kv_entry *entry)
{
    if (kv_entry_has_reference(entry))
        return kv__entry_blob_value(entry);
    return (struct kv_value){weft_view(entry->data + entry->key_size, entry->value_size), NULL};
}

#endif
