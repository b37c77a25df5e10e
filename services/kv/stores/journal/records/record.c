/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>

#include "crc32c.h"

enum { AT_KIND = 4, AT_NUMBER = 5, AT_DURABLE = 13 };

enum { REMOVAL = 0, VALUE = 1, VALUE_THAT_EXPIRES = 2, DROP = 3 };

enum { EXPIRES_SIZE = 8 };

static uint64_t load_be64(const uint8_t *p)
{
    return (uint64_t)weft_load_be32(p) << 32 | weft_load_be32(p + 4);
}

static void store_be64(uint8_t *p, uint64_t value)
{
    weft_store_be32(p, (uint32_t)(value >> 32));
    weft_store_be32(p + 4, (uint32_t)value);
}

int kv_record_take_varint(struct weft_view *rest, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < KV_RECORD_VARINT_MAX && i < rest->size; i++) {
        *value |= (uint64_t)(rest->data[i] & 0x7F) << (7 * i);
        if (rest->data[i] < 0x80) {
            *rest = weft_view_skip(*rest, i + 1);
            return 0;
        }
    }
    return -EBADMSG;
}

static int take_bytes(struct weft_view *rest, struct weft_view *bytes)
{
    uint64_t size;
    if (kv_record_take_varint(rest, &size) < 0 || size > rest->size)
        return -EBADMSG;
    *bytes = weft_view(rest->data, (size_t)size);
    *rest = weft_view_skip(*rest, (size_t)size);
    return 0;
}

int kv_record_read(struct weft_view message, struct kv_record *record)
{
    if (message.size < KV_RECORD_HEAD ||
        kv_crc32c(0, message.data + AT_KIND, message.size - AT_KIND) !=
            weft_load_be32(message.data))
        return -EBADMSG;
    record->number = load_be64(message.data + AT_NUMBER);
    record->durable = load_be64(message.data + AT_DURABLE);
    record->rest = weft_view_skip(message, KV_RECORD_HEAD);
    record->table = weft_view(NULL, 0);
    uint8_t kind = message.data[AT_KIND];
    switch (kind) {
    case KV_RECORD_CHANGES:
    case KV_RECORD_PAIRS:
        record->kind = kind;
        return take_bytes(&record->rest, &record->table);
    case KV_RECORD_JOURNAL:
    case KV_RECORD_SNAPSHOT:
    case KV_RECORD_END:
        record->kind = kind;
        return 0;
    default:
        return -EBADMSG;
    }
}

int kv_record_next(struct weft_view *rest, struct kv_record_change *change)
{
    if (rest->size == 0)
        return 0;
    uint8_t what = rest->data[0];
    *rest = weft_view_skip(*rest, 1);
    *change = (struct kv_record_change){.drop = what == DROP, .removal = what == REMOVAL};
    if (what == DROP)
        return 1;
    if (what > VALUE_THAT_EXPIRES || take_bytes(rest, &change->key) < 0)
        return -EBADMSG;
    if (what == REMOVAL)
        return 1;
    if (what == VALUE_THAT_EXPIRES) {
        if (rest->size < EXPIRES_SIZE)
            return -EBADMSG;
        change->expires = (int64_t)load_be64(rest->data);
        *rest = weft_view_skip(*rest, EXPIRES_SIZE);
    }
    return take_bytes(rest, &change->value) < 0 ? -EBADMSG : 1;
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static size_t bytes_size(struct weft_view bytes)
{
    return varint_size(bytes.size) + bytes.size;
}

size_t kv_record_table_size(struct weft_view table)
{
    return bytes_size(table);
}

size_t kv_record_change_size(const struct kv_record_change *change)
{
    if (change->drop)
        return 1;
    size_t size = 1 + bytes_size(change->key);
    if (change->removal)
        return size;
    return size + (change->expires != 0 ? EXPIRES_SIZE : 0) + bytes_size(change->value);
}

uint8_t *kv_record_put_varint(uint8_t *dst, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *dst++ = (uint8_t)(value | 0x80);
    *dst++ = (uint8_t)value;
    return dst;
}

uint8_t *kv_record_put_table(uint8_t *dst, struct weft_view table)
{
    dst = kv_record_put_varint(dst, table.size);
    if (table.size > 0)
        memcpy(dst, table.data, table.size);
    return dst + table.size;
}

uint8_t *kv_record_put_change(uint8_t *dst, const struct kv_record_change *change)
{
    if (change->drop) {
        *dst++ = DROP;
        return dst;
    }
    *dst++ = change->removal ? REMOVAL : change->expires != 0 ? VALUE_THAT_EXPIRES : VALUE;
    dst = kv_record_put_table(dst, change->key);
    if (change->removal)
        return dst;
    if (change->expires != 0) {
        store_be64(dst, (uint64_t)change->expires);
        dst += EXPIRES_SIZE;
    }
    return kv_record_put_table(dst, change->value);
}

void kv_record_seal(uint8_t *dst, enum kv_record_kind kind, uint64_t number, uint64_t durable,
                    struct weft_view rest)
{
    dst[AT_KIND] = (uint8_t)kind;
    store_be64(dst + AT_NUMBER, number);
    store_be64(dst + AT_DURABLE, durable);
    uint32_t crc = kv_crc32c(0, dst + AT_KIND, KV_RECORD_HEAD - AT_KIND);
    weft_store_be32(dst, kv_crc32c(crc, rest.data, rest.size));
}
