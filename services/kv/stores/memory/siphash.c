/* SPDX-License-Identifier: MIT */
#include "siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static struct state round_of(struct state s)
{
    s.v0 += s.v1;
    s.v1 = rotate_left(s.v1, 13) ^ s.v0;
    s.v0 = rotate_left(s.v0, 32);
    s.v2 += s.v3;
    s.v3 = rotate_left(s.v3, 16) ^ s.v2;
    s.v0 += s.v3;
    s.v3 = rotate_left(s.v3, 21) ^ s.v0;
    s.v2 += s.v1;
    s.v1 = rotate_left(s.v1, 17) ^ s.v2;
    s.v2 = rotate_left(s.v2, 32);
    return s;
}

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The last `left` bytes, fewer than 8, as a little-endian number. Where there is a whole word, what
 * belongs to it is shifted out. */
static uint64_t load_rest(struct weft_view bytes, size_t left)
{
    if (bytes.size > left)
        return load_le64(bytes.data + bytes.size - 8) >> 8 * (8 - left);
    uint64_t word = 0;
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)bytes.data[i] << 8 * i;
    return word;
}

struct kv_hash_seed kv_hash_seed_from_bytes(const uint8_t bytes[16])
{
    return (struct kv_hash_seed){load_le64(bytes), load_le64(bytes + 8)};
}

uint64_t kv_hash(const struct kv_hash_seed *seed, struct weft_view bytes)
{
    struct state s = {
        .v0 = seed->k0 ^ 0x736F6D6570736575u,
        .v1 = seed->k1 ^ 0x646F72616E646F6Du,
        .v2 = seed->k0 ^ 0x6C7967656E657261u,
        .v3 = seed->k1 ^ 0x7465646279746573u,
    };
    const uint8_t *p = bytes.data;
    size_t left = bytes.size;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word = load_le64(p);
        s.v3 ^= word;
        s = round_of(s);
        s.v0 ^= word;
    }

    uint64_t last = (uint64_t)bytes.size << 56;
    if (left > 0)
        last |= load_rest(bytes, left);
    s.v3 ^= last;
    s = round_of(s);
    s.v0 ^= last;

    s.v2 ^= 0xFF;
    s = round_of(s);
    s = round_of(s);
    s = round_of(s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void kv_hash_seed_to_bytes(const struct kv_hash_seed *seed, uint8_t bytes[16])
{
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(seed->k0 >> (8 * i));
        bytes[8 + i] = (uint8_t)(seed->k1 >> (8 * i));
    }
}
