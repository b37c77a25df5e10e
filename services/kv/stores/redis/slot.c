/* SPDX-License-Identifier: MIT
 *
 * CRC-16/XMODEM, as the cluster specification has it: polynomial 0x1021, from 0, not reflected. */
#include <string.h>

#include "redis.h"

/* The checksum of each value of four bits; two steps per byte, so the table is small. */
static const uint16_t nibbles[16] = {
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
};

static unsigned crc16(struct weft_view view)
{
    unsigned crc = 0;
    for (size_t i = 0; i < view.size; i++) {
        crc = (crc << 4 ^ nibbles[(crc >> 12 ^ view.data[i] >> 4) & 15]) & 0xffff;
        crc = (crc << 4 ^ nibbles[(crc >> 12 ^ view.data[i]) & 15]) & 0xffff;
    }
    return crc;
}

unsigned kv_redis_slot(struct weft_view key)
{
    const uint8_t *open = key.size > 0 ? memchr(key.data, '{', key.size) : NULL;
    if (open) {
        const uint8_t *end = key.data + key.size;
        const uint8_t *close = memchr(open + 1, '}', (size_t)(end - open - 1));
        if (close && close > open + 1)
            key = weft_view(open + 1, (size_t)(close - open - 1));
    }
    return crc16(key) % REDIS_SLOTS;
}
