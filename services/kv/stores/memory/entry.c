/* SPDX-License-Identifier: MIT */
#include "entry.h"

#include "core/base/compiler.h"
#include "core/base/mem.h"

static const uint32_t has_reference = (uint32_t)1 << KV_ENTRY_REFERENCE_BIT;
static const uint32_t has_expiry = (uint32_t)1 << KV_ENTRY_EXPIRY_BIT;

/* Gives back a block at an address that a slot cannot hold. */
WEFT_NOINLINE static struct kv_entry *give_back(struct kv_pool_cache *cache, void *block,
                                                size_t size)
{
    kv_pool_give(cache, block, size);
    return NULL;
}

static WEFT_INLINE struct kv_entry *new_entry(struct kv_pool_cache *cache, struct weft_view key,
                                              size_t value_size, size_t data_size)
{
    if (key.size > KV_ENTRY_SIZE_MAX || value_size > KV_ENTRY_SIZE_MAX)
        return NULL;
    struct kv_entry *entry = kv_pool_take(cache, sizeof *entry + data_size);
    if (!entry)
        return NULL;
    uintptr_t address = (uintptr_t)entry;
    if (address % KV_ENTRY_ALIGN != 0 || (uint64_t)address >> KV_ENTRY_ADDRESS_BITS != 0)
        return give_back(cache, entry, sizeof *entry + data_size);
    entry->key_size = (uint32_t)key.size;
    entry->value_size = (uint32_t)value_size;
    return entry;
}

/* Makes an entry with room for an expiry behind its data, and fills that in. */
WEFT_NOINLINE static struct kv_entry *new_timed(struct kv_pool_cache *cache, struct weft_view key,
                                                size_t value_size, size_t data_size,
                                                int64_t expires)
{
    struct kv_entry *entry = new_entry(cache, key, value_size, data_size + sizeof expires);
    if (!entry)
        return NULL;
    entry->value_size |= has_expiry;
    memcpy(entry->data + data_size, &expires, sizeof expires);
    return entry;
}

static WEFT_INLINE struct kv_entry *new_either(struct kv_pool_cache *cache, struct weft_view key,
                                               size_t value_size, size_t data_size, int64_t expires)
{
    return expires == KV_NEVER ? new_entry(cache, key, value_size, data_size)
                               : new_timed(cache, key, value_size, data_size, expires);
}

static uint8_t *copy_view(uint8_t *dst, struct weft_view view)
{
    if (view.size > 0)
        memcpy(dst, view.data, view.size);
    return dst + view.size;
}

static struct kv_entry *new_with_reference(struct kv_pool_cache *cache, struct weft_view key,
                                           size_t value_size, void *pointer, int64_t expires)
{
    struct kv_entry *entry = new_either(cache, key, value_size, sizeof pointer + key.size, expires);
    if (!entry)
        return NULL;
    entry->value_size |= has_reference;
    memcpy(entry->data, &pointer, sizeof pointer);
    copy_view(entry->data + sizeof pointer, key);
    return entry;
}

/* Takes over the reference to blob, which may be NULL: then there is no entry. */
static struct kv_entry *with_blob(struct kv_pool_cache *cache, struct weft_view key,
                                  size_t value_size, struct weft_blob *blob, int64_t expires)
{
    struct kv_entry *entry = NULL;
    if (blob)
        entry = new_with_reference(cache, key, value_size, blob, expires);
    if (!entry)
        weft_blob_unref(blob);
    return entry;
}

WEFT_NOINLINE static struct kv_entry *new_from_blob(struct kv_pool_cache *cache,
                                                    struct weft_view key,
                                                    const struct kv_value *value, int64_t expires)
{
    struct weft_blob *blob = cache->pool->resident_max > 0 ? kv_pool_copy_blob(cache, value->blob)
                                                           : weft_blob_ref(value->blob);
    return with_blob(cache, key, value->bytes.size, blob, expires);
}

