/* SPDX-License-Identifier: MIT
 *
 * Results are copies of what the writer's thread found for a job. They live until it is answered. */
#ifndef KV_PARTS_RESULTS_H
#define KV_PARTS_RESULTS_H

#include "core/base/bytes.h"

struct kv_results_chunk;

/* Zeroed: empty. */
struct kv_results {
    struct kv_results_chunk *chunk; /* newest first */
};

/* Makes *view one of a copy. more: about how many such copies will follow. -ENOMEM: *view is as it was. */
WEFT_MUST_USE int kv_results_keep(struct kv_results *results, struct weft_view *view, size_t more);
/* Returns size bytes, aligned for any pointer or number, that live as long as the copies. NULL: no memory. */
WEFT_MUST_USE void *kv_results_alloc(struct kv_results *results, size_t size, size_t more);
/* Frees all copies. */
void kv_results_drop(struct kv_results *results);

#endif
