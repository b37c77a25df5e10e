/* SPDX-License-Identifier: MIT
 *
 * Brings what is published on all servers of an engine (messages.h) to the feed of this one. The first loop of a context
 * hears it for all loops. Private to services/kv. */
#ifndef KV_RELAY_H
#define KV_RELAY_H

#include "core/base/err.h"
#include "messages.h"

struct kv_feed_loop;

struct kv_relay {
    struct kv_listener listener;
    const struct kv_store *store;
    void *store_loop;
    struct kv_feed_loop *feed; /* NULL: it has not begun, or does not hear anything */
};

/* Begins, before the loop runs, unless that was done before. Does nothing if the store does not carry messages. Returns 0,
 * or the error of kv_store.listen. */
WEFT_MUST_USE int kv_relay_start(struct kv_relay *self, const struct kv_store *store,
                                 void *store_loop, struct kv_feed_loop *feed);
/* Ends, after the loop has ended and before the feed's state of it is given back. A zeroed one is fine. */
void kv_relay_stop(struct kv_relay *self);

#endif
