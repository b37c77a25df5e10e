/* SPDX-License-Identifier: MIT
 *
 * The pairs that hgetall or hscan found, as the bytes that a face makes of them. They are gathered
 * while the store shows them, and their reply is written once all have come. */
#ifndef KV_PAIRS_H
#define KV_PAIRS_H

#include "core/base/bytes.h"

/* A zeroed one is empty. */
struct kv_pairs {
    struct kv_pairs_chunk *first, *last;
    size_t count;  /* how often kv_pairs_add was called */
    size_t size;   /* bytes of all pairs */
    size_t memory; /* bytes allocated for them */
};

/* Adds `size` bytes, which the caller writes before anything else is done with the pairs. NULL: no
 * memory, nothing has changed. */
WEFT_MUST_USE uint8_t *kv_pairs_add(struct kv_pairs *pairs, size_t size);

/* Writes all pairs, in the order in which they came; returns the byte after them. */
uint8_t *kv_pairs_write(const struct kv_pairs *pairs, uint8_t *dst);

/* Frees the chunks of pairs, from the first one on; NULL is fine. */
void kv_pairs_free(struct kv_pairs_chunk *first);

#endif
