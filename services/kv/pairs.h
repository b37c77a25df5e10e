/* SPDX-License-Identifier: MIT
 *
 * The pairs that a walk has found, as the bytes that a face has made of them. They are collected while the store
 * shows them, because the reply can only be written once all have come. One thread at a time uses a kv_pairs. */
#ifndef KV_PAIRS_H
#define KV_PAIRS_H

#include "core/base/bytes.h"

/* A zeroed struct is empty. */
struct kv_pairs {
    struct kv_pairs_chunk *first, *last;
    size_t count;  /* the number of successful calls of kv_pairs_add */
    size_t size;   /* bytes of all pairs */
    size_t memory; /* bytes allocated for them */
};

/* Adds `size` bytes and returns them; the caller fills them before it calls another function. NULL: there is no
 * memory, and nothing has changed. */
WEFT_MUST_USE uint8_t *kv_pairs_add(struct kv_pairs *pairs, size_t size);

/* Writes all pairs to dst, which has room for pairs->size bytes, in the order in which they were added. Returns the
 * position behind them. */
uint8_t *kv_pairs_write(const struct kv_pairs *pairs, uint8_t *dst);

/* Frees the chunks of pairs, from the first one on; NULL is fine. */
void kv_pairs_free(struct kv_pairs_chunk *first);

#endif
