/* SPDX-License-Identifier: MIT
 *
 * An entry: one key and its value, in one block, immutable once others can see it.
 *
 *      key_size | value_size | key | value                 the value lies in the entry
 *      key_size | value_size | reference | key             the value lies elsewhere
 *
 * The reference is a blob whose last value_size bytes are the value or, in the index of tables, a
 * table. Behind either stands the expiry, in eight bytes, if the key has one. */
#ifndef KV_STORE_ENTRY_H
#define KV_STORE_ENTRY_H

#include <stdbool.h>

#include "services/kv/store.h"
#include "pool.h"

struct kv_entry {
    uint32_t key_size;
    uint32_t value_size; /* the top bit is set if a reference follows, the next if an expiry does */
    uint8_t data[];
};

enum {
    KV_ENTRY_REFERENCE_BIT = 31,
    KV_ENTRY_EXPIRY_BIT = 30,
    KV_ENTRY_SIZE_MAX = (1 << KV_ENTRY_EXPIRY_BIT) - 1, /* of a key or a value */
};

enum { KV_ENTRY_ALIGN = KV_POOL_ALIGN, KV_ENTRY_ADDRESS_BITS = 48 };

/* Copies key and value. A value with a blob is kept as a counted reference or, if the pool has a
 * limit, as a reference to a copy in the pool, so that the pool knows all the memory that is in use.
 * expires: or KV_NEVER. NULL: no memory (or the pool's limit), an address that a slot cannot hold (see
 * segment.h), or a key or value over KV_ENTRY_SIZE_MAX. */
WEFT_MUST_USE struct kv_entry *kv_entry_new(struct kv_pool_cache *cache, struct weft_view key,
                                            const struct kv_value *value, int64_t expires);

/* Makes an entry whose value is these parts, one behind the other. NULL as kv_entry_new. */
WEFT_MUST_USE struct kv_entry *kv_entry_join(struct kv_pool_cache *cache, struct weft_view key,
                                             const struct weft_view *parts, size_t count,
                                             int64_t expires);

/* Returns an entry with another expiry, which shares the blob of this one if it has one, or NULL. */
WEFT_MUST_USE struct kv_entry *kv_entry_renew(const struct kv_entry *entry,
                                              struct kv_pool_cache *cache, int64_t expires);

/* Makes an entry of the index: key, and a pointer that is not counted. */
WEFT_MUST_USE struct kv_entry *kv_entry_new_index(struct kv_pool_cache *cache, struct weft_view key,
                                                  void *pointer);

/* Free an entry and drop its reference; free an entry of the index. cache belongs to the pool that
 * the entry came from. They have the type of kv_epoch_retire's drop. */
void kv_entry_free(void *entry, void *cache);
void kv_entry_free_index(void *entry, void *cache);

/* True if the entry or the blob that it refers to lies in a block that has to move (pool.h). */
bool kv_entry_must_move(const struct kv_entry *entry, const struct kv_pool *pool, bool index);

/* Returns an equal entry in other blocks, or NULL. */
WEFT_MUST_USE struct kv_entry *kv_entry_copy(const struct kv_entry *entry,
                                             struct kv_pool_cache *cache, bool index);

/* Returns the heap bytes of the entry and of what only the entry keeps alive. */
size_t kv_entry_heap_size(const struct kv_entry *entry);

static inline bool kv_entry_has_reference(const struct kv_entry *entry)
{
    return entry->value_size >> KV_ENTRY_REFERENCE_BIT;
}

static inline bool kv_entry_is_timed(const struct kv_entry *entry)
{
    return entry->value_size >> KV_ENTRY_EXPIRY_BIT & 1;
}

static inline size_t kv_entry_value_size(const struct kv_entry *entry)
{
    return entry->value_size & KV_ENTRY_SIZE_MAX;
}

/* kv_entry_expires for an entry that is timed. */
int64_t kv__entry_expires(const struct kv_entry *entry);

/* Returns the expiry, or KV_NEVER. */
static inline int64_t kv_entry_expires(const struct kv_entry *entry)
{
    return kv_entry_is_timed(entry) ? kv__entry_expires(entry) : KV_NEVER;
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

/* kv_entry_value for an entry with a reference. */
struct kv_value kv__entry_blob_value(const struct kv_entry *entry);

/* Returns views of the entry, which are valid until it is freed. */
static inline struct kv_value kv_entry_value(const struct kv_entry *entry)
{
    if (kv_entry_has_reference(entry))
        return kv__entry_blob_value(entry);
    return (struct kv_value){weft_view(entry->data + entry->key_size, kv_entry_value_size(entry)),
                             NULL};
}

#endif
