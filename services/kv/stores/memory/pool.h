/* SPDX-License-Identifier: MIT
 *
 * Memory for entries and segments: blocks of 128 sizes out of slabs of 64 KiB. A slab is pages of
 * its own and goes back to the system alone, so that no call has to merge or to return more than a
 * batch of blocks; malloc may do so with millions of them after a table has gone. Each loop has some blocks at hand,
 * which it takes and gives without a lock (magazines; Bonwick and Adams, "Magazines and Vmem", 2001).
 * What is larger than the largest block is malloc's. */
#ifndef KV_STORE_POOL_H
#define KV_STORE_POOL_H

#include <pthread.h>
#include <stdint.h>

#include "core/base/mem.h"

enum { KV_POOL_ALIGN = 8, KV_POOL_BLOCK_MAX = 16 * 1024, KV_POOL_CLASSES = 128 };

struct kv_slab;
struct kv_block;

/* Shared by all loops. */
struct kv_pool {
    pthread_mutex_t lock;
    struct kv_slab *partial[KV_POOL_CLASSES]; /* slabs with blocks to take */
};

/* One loop's blocks at hand; one thread at a time. */
struct kv_pool_cache {
    struct kv_pool *pool;
    struct kv_magazine {
        struct kv_block *first; /* the one given last */
        uint32_t count;
    } magazines[KV_POOL_CLASSES];
};

/* 0 or -errno. fini: after all caches were emptied and all blocks given. */
WEFT_MUST_USE int kv_pool_init(struct kv_pool *pool);
void kv_pool_fini(struct kv_pool *pool);

/* empty: gives all blocks at hand back to the pool. */
void kv_pool_cache_init(struct kv_pool_cache *cache, struct kv_pool *pool);
void kv_pool_cache_empty(struct kv_pool_cache *cache);

/* A block of size bytes or more, at a multiple of KV_POOL_ALIGN. NULL: no memory. */
WEFT_MUST_USE void *kv_pool_take(struct kv_pool_cache *cache, size_t size);

/* Gives a block back that was taken, through whichever cache of the pool, for the same size. */
void kv_pool_give(struct kv_pool_cache *cache, void *block, size_t size);

/* Bytes that a block taken for size has. */
size_t kv_pool_heap_size(size_t size);

/* What a block of malloc takes from the system, as glibc has it: a word of its own, in steps of 16,
 * 32 at least. */
static inline size_t kv_heap_size(size_t size)
{
    size_t rounded = (size + 8 + 15) & ~(size_t)15;
    return rounded < 32 ? 32 : rounded;
}

#endif
