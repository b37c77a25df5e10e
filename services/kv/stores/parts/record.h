/* SPDX-License-Identifier: MIT
 *
 * A record is what a store on disk writes for a key. The value is its last part, so that a reader can show the value
 * in place. All functions are pure. The parts are:
 *
 *     flags     one byte, the sum of 1 if the key expires and 2 if the record holds the key
 *     expires   with flag 1: eight bytes, the low one first: milliseconds since 1970
 *     size      with flag 2: four bytes, the low one first: the size of the key
 *     key       with flag 2: the key, because the name that it is stored under is only a digest (key.h)
 *     value     the rest */
#ifndef KV_PARTS_RECORD_H
#define KV_PARTS_RECORD_H

#include "services/kv/store.h"

enum { KV_DISK_RECORD_HEAD = 1 + 8 + 4 };

struct kv_disk_record {
    int64_t expires;      /* or KV_NEVER */
    struct weft_view key; /* data is NULL if the record does not hold its key */
    struct weft_view value;
};

/* Reads a record; the views lie in bytes. Returns 0, or -EILSEQ if the bytes are not a record. */
WEFT_MUST_USE int kv_disk_record_read(struct weft_view bytes, struct kv_disk_record *record);

/* Writes flags, expires and size to head, and returns the number of bytes. The whole record is these bytes, the key if
 * record->key.data is not NULL, and the value. */
size_t kv_disk_record_head(const struct kv_disk_record *record, uint8_t head[KV_DISK_RECORD_HEAD]);

/* These read and write numbers. Those in records have the low byte first (le). Those in keys have the high byte first
 * (be), so that keys sort by them. */
static inline uint64_t kv_load_le64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static inline void kv_store_le64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t kv_load_be64(const uint8_t *p)
{
    return (uint64_t)weft_load_be32(p) << 32 | weft_load_be32(p + 4);
}

static inline void kv_store_be64(uint8_t *p, uint64_t v)
{
    weft_store_be32(p, (uint32_t)(v >> 32));
    weft_store_be32(p + 4, (uint32_t)v);
}

#endif
