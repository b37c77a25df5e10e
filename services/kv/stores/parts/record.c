/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>

enum { HAS_EXPIRY = 1, HAS_KEY = 2 };

int kv_disk_record_read(struct weft_view bytes, struct kv_disk_record *record)
{
    *record = (struct kv_disk_record){.expires = KV_NEVER};
    if (bytes.size < 1)
        return -EILSEQ;
    uint8_t flags = bytes.data[0];
    bytes = weft_view_skip(bytes, 1);
    if (flags & ~(HAS_EXPIRY | HAS_KEY))
        return -EILSEQ;
    if (flags & HAS_EXPIRY) {
        if (bytes.size < 8)
            return -EILSEQ;
        record->expires = (int64_t)kv_load_le64(bytes.data);
        bytes = weft_view_skip(bytes, 8);
    }
    if (flags & HAS_KEY) {
        uint32_t size = 0;
        if (bytes.size < 4)
            return -EILSEQ;
        for (int i = 3; i >= 0; i--)
            size = size << 8 | bytes.data[i];
        bytes = weft_view_skip(bytes, 4);
        if (size > bytes.size)
            return -EILSEQ;
        record->key = weft_view(bytes.data, size);
        bytes = weft_view_skip(bytes, size);
    }
    record->value = bytes;
    return 0;
}

size_t kv_disk_record_head(const struct kv_disk_record *record, uint8_t head[KV_DISK_RECORD_HEAD])
{
    size_t size = 1;
    head[0] = 0;
    if (record->expires != KV_NEVER) {
        head[0] |= HAS_EXPIRY;
        kv_store_le64(head + size, (uint64_t)record->expires);
        size += 8;
    }
    if (record->key.data) {
        head[0] |= HAS_KEY;
        for (int i = 0; i < 4; i++)
            head[size++] = (uint8_t)(record->key.size >> 8 * i);
    }
    return size;
}
