/* SPDX-License-Identifier: MIT */
#include "found.h"

#include <errno.h>

#include "core/base/mem.h"

void kv_found_init(struct kv_found *found)
{
    found->blobs = &found->one;
    found->blob_count = 0;
    found->heap = NULL;
    found->capacity = sizeof found->bytes;
}

static int reserve(struct kv_found *found, size_t count, size_t bytes)
{
    if (count <= 1 && bytes <= sizeof found->bytes)
        return 0;
    void *heap = weft_malloc(count * sizeof *found->blobs + bytes);
    if (!heap)
        return -ENOMEM;
    weft_free(found->heap);
    found->heap = heap;
    found->blobs = heap;
    found->capacity = bytes;
    return 0;
}

int kv_found_reserve(struct kv_found *found, const struct kv_touch *touches, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!touches[i].old)
            continue;
        struct kv_value value = kv_entry_value(touches[i].old);
        bytes += value.blob ? 0 : value.bytes.size;
    }
    return reserve(found, count, bytes);
}

static size_t bytes_of(const struct kv_item *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].present && !items[i].found.blob)
            bytes += items[i].found.bytes.size;
    return bytes;
}

int kv_found_keep(struct kv_found *found, struct kv_item *items, size_t count)
{
    size_t bytes = bytes_of(items, count);
    if ((bytes > found->capacity || (count > 1 && !found->heap)) &&
        reserve(found, count, bytes) < 0)
        return -ENOMEM;
    uint8_t *dst = found->heap ? (uint8_t *)(found->blobs + count) : found->bytes;
    for (size_t i = 0; i < count; i++) {
        struct kv_item *item = &items[i];
        if (!item->present)
            continue;
        if (item->found.blob) {
            found->blobs[found->blob_count++] = weft_blob_ref(item->found.blob);
            continue;
        }
        if (item->found.bytes.size > 0)
            memcpy(dst, item->found.bytes.data, item->found.bytes.size);
        item->found.bytes.data = dst;
        dst += item->found.bytes.size;
    }
    return 0;
}

void kv_found_fini(struct kv_found *found)
{
    for (size_t i = 0; i < found->blob_count; i++)
        weft_blob_unref(found->blobs[i]);
    weft_free(found->heap);
}
