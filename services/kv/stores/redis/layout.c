/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <sodium.h>
#include <stdio.h>

enum { MARK = 0xff, NUMBER_ROOM = 12 };

uint64_t kv_redis_hash(struct weft_view bytes)
{
    static const uint8_t key[crypto_shorthash_KEYBYTES + 1] = "weft:kv:bucket:1";
    uint8_t digest[crypto_shorthash_BYTES];
    uint64_t hash = 0;
    (void)crypto_shorthash(digest, bytes.data, bytes.size, key);
    for (int i = sizeof digest - 1; i >= 0; i--)
        hash = hash << 8 | digest[i];
    return hash;
}

size_t kv_redis_key_room(struct weft_view table)
{
    size_t size = sizeof "{t::}" + NUMBER_ROOM + KV_REDIS_INDEX_MORE;
    for (size_t i = 0; i < table.size; i++)
        size += table.data[i] == '%' || table.data[i] == '}' ? 3 : 1;
    return size;
}

/* Writes a number in decimal. This is done for each key of each call, where snprintf is slow. */
static uint8_t *write_number(uint8_t *at, unsigned number)
{
    uint8_t digits[NUMBER_ROOM];
    size_t count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

size_t kv_redis_write_key(uint8_t *dst, struct weft_view table, unsigned bucket)
{
    uint8_t *at = dst;
    memcpy(at, "{t:", 3);
    at += 3;
    for (size_t i = 0; i < table.size; i++) {
        uint8_t byte = table.data[i];
        if (byte == '%' || byte == '}') {
            memcpy(at, byte == '%' ? "%25" : "%7D", 3);
            at += 3;
        } else {
            *at++ = byte;
        }
    }
    *at++ = ':';
    at = write_number(at, bucket);
    *at++ = '}';
    memcpy(at, ":x", KV_REDIS_INDEX_MORE);
    return (size_t)(at - dst);
}

size_t kv_redis_write_directory(uint8_t dst[KV_REDIS_DIRECTORY_ROOM], unsigned number)
{
    return (size_t)snprintf((char *)dst, KV_REDIS_DIRECTORY_ROOM, "{weft:tables:%u}", number);
}

unsigned kv_redis_read_buckets(struct weft_view text)
{
    unsigned number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        number = number * 10 + (text.data[i] - '0');
        if (number > KV_REDIS_BUCKETS_MAX)
            return 0;
    }
    return number;
}

void kv_redis_read_value(struct weft_view field, struct kv_redis_value *value)
{
    *value = (struct kv_redis_value){field, KV_NEVER};
    if (field.size < KV_REDIS_HEAD || field.data[0] != MARK)
        return;
    uint64_t expires =
        (uint64_t)weft_load_be32(field.data + 1) << 32 | weft_load_be32(field.data + 5);
    value->expires = (int64_t)expires;
    value->bytes = weft_view_skip(field, KV_REDIS_HEAD);
}

size_t kv_redis_write_head(uint8_t dst[KV_REDIS_HEAD], struct weft_view bytes, int64_t expires)
{
    bool is_marked = bytes.size > 0 && bytes.data[0] == MARK;
    if (expires == KV_NEVER && !is_marked)
        return 0;
    dst[0] = MARK;
    weft_store_be32(dst + 1, (uint32_t)((uint64_t)expires >> 32));
    weft_store_be32(dst + 5, (uint32_t)expires);
    return KV_REDIS_HEAD;
}
