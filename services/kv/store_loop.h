/* SPDX-License-Identifier: MIT
 *
 * A store's state of one loop. All faces on the loop share it, so that a store's work of each turn is done
 * once per turn and not once per face. Private to services/kv. */
#ifndef KV_STORE_LOOP_H
#define KV_STORE_LOOP_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "services/kv/service.h"

struct kv_store_loop {
    struct kv_store_loop *next; /* in the context's list */
    struct weft_loop *loop;
    size_t users;
    alignas(max_align_t) uint8_t state[]; /* the store's */
};

/* Returns 0 with the one of the loop, which this starts for the first user; or the error of the store's
 * start, or -ENOMEM. Called by whoever makes the server, as a store's start is. */
WEFT_MUST_USE int kv_store_loop_take(struct weft_kv_context *context, struct weft_loop *loop,
                                     struct kv_store_loop **out);
/* Stops it with its last user. */
void kv_store_loop_give(struct weft_kv_context *context, struct kv_store_loop *self);

#endif
