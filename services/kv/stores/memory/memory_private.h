/* SPDX-License-Identifier: MIT
 *
 * The three states of the memory store, and the operations on them. Private to memory.c, operations.c and
 * shape.c. */
#ifndef KV_STORE_MEMORY_PRIVATE_H
#define KV_STORE_MEMORY_PRIVATE_H

#include "count.h"
#include "drop.h"
#include "expiry.h"
#include "sweep.h"

struct memory {
    struct kv_shared shared;
    struct kv_tables tables;
    struct kv_sweep sweep;
    struct kv_expiry expiry;
    struct kv_counter counter;
};

struct memory_loop {
    struct kv_loop part;
    struct kv_sweep_loop sweep;
    struct kv_expiry_loop expiry;
    struct kv_drop_loop drop;
    struct memory *memory;
};

struct memory_session {
    struct memory_loop *loop;
    struct kv_table_cache cache;
};

/* submit of the store. */
void kv__memory_submit(void *session, struct kv_op *op);

#endif
