/* SPDX-License-Identifier: MIT
 *
 * Copies of the values that an operation found, for as long as it waits for the disk: the memory store keeps
 * them only until the turn's end. Memory for them is taken before the operation takes effect. */
#ifndef KV_JOURNAL_FOUND_H
#define KV_JOURNAL_FOUND_H

#include "services/kv/stores/memory/watch.h"

enum { KV_FOUND_BYTES = 192 }; /* values of one key up to this size need no memory */

struct kv_found {
    struct weft_blob **blobs; /* references to values */
    size_t blob_count;
    void *heap;      /* NULL: all has room here */
    size_t capacity; /* bytes for copies */
    struct weft_blob *one;
    uint8_t bytes[KV_FOUND_BYTES];
};

/* Sets up what has no memory yet. */
void kv_found_init(struct kv_found *found);

/* Takes memory for the values of the entries that changes take out. -ENOMEM. */
WEFT_MUST_USE int kv_found_reserve(struct kv_found *found, const struct kv_touch *touches,
                                   size_t count);

/* Makes the `found` of all items views of copies. -ENOMEM: more was found than reserved, and the items are as
 * they were. */
WEFT_MUST_USE int kv_found_keep(struct kv_found *found, struct kv_item *items, size_t count);

/* Drops the copies. */
void kv_found_fini(struct kv_found *found);

#endif
