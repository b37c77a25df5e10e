/* SPDX-License-Identifier: MIT
 *
 * Copies of the values that were found for a job or a read, which live until it is answered. One thread at a time
 * uses a struct kv_results. */
#ifndef KV_PARTS_RESULTS_H
#define KV_PARTS_RESULTS_H

#include "core/base/bytes.h"

struct kv_results_chunk;

/* A zeroed struct is empty. Its owner may give it room, which it uses before it allocates any. */
struct kv_results {
    struct kv_results_chunk *chunk; /* newest first */
    uint8_t *room;                  /* aligned as kv_results_alloc says; NULL: there is none */
    size_t room_size, room_used;
};

/* Copies the bytes of *view and makes *view show the copy. `more` is about the number of copies that will follow, so
 * that memory is allocated for them together. Returns 0, or -ENOMEM with *view unchanged. */
WEFT_MUST_USE int kv_results_keep(struct kv_results *results, struct weft_view *view, size_t more);
/* Returns `size` bytes, aligned for any pointer or number, that live as long as the copies. `more` is as for
 * kv_results_keep. NULL: there is no memory. */
WEFT_MUST_USE void *kv_results_alloc(struct kv_results *results, size_t size, size_t more);
/* Frees all copies; the room stays. */
void kv_results_drop(struct kv_results *results);

#endif
