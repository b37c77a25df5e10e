/* SPDX-License-Identifier: MIT
 *
 * The memory store: shared by all loops, gone with the process. It is ordered, atomic and inline, and
 * has walks, updates, expiry and tables. The files, from the bottom: pool (memory), entry (one pair),
 * segment (pairs of a range of hashes), epoch (when memory may be freed), shared (the account), directory
 * (the shape of a map), rebuild (changes by copies), then map, batch and walk (operations on one map),
 * tables, tour (a way through all of them), sweep, expiry and drop (which free memory), and operations. */
#ifndef KV_STORE_MEMORY_H
#define KV_STORE_MEMORY_H

#include "services/kv/stores/stores.h"

/* The flags that the store also has with a watch. One that is asked before drops (watch.h) adds
 * KV_STORE_TABLES. */
enum {
    KV_STORE_MEMORY_FLAGS = KV_STORE_ORDERED | KV_STORE_ATOMIC | KV_STORE_WALK | KV_STORE_UPDATE |
                            KV_STORE_EXPIRY | KV_STORE_TABLES | KV_STORE_CURSOR64 |
                            KV_STORE_CHANGES | KV_STORE_IF_TABLE
};

struct kv_loop;
struct kv_shared;
struct kv_tables;

/* Returns the heap bytes in use, as max_memory counts them: never less than are alive, and at most
 * 32 KiB a loop more. Any thread may call it. */
int64_t kv_store_memory_used(const void *store);

/* Returns the bytes that the store has from the system for that. Any thread may call it. */
int64_t kv_store_memory_resident(const void *store);

/* Tells the samples of the store: its slot `collect`. */
void kv_store_memory_collect(void *store, struct weft_samples *samples);

/* The store's parts, for who keeps it on disk (services/kv/stores/journal). shared->watch may be set before
 * the first start. A start without a loop makes a part for a thread, which calls kv_epoch_begin before and
 * kv_epoch_end after each use. */
struct kv_shared *kv_store_memory_shared(void *store);
struct kv_tables *kv_store_memory_tables(void *store);
struct kv_loop *kv_store_memory_part(void *loop_state);

/* The slots of the store for those who follow it. */
int kv_store_memory_follow(void *session, struct kv_follow *follow);
void kv_store_memory_unfollow(void *session, struct kv_follow *follow);
int kv_store_memory_next_change(void *session, struct kv_follow *follow, struct kv_change *change);

/* The state of a store: what must be as before when a write was refused. */
struct kv_memory_shape {
    int64_t used; /* heap bytes that are alive, exactly */
    size_t tables, segments, slots, directories /* their pointers */, entries;
};

/* Looks through the whole store, the index of tables included. No loop may be within a turn. */
void kv_store_memory_shape(const void *store, struct kv_memory_shape *shape);

#endif
