/* SPDX-License-Identifier: MIT
 *
 * Frees entries that have expired. Readers do not need it, since they compare the expiry of what they find
 * with the time. expiry.c describes the algorithm. */
#ifndef KV_STORE_EXPIRY_H
#define KV_STORE_EXPIRY_H

#include "tour.h"

struct kv_expiry {
    struct kv_tables *tables;
    struct kv_shared *shared;
    _Atomic bool ticking; /* a loop has its timer armed; that loop alone uses all below */
    bool touring;
    bool found_none; /* by the last tour: no entry that expires */
    int64_t now;     /* the time of the step */
    int64_t next;    /* the earliest `due` that this tour has found */
    struct kv_tour tour;
    struct kv_loop *stepping;
};

/* One loop's part. */
struct kv_expiry_loop {
    struct weft_timer timer;
    struct kv_expiry *expiry;
    struct kv_loop *loop;
};

void kv_expiry_init(struct kv_expiry *expiry, struct kv_tables *tables, struct kv_shared *shared);

/* After the loop joined the epochs, and before it leaves them. */
void kv_expiry_join(struct kv_expiry *expiry, struct kv_expiry_loop *self, struct kv_loop *loop);
void kv_expiry_leave(struct kv_expiry_loop *self);

/* Called after a write to a table that others can find, which stored an entry that is due then. */
void kv_expiry_note(struct kv_expiry_loop *self, int64_t due);

#endif
