/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdbool.h>

#include "core/base/compiler.h"

enum {
    SLAB_SIZE = 64 * 1024, /* and its alignment: so a block finds its slab */
    /* What goes between a magazine and the slabs at a time; a magazine holds twice as much. Of the
     * blocks of tables' segments, most of which are larger, none is kept. */
    BATCH = 64,
    BATCH_BYTES = 16 * 1024,
    KEPT_MAX = 2048,
    /* Sizes rise in steps of 8 up to 128 and of a 16th of a power of two from there. */
    LINEAR_MAX = 128,
    STEPS = 16,
    STEP_SHIFT_MIN = 3,
};

/* A block that nobody has. */
struct kv_block {
    struct kv_block *next;
};

struct kv_slab {
    struct kv_slab *next, *prev; /* of the partial ones of its class */
    struct kv_block *given;      /* blocks that were taken before */
    uint32_t fresh;              /* where those begin that never were */
    uint32_t taken;              /* blocks that are not here */
    uint32_t block_size, class;
};

enum { FIRST_BLOCK = (sizeof(struct kv_slab) + 15) / 16 * 16 };

static unsigned class_of(size_t size)
{
    if (size <= LINEAR_MAX)
        return size == 0 ? 0 : (unsigned)(size - 1) / KV_POOL_ALIGN;
    unsigned last = (unsigned)size - 1, shift = 31 - (unsigned)__builtin_clz(last) - 4;
    return STEPS * (1 + shift - STEP_SHIFT_MIN) + (last >> shift) - STEPS;
}

static uint32_t block_size_of(unsigned class)
{
    if (class < STEPS)
        return (class + 1) * KV_POOL_ALIGN;
    unsigned shift = class / STEPS - 1 + STEP_SHIFT_MIN;
    return (class % STEPS + STEPS + 1) << shift;
}

static uint32_t batch_of(uint32_t block_size)
{
    if (block_size > KEPT_MAX)
        return 1;
    return block_size <= BATCH_BYTES / BATCH ? BATCH : BATCH_BYTES / block_size;
}

static uint32_t most_of(uint32_t block_size)
{
    return block_size > KEPT_MAX ? 0 : 2 * batch_of(block_size);
}

size_t kv_pool_heap_size(size_t size)
{
    return size > KV_POOL_BLOCK_MAX ? kv_heap_size(size) : block_size_of(class_of(size));
}

int kv_pool_init(struct kv_pool *pool)
{
    *pool = (struct kv_pool){0};
    return -pthread_mutex_init(&pool->lock, NULL);
}

void kv_pool_fini(struct kv_pool *pool)
{
    pthread_mutex_destroy(&pool->lock);
}

void kv_pool_cache_init(struct kv_pool_cache *cache, struct kv_pool *pool)
{
    *cache = (struct kv_pool_cache){.pool = pool};
}

static void link_slab(struct kv_pool *pool, struct kv_slab *slab)
{
    slab->prev = NULL;
    slab->next = pool->partial[slab->class];
    if (slab->next)
        slab->next->prev = slab;
    pool->partial[slab->class] = slab;
}

static void unlink_slab(struct kv_pool *pool, struct kv_slab *slab)
{
    if (slab->prev)
        slab->prev->next = slab->next;
    else
        pool->partial[slab->class] = slab->next;
    if (slab->next)
        slab->next->prev = slab->prev;
}

static bool is_exhausted(const struct kv_slab *slab)
{
    return !slab->given && slab->fresh + slab->block_size > SLAB_SIZE;
}

static struct kv_slab *slab_new(struct kv_pool *pool, unsigned class)
{
    struct kv_slab *slab = weft_pages_new(SLAB_SIZE);
    if (!slab)
        return NULL;
    slab->fresh = FIRST_BLOCK;
    slab->block_size = block_size_of(class);
    slab->class = class;
    link_slab(pool, slab);
    return slab;
}

static struct kv_slab *slab_of(const struct kv_block *block)
{
    return (struct kv_slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_SIZE - 1));
}

