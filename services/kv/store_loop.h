/* SPDX-License-Identifier: MIT
 *
 * The loop state of a store (kv_store.start). All faces of a context on one loop share it, so that the store's work
 * at each turn is done once per turn and not once per face. Private to services/kv. */
#ifndef KV_STORE_LOOP_H
#define KV_STORE_LOOP_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "services/kv/keyspace.h"
#include "services/kv/relay.h"
#include "services/kv/service.h"
#include "services/kv/turns.h"

struct kv_store_loop {
    struct kv_store_loop *next; /* in the context's list */
    struct weft_loop *loop;
    struct kv_keyspace_loop keyspace;
    struct kv_relay relay;                /* set by the session's start */
    bool hears;                           /* what is published on other servers, for all loops */
    struct kv_turns turns;                /* of watches */
    size_t users;                         /* calls of take without a give */
    alignas(max_align_t) uint8_t state[]; /* the store's */
};

/* Sets *out to the loop's state, and starts it for the first user. Returns 0, -ENOMEM, or the error of the store's
 * start. The thread that makes the server calls this, before the loop runs. */
WEFT_MUST_USE int kv_store_loop_take(struct weft_kv_context *context, struct weft_loop *loop,
                                     struct kv_store_loop **out);
/* Ends one use of the state. The last user's call stops and frees it. It is called after the loop ended. */
void kv_store_loop_give(struct weft_kv_context *context, struct kv_store_loop *self);

#endif
