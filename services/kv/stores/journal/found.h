/* SPDX-License-Identifier: MIT
 *
 * Copies of the values that an operation has found, for as long as it waits for the disk. The memory store keeps those
 * values only until the end of the turn. Memory for the copies is allocated before the operation takes effect, so that
 * an operation can still be refused for lack of memory. For the loop's thread. */
#ifndef KV_JOURNAL_FOUND_H
#define KV_JOURNAL_FOUND_H

#include "services/kv/stores/memory/watch.h"

enum { KV_FOUND_BYTES = 192 }; /* values of one key up to this size need no memory */

struct kv_found {
    struct weft_blob **blobs; /* references to values */
    size_t blob_count;
    void *heap;      /* NULL: `one` and `bytes` below suffice */
    size_t capacity; /* the size of the memory for copies, in bytes */
    struct weft_blob *one;
    uint8_t bytes[KV_FOUND_BYTES];
};

/* Sets up *found, with no memory from the heap. */
void kv_found_init(struct kv_found *found);

/* Allocates memory for copies of the values that these changes replace or remove. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int kv_found_reserve(struct kv_found *found, const struct kv_touch *touches,
                                   size_t count);

/* Copies what the items have found, and makes their `found` show the copies. Allocates more if the reserved
 * memory does not suffice. Returns 0, or -ENOMEM with the items unchanged. */
WEFT_MUST_USE int kv_found_keep(struct kv_found *found, struct kv_item *items, size_t count);

/* Drops the copies. */
void kv_found_fini(struct kv_found *found);

#endif