static struct kv_block *take_from(struct kv_slab *slab)
{
    struct kv_block *block = slab->given;
    slab->taken++;
    if (block) {
        weft_unpoison(block, sizeof *block);
        slab->given = block->next;
        return block;
    }
    block = (struct kv_block *)(void *)((char *)slab + slab->fresh);
    slab->fresh += slab->block_size;
    return block;
}

static void put_first(struct kv_block **list, struct kv_block *block, size_t size)
{
    weft_unpoison(block, sizeof *block);
    block->next = *list;
    *list = block;
    weft_poison(block, size);
}

static struct kv_block *take_first(struct kv_block **list, size_t size)
{
    struct kv_block *block = *list;
    weft_unpoison(block, sizeof *block);
    *list = block->next;
    weft_poison(block, sizeof *block);
    weft_unpoison(block, size);
    return block;
}

/* False: not one block was to be had. */
static bool fill(struct kv_pool_cache *cache, unsigned class)
{
    struct kv_pool *pool = cache->pool;
    struct kv_magazine *magazine = &cache->magazines[class];
    uint32_t size = block_size_of(class);
    pthread_mutex_lock(&pool->lock);
    while (magazine->count < batch_of(size)) {
        struct kv_slab *slab = pool->partial[class];
        if (!slab)
            slab = slab_new(pool, class);
        if (!slab)
            break;
        put_first(&magazine->first, take_from(slab), size);
        magazine->count++;
        if (is_exhausted(slab))
            unlink_slab(pool, slab);
    }
    pthread_mutex_unlock(&pool->lock);
    return magazine->count > 0;
}

/* The slabs that are empty now go to the front of *empty, in no list of the pool any more. */
static void give_to_slab(struct kv_pool *pool, struct kv_block *block, struct kv_slab **empty)
{
    struct kv_slab *slab = slab_of(block);
    if (is_exhausted(slab))
        link_slab(pool, slab);
    put_first(&slab->given, block, slab->block_size);
    if (--slab->taken > 0)
        return;
    unlink_slab(pool, slab);
    slab->next = *empty;
    *empty = slab;
}

/* What the system does not take back is taken from again. */
static void free_slabs(struct kv_pool *pool, struct kv_slab *slab)
{
    while (slab) {
        struct kv_slab *next = slab->next;
        weft_unpoison(slab, SLAB_SIZE);
        if (weft_pages_free(slab, SLAB_SIZE) < 0) {
            pthread_mutex_lock(&pool->lock);
            link_slab(pool, slab);
            pthread_mutex_unlock(&pool->lock);
        }
        slab = next;
    }
}

static void drain(struct kv_pool_cache *cache, unsigned class, uint32_t count)
{
    struct kv_magazine *magazine = &cache->magazines[class];
    struct kv_slab *empty = NULL;
    uint32_t size = block_size_of(class);
    magazine->count -= count;
    pthread_mutex_lock(&cache->pool->lock);
    while (count-- > 0)
        give_to_slab(cache->pool, take_first(&magazine->first, size), &empty);
    pthread_mutex_unlock(&cache->pool->lock);
    free_slabs(cache->pool, empty);
}

void kv_pool_cache_empty(struct kv_pool_cache *cache)
{
    for (unsigned class = 0; class < KV_POOL_CLASSES; class ++)
        drain(cache, class, cache->magazines[class].count);
}

void *kv_pool_take(struct kv_pool_cache *cache, size_t size)
{
    if (size > KV_POOL_BLOCK_MAX)
        return weft_malloc(size);
    unsigned class = class_of(size);
    struct kv_magazine *magazine = &cache->magazines[class];
    if (magazine->count == 0 && !fill(cache, class))
        return NULL;
    magazine->count--;
    return take_first(&magazine->first, size);
}

void kv_pool_give(struct kv_pool_cache *cache, void *block, size_t size)
{
    if (size > KV_POOL_BLOCK_MAX) {
        weft_free(block);
        return;
    }
    unsigned class = class_of(size);
    uint32_t block_size = block_size_of(class);
    struct kv_magazine *magazine = &cache->magazines[class];
    put_first(&magazine->first, block, block_size);
    if (++magazine->count > most_of(block_size))
        drain(cache, class, batch_of(block_size));
}
