/* SPDX-License-Identifier: MIT */
#include "kv_frames.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random.h"

enum { SMALL_VALUE = 200, LARGE_VALUE = 20000 };

uint8_t *bytes_add(struct bytes *bytes, size_t size)
{
    if (bytes->capacity - bytes->size < size) {
        bytes->capacity = (bytes->size + size) * 2;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (!bytes->data)
            errx(1, "out of memory");
    }
    bytes->size += size;
    return bytes->data + bytes->size - size;
}

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (size > 0)
        memcpy(bytes_add(bytes, size), data, size);
}

void bytes_fini(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

void put_varint(struct bytes *bytes, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *bytes_add(bytes, 1) = (uint8_t)(n | 0x80);
    *bytes_add(bytes, 1) = (uint8_t)n;
}

void put_field(struct bytes *bytes, uint8_t tag, const void *data, size_t size)
{
    *bytes_add(bytes, 1) = tag;
    put_varint(bytes, size);
    bytes_put(bytes, data, size);
}

/* Text that compresses somewhat: an alphabet of sixteen letters. */
static void put_text(struct bytes *bytes, uint64_t seed, size_t size)
{
    struct test_random random = {seed};
    put_varint(bytes, size);
    uint8_t *dst = bytes_add(bytes, size);
    for (size_t i = 0; i < size; i += 16) {
        uint64_t letters = test_random_next(&random);
        for (size_t j = i; j < size && j < i + 16; j++, letters >>= 4)
            dst[j] = (uint8_t)('a' + (letters & 15));
    }
}

void put_value(struct bytes *bytes, uint64_t owner, unsigned key, uint64_t version)
{
    if (version == 0)
        return;
    uint64_t seed = test_random_mix(owner << 40 ^ (uint64_t)key << 32 ^ version);
    switch (seed % 16) {
    case 0:
        *bytes_add(bytes, 1) = 0x18; /* an integer */
        put_varint(bytes, seed);
        break;
    case 1:
        bytes_put(bytes, "\x28\x01", 2); /* true */
        break;
    case 2:
        *bytes_add(bytes, 1) = 0x12; /* large, binary */
        put_text(bytes, seed, seed / 16 % LARGE_VALUE);
        break;
    default:
        *bytes_add(bytes, 1) = 0x0a; /* small, string */
        put_text(bytes, seed, seed / 16 % SMALL_VALUE);
    }
}

static int name_key(char name[16], unsigned key)
{
    return snprintf(name, 16, "key-%u", key);
}

void put_key(struct bytes *bytes, enum kv_op op, unsigned key, const struct bytes *value)
{
    char name[16];
    size_t length = (size_t)name_key(name, key);
    if (op != KV_HSET && op != KV_HMSET) {
        put_field(bytes, 0x12, name, length);
        return;
    }
    struct bytes pair = {0};
    put_field(&pair, 0x0a, name, length);
    put_field(&pair, 0x12, value->data, value->size);
    put_field(bytes, 0x12, pair.data, pair.size);
    bytes_fini(&pair);
}

void put_request(struct bytes *bytes, enum kv_op op, const char *table, const struct bytes *keys)
{
    struct bytes inner = {0};
    put_field(&inner, 0x0a, table, strlen(table));
    bytes_put(&inner, keys->data, keys->size);
    put_field(bytes, (uint8_t)op, inner.data, inner.size);
    bytes_fini(&inner);
}

void put_ok(struct bytes *bytes)
{
    bytes_put(bytes, "\x08\xc8\x01", 3);
}

void put_reply_value(struct bytes *bytes, const struct bytes *value)
{
    put_field(bytes, 0x1a, value->data, value->size);
}

void put_not_found(struct bytes *bytes, const char *table, unsigned key)
{
    char name[16], text[128];
    name_key(name, key);
    int length = snprintf(text, sizeof text, "Not found for table: %s, key: %s", table, name);
    bytes_put(bytes, "\x08\x94\x03", 3);
    put_field(bytes, 0x12, text, (size_t)length);
}
