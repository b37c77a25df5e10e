/* SPDX-License-Identifier: MIT
 *
 * Eight bytes, the high one first: 39 bits of place, 24 of proof, and a bit that is 0. The place is the bucket, in as few
 * bits as the number of buckets needs, and then the number of HSCAN. A longer cursor has eight bytes of proof, two of the
 * bucket, and eight each of scan, until and hash. */
#include "cursors.h"

#include "layout.h"

enum {
    SHORT = 8,
    PLACE_BITS = 39,
    PROOF_BITS = 24,
    LONG = 34,
};

static void store64(uint8_t *dst, uint64_t number)
{
    weft_store_be32(dst, (uint32_t)(number >> 32));
    weft_store_be32(dst + 4, (uint32_t)number);
}

static uint64_t load64(const uint8_t *src)
{
    return (uint64_t)weft_load_be32(src) << 32 | weft_load_be32(src + 4);
}

static uint64_t proof_of(const struct kv_redis_walk *walk, const struct kv_redis_place *place,
                         uint64_t process, bool is_long)
{
    uint8_t bytes[8 * 8];
    const uint64_t words[] = {
        kv_redis_hash(walk->table),
        (uint64_t)walk->buckets << 3 | (walk->is_list ? 4 : 0) | (place->partial ? 2 : 0) | is_long,
        place->bucket,
        place->scan,
        place->partial ? place->until : 0,
        place->partial ? place->hash : 0,
        kv_redis_place_is_bound(place) ? process : 0,
        UINT64_C(0x637572736f72), /* so that it is the hash of nothing else */
    };
    _Static_assert(sizeof bytes == sizeof words, "all words are covered");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        store64(bytes + 8 * i, words[i]);
    return kv_redis_hash(weft_view(bytes, sizeof bytes));
}

/* Returns the number of bits of a short place that the scan has. */
static unsigned scan_bits(unsigned buckets)
{
    unsigned bits = PLACE_BITS;
    for (unsigned left = buckets - 1; left > 0; left >>= 1)
        bits--;
    return bits;
}

static void write_long(struct kv_cursor *cursor, const struct kv_redis_place *place, uint64_t proof)
{
    cursor->size = LONG;
    store64(cursor->bytes, proof);
    cursor->bytes[8] = (uint8_t)(place->bucket >> 8);
    /* The top bit says that the place is within an answer. */
    cursor->bytes[8] |= place->partial ? 0x80 : 0;
    cursor->bytes[9] = (uint8_t)place->bucket;
    store64(cursor->bytes + 10, place->scan);
    store64(cursor->bytes + 18, place->partial ? place->until : 0);
    store64(cursor->bytes + 26, place->partial ? place->hash : 0);
}

bool kv_redis_write_cursor(struct kv_cursor *cursor, const struct kv_redis_walk *walk,
                           const struct kv_redis_place *place, uint64_t process, bool exact)
{
    uint64_t proof = proof_of(walk, place, process, exact);
    if (exact) {
        write_long(cursor, place, proof);
        return true;
    }
    unsigned bits = scan_bits(walk->buckets);
    if (place->scan >> bits != 0)
        return false;
    uint64_t word = (uint64_t)place->bucket << bits | place->scan;
    word = word << PROOF_BITS | proof >> (64 - PROOF_BITS);
    cursor->size = SHORT;
    store64(cursor->bytes, word << 1);
    return true;
}

bool kv_redis_read_cursor(const struct kv_cursor *cursor, const struct kv_redis_walk *walk,
                          struct kv_redis_place *place)
{
    *place = (struct kv_redis_place){0};
    if (cursor->size == SHORT) {
        unsigned bits = scan_bits(walk->buckets);
        uint64_t word = load64(cursor->bytes) >> (PROOF_BITS + 1);
        place->bucket = (unsigned)(word >> bits);
        place->scan = word & ((UINT64_C(1) << bits) - 1);
        return place->bucket < walk->buckets && !(cursor->bytes[SHORT - 1] & 1);
    }
    if (cursor->size != LONG)
        return false;
    place->partial = cursor->bytes[8] & 0x80;
    place->bucket = (unsigned)(cursor->bytes[8] & 0x7f) << 8 | cursor->bytes[9];
    place->scan = load64(cursor->bytes + 10);
    place->until = load64(cursor->bytes + 18);
    place->hash = load64(cursor->bytes + 26);
    return place->bucket < walk->buckets && (place->partial || (!place->until && !place->hash));
}

bool kv_redis_prove_cursor(const struct kv_cursor *cursor, const struct kv_redis_walk *walk,
                           const struct kv_redis_place *place, uint64_t process)
{
    uint64_t proof = proof_of(walk, place, process, cursor->size == LONG);
    if (cursor->size == LONG)
        return load64(cursor->bytes) == proof;
    uint64_t given = load64(cursor->bytes) >> 1 & ((UINT64_C(1) << PROOF_BITS) - 1);
    return given == proof >> (64 - PROOF_BITS);
}

static uint64_t reversed(uint64_t number)
{
    uint64_t result = 0;
    for (int i = 0; i < 64; i++)
        result |= (number >> i & 1) << (63 - i);
    return result;
}

bool kv_redis_scan_is_before(uint64_t a, uint64_t b)
{
    return b == 0 || reversed(a) < reversed(b);
}
