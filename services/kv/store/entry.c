/* SPDX-License-Identifier: MIT */
#include "services/kv/store/entry.h"

#include "core/mem.h"

static const uint32_t has_reference = (uint32_t)1 << 31;

static struct kv_entry *new_entry(struct weft_view key, size_t value_size, size_t data_size)
{
    if (key.size > INT32_MAX || value_size > INT32_MAX)
        return NULL;
    struct kv_entry *entry = weft_malloc(sizeof *entry + data_size);
    if (!entry)
        return NULL;
    uintptr_t address = (uintptr_t)entry;
    if (address % KV_ENTRY_ALIGN != 0 || (uint64_t)address >> KV_ENTRY_ADDRESS_BITS != 0) {
        weft_free(entry);
        return NULL;
    }
    entry->key_size = (uint32_t)key.size;
    entry->value_size = (uint32_t)value_size;
    return entry;
}

static void copy_view(uint8_t *dst, struct weft_view view)
{
    if (view.size > 0)
        memcpy(dst, view.data, view.size);
}

static struct kv_entry *new_with_reference(struct weft_view key, size_t value_size, void *pointer)
{
    struct kv_entry *entry = new_entry(key, value_size, sizeof pointer + key.size);
    if (!entry)
        return NULL;
    entry->value_size |= has_reference;
    memcpy(entry->data, &pointer, sizeof pointer);
    copy_view(entry->data + sizeof pointer, key);
    return entry;
}

struct kv_entry *kv_entry_new(struct weft_view key, const struct kv_value *value)
{
    struct kv_entry *entry;
    if (value->blob) {
        entry = new_with_reference(key, value->bytes.size, value->blob);
        if (entry)
            weft_blob_ref(value->blob);
        return entry;
    }
    entry = new_entry(key, value->bytes.size, key.size + value->bytes.size);
    if (!entry)
        return NULL;
    copy_view(entry->data, key);
    copy_view(entry->data + key.size, value->bytes);
    return entry;
}

struct kv_entry *kv_entry_new_index(struct weft_view key, void *pointer)
{
    return new_with_reference(key, 0, pointer);
}

void kv_entry_free(void *object)
{
    struct kv_entry *entry = object;
    if (entry && kv_entry_has_reference(entry))
        weft_blob_unref(kv_entry_reference(entry));
    weft_free(entry);
}

size_t kv_entry_heap_size(const struct kv_entry *entry)
{
    size_t value_size = entry->value_size & ~has_reference;
    if (!kv_entry_has_reference(entry))
        return kv_heap_size(sizeof *entry + entry->key_size + value_size);
    return kv_heap_size(sizeof *entry + sizeof(void *) + entry->key_size) +
           kv_heap_size(value_size);
}

struct kv_value kv__entry_blob_value(const struct kv_entry *entry)
{
    size_t size = entry->value_size & ~has_reference;
    struct weft_blob *blob = kv_entry_reference(entry);
    struct weft_view all = weft_blob_view(blob);
    return (struct kv_value){weft_view_skip(all, all.size - size), blob};
}
