/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include <errno.h>

enum { MORE = 256 }; /* entries that share a piece of memory */

/* A later change of a key stands before an earlier one. */
struct kv_overlay_entry {
    struct kv_overlay_entry *next;  /* of the bucket */
    struct kv_overlay_entry *other; /* of all */
    size_t bucket, key_size, value_size;
    size_t room; /* bytes for a value */
    bool removed;
    uint8_t bytes[]; /* the key, then the value */
};

/* FNV-1a over words, which is as good for keys that differ in their last bytes. */
static size_t bucket_of(struct weft_view key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    size_t i = 0;
    for (; i + 8 <= key.size; i += 8)
        hash = (hash ^ weft_load_native(key.data + i, 8)) * UINT64_C(1099511628211);
    if (i < key.size)
        hash = (hash ^ weft_load_native(key.data + i, key.size - i)) * UINT64_C(1099511628211);
    return (size_t)((hash ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15) >> 40) % KV_OVERLAY_BUCKETS;
}

static struct kv_overlay_entry *find(const struct kv_overlay *overlay, size_t bucket,
                                     struct weft_view key)
{
    struct kv_overlay_entry *entry = overlay->buckets[bucket];
    while (entry && !weft_view_equal(weft_view(entry->bytes, entry->key_size), key))
        entry = entry->next;
    return entry;
}

/* Returns the entry of the key with room for a value: one that is there, or a new one before it. */
static struct kv_overlay_entry *add(struct kv_overlay *overlay, struct weft_view key,
                                    size_t value_size)
{
    size_t bucket = bucket_of(key), size = sizeof(struct kv_overlay_entry) + key.size + value_size;
    struct kv_overlay_entry *entry = find(overlay, bucket, key);
    if (entry && entry->room >= value_size) {
        entry->value_size = value_size;
        entry->removed = false;
        return entry;
    }
    entry = kv_results_alloc(&overlay->memory, size, MORE);
    if (!entry)
        return NULL;
    *entry = (struct kv_overlay_entry){.next = overlay->buckets[bucket],
                                       .other = overlay->entries,
                                       .bucket = bucket,
                                       .key_size = key.size,
                                       .value_size = value_size,
                                       .room = value_size};
    memcpy(entry->bytes, key.data, key.size);
    overlay->buckets[bucket] = entry;
    overlay->entries = entry;
    overlay->count++;
    overlay->bytes += size;
    return entry;
}

int kv_overlay_put(struct kv_overlay *overlay, struct weft_view key, const struct weft_view *parts,
                   size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    struct kv_overlay_entry *entry = add(overlay, key, size);
    if (!entry)
        return -ENOMEM;
    uint8_t *at = entry->bytes + key.size;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0)
            memcpy(at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    return 0;
}

int kv_overlay_remove(struct kv_overlay *overlay, struct weft_view key)
{
    struct kv_overlay_entry *entry = add(overlay, key, 0);
    if (!entry)
        return -ENOMEM;
    entry->removed = true;
    return 0;
}

bool kv_overlay_find(const struct kv_overlay *overlay, struct weft_view key,
                     struct weft_view *value, bool *removed)
{
    const struct kv_overlay_entry *entry = find(overlay, bucket_of(key), key);
    if (!entry)
        return false;
    *value = weft_view(entry->bytes + entry->key_size, entry->value_size);
    *removed = entry->removed;
    return true;
}

void kv_overlay_empty(struct kv_overlay *overlay)
{
    for (struct kv_overlay_entry *entry = overlay->entries; entry; entry = entry->other)
        overlay->buckets[entry->bucket] = NULL;
    overlay->entries = NULL;
    overlay->count = overlay->bytes = 0;
    kv_results_drop(&overlay->memory);
}

void kv_overlay_settle(struct kv_overlay *overlay)
{
    if (overlay->count > KV_OVERLAY_ENTRIES || overlay->bytes > KV_OVERLAY_BYTES)
        kv_overlay_empty(overlay);
}
