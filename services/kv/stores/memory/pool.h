/* SPDX-License-Identifier: MIT
 *
 * Memory for entries, values, segments and directories. Small blocks have one of 112 sizes and come
 * out of slabs of 64 KiB; a slab is pages of its own and goes back to the system alone, so that no
 * call has to merge or to return more than a batch of blocks (malloc may do so with millions of them
 * after a table has gone). Each loop has some blocks at hand, which it takes and gives without a lock
 * (magazines; Bonwick and Adams, "Magazines and Vmem", 2001). Larger blocks are runs of pages, and
 * what is larger than the largest run is malloc's.
 *
 * The pool counts what it has from the system, and may have a limit for that. A slab lives as long as
 * one of its blocks, so the count can be far above the bytes in blocks. Then somebody who knows the
 * owners of blocks moves them (sweep.h): the pool picks sparse slabs, takes nothing from them any
 * more, and frees each when its last block comes back. */
#ifndef KV_STORE_POOL_H
#define KV_STORE_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "core/base/blob.h"
#include "runs.h"

enum { KV_POOL_ALIGN = 8, KV_POOL_BLOCK_MAX = 8 * 1024, KV_POOL_CLASSES = 112 };

struct kv_slab;
struct kv_block;

/* Shared by all loops. */
struct kv_pool {
    struct weft_blob_home home; /* first: of blobs that live in the pool */
    pthread_mutex_t lock;
    struct kv_slab *partial[KV_POOL_CLASSES]; /* slabs with blocks to take */
    struct kv_slab *leaving;                  /* slabs that are being emptied */
    struct kv_runs runs;
    _Atomic int64_t resident;    /* bytes from the system */
    int64_t resident_max;        /* 0: there is no limit */
    int64_t reserve;             /* bytes beyond the limit for one level of urgency */
    int64_t sweep_from;          /* resident bytes from which sparse slabs are emptied, */
    int64_t waste_max;           /* if so many of them are not in use */
    _Atomic unsigned evacuation; /* odd while slabs are being emptied */
};

/* One loop's blocks at hand; one thread uses it at a time. */
struct kv_pool_cache {
    struct kv_pool *pool;
    int urgency;         /* levels of reserve that takes may use */
    bool refused;        /* set when the limit refused a take */
    size_t debt;         /* bytes that this loop had from the system; whoever sweeps sets it to 0 */
    unsigned evacuation; /* the last one for which blocks at hand were given back */
    struct kv_magazine {
        struct kv_block *first; /* the block given last */
        uint32_t count;
    } magazines[KV_POOL_CLASSES];
};

/* 0 or -errno. fini: after all caches were emptied and all blocks given back. */
WEFT_MUST_USE int kv_pool_init(struct kv_pool *pool);
void kv_pool_fini(struct kv_pool *pool);

/* empty: gives all blocks at hand back to the pool. */
void kv_pool_cache_init(struct kv_pool_cache *cache, struct kv_pool *pool);
void kv_pool_cache_empty(struct kv_pool_cache *cache);

/* Returns a block of at least size bytes, at a multiple of KV_POOL_ALIGN. NULL: no memory, or
 * (cache->refused) the limit. */
WEFT_MUST_USE void *kv_pool_take(struct kv_pool_cache *cache, size_t size);

/* Gives a block back that was taken for this size, through any cache of the pool. */
void kv_pool_give(struct kv_pool_cache *cache, void *block, size_t size);

/* Returns a blob in the pool with the bytes of another, or NULL as kv_pool_take. Its last unref may
 * be on any thread. A blob larger than the largest run is shared instead of copied. */
WEFT_MUST_USE struct weft_blob *kv_pool_copy_blob(struct kv_pool_cache *cache,
                                                  struct weft_blob *blob);

/* Returns the bytes that a block taken for size has. */
size_t kv_pool_heap_size(size_t size);

/* Begins to empty sparse slabs, those with the fewest blocks first, with at most `bytes` in their
 * blocks. Returns their number; 0: none would go, and nothing has begun. */
size_t kv_pool_evacuate(struct kv_pool *pool, size_t bytes);
/* Ends that: slabs that are not empty are used again. */
void kv_pool_evacuate_end(struct kv_pool *pool);
/* True if no slab is left to be emptied. */
bool kv_pool_is_evacuated(struct kv_pool *pool);
/* True if the block, taken for size, should move: a copy would lie in another slab. */
bool kv_pool_must_move(const struct kv_pool *pool, const void *block, size_t size);
/* True if the blob lies in such a block. */
bool kv_pool_must_move_blob(const struct kv_pool *pool, const struct weft_blob *blob);

/* Returns the bytes of a block of malloc as glibc has it: a word of its own, in steps of 16, at least
 * 32. */
static inline size_t kv_heap_size(size_t size)
{
    size_t rounded = (size + 8 + 15) & ~(size_t)15;
    return rounded < 32 ? 32 : rounded;
}

#endif
