/* SPDX-License-Identifier: MIT
 *
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; one round a word, three
 * at the end): a keyed hash, so that nobody who does not know the seed can choose keys that
 * collide. Any thread. */
#ifndef KV_STORE_SIPHASH_H
#define KV_STORE_SIPHASH_H

#include "core/base/bytes.h"

/* The 16 bytes of a key as two words, little endian. */
struct kv_hash_seed {
    uint64_t k0, k1;
};

struct kv_hash_seed kv_hash_seed_from_bytes(const uint8_t bytes[16]);
void kv_hash_seed_to_bytes(const struct kv_hash_seed *seed, uint8_t bytes[16]);

uint64_t kv_hash(const struct kv_hash_seed *seed, struct weft_view bytes);

#endif