struct kv_entry *kv_entry_new(struct kv_pool_cache *cache, struct weft_view key,
                              const struct kv_value *value, int64_t expires)
{
    if (value->blob)
        return new_from_blob(cache, key, value, expires);
    if (expires != KV_NEVER)
        return kv_entry_join(cache, key, &value->bytes, 1, expires);
    struct kv_entry *entry = new_entry(cache, key, value->bytes.size, key.size + value->bytes.size);
    if (!entry)
        return NULL;
    copy_view(copy_view(entry->data, key), value->bytes);
    return entry;
}

struct kv_entry *kv_entry_join(struct kv_pool_cache *cache, struct weft_view key,
                               const struct weft_view *parts, size_t count, int64_t expires)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    struct kv_entry *entry = new_either(cache, key, size, key.size + size, expires);
    if (!entry)
        return NULL;
    uint8_t *dst = copy_view(entry->data, key);
    for (size_t i = 0; i < count; i++)
        dst = copy_view(dst, parts[i]);
    return entry;
}

struct kv_entry *kv_entry_renew(const struct kv_entry *entry, struct kv_pool_cache *cache,
                                int64_t expires)
{
    struct kv_value value = kv_entry_value(entry);
    if (!value.blob)
        return kv_entry_new(cache, kv_entry_key(entry), &value, expires);
    return with_blob(cache, kv_entry_key(entry), value.bytes.size, weft_blob_ref(value.blob),
                     expires);
}

int64_t kv__entry_expires(const struct kv_entry *entry)
{
    int64_t expires;
    size_t rest = kv_entry_has_reference(entry) ? sizeof(void *) : kv_entry_value_size(entry);
    memcpy(&expires, entry->data + entry->key_size + rest, sizeof expires);
    return expires;
}

struct kv_entry *kv_entry_new_index(struct kv_pool_cache *cache, struct weft_view key,
                                    void *pointer)
{
    return new_with_reference(cache, key, 0, pointer, KV_NEVER);
}

static size_t block_size(const struct kv_entry *entry)
{
    size_t rest = kv_entry_has_reference(entry) ? sizeof(void *) : kv_entry_value_size(entry);
    return sizeof *entry + entry->key_size + rest + kv_entry_is_timed(entry) * sizeof(int64_t);
}

void kv_entry_free_index(void *object, void *cache)
{
    struct kv_entry *entry = object;
    kv_pool_give(cache, entry, block_size(entry));
}

void kv_entry_free(void *object, void *cache)
{
    struct kv_entry *entry = object;
    if (kv_entry_has_reference(entry))
        weft_blob_unref(kv_entry_reference(entry));
    kv_pool_give(cache, entry, block_size(entry));
}

size_t kv_entry_heap_size(const struct kv_entry *entry)
{
    size_t size = kv_pool_heap_size(block_size(entry));
    if (!kv_entry_has_reference(entry))
        return size;
    size_t value_size = kv_entry_value_size(entry);
    /* An entry of the index has no value; its table is accounted for by whoever made it. */
    return value_size > 0 ? size + kv_pool_heap_size(weft_blob_memory(value_size)) : size;
}

bool kv_entry_must_move(const struct kv_entry *entry, const struct kv_pool *pool, bool index)
{
    if (kv_pool_must_move(pool, entry, block_size(entry)))
        return true;
    return !index && kv_entry_has_reference(entry) &&
           kv_pool_must_move_blob(pool, kv_entry_reference(entry));
}

struct kv_entry *kv_entry_copy(const struct kv_entry *entry, struct kv_pool_cache *cache,
                               bool index)
{
    if (index)
        return kv_entry_new_index(cache, kv_entry_key(entry), kv_entry_reference(entry));
    struct kv_value value = kv_entry_value(entry);
    if (value.blob && kv_pool_must_move_blob(cache->pool, value.blob))
        return kv_entry_new(cache, kv_entry_key(entry), &value, kv_entry_expires(entry));
    return kv_entry_renew(entry, cache, kv_entry_expires(entry));
}

struct kv_value kv__entry_blob_value(const struct kv_entry *entry)
{
    size_t size = kv_entry_value_size(entry);
    struct weft_blob *blob = kv_entry_reference(entry);
    struct weft_view all = weft_blob_view(blob);
    return (struct kv_value){weft_view_skip(all, all.size - size), blob};
}
