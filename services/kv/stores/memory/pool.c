/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/compiler.h"

enum {
    SLAB_SIZE = 64 * 1024, /* and its alignment: so a block finds its slab */
    /* The blocks that go between a magazine and the slabs at a time; a magazine holds twice as many.
     * It keeps no blocks over KEPT_MAX, most of which are tables' segments. */
    BATCH = 64,
    BATCH_BYTES = 16 * 1024,
    KEPT_MAX = 2048,
    VISITED_MAX = 8192, /* slabs looked at under the lock, to pick those to be emptied */
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
    struct kv_slab *next,
        *prev;              /* in the partial ones of its class, or in those that are leaving */
    struct kv_block *given; /* free blocks that were taken before */
    uint32_t fresh;         /* offset of the blocks that never were taken */
    uint32_t taken;         /* number of blocks that are not here */
    uint32_t block_size, class;
    _Atomic bool leaving; /* is being emptied; changed under the lock */
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

static size_t pages_of(size_t size)
{
    return (size + KV_PAGE - 1) / KV_PAGE;
}

size_t kv_pool_heap_size(size_t size)
{
    return size > KV_POOL_BLOCK_MAX ? pages_of(size) * KV_PAGE : block_size_of(class_of(size));
}

static void free_blob(struct weft_blob_home *home, void *memory, size_t size);

int kv_pool_init(struct kv_pool *pool)
{
    *pool = (struct kv_pool){.home.free = free_blob};
    int err = kv_runs_init(&pool->runs);
    if (err < 0)
        return err;
    err = -pthread_mutex_init(&pool->lock, NULL);
    if (err < 0)
        kv_runs_fini(&pool->runs);
    return err;
}

void kv_pool_fini(struct kv_pool *pool)
{
    kv_runs_fini(&pool->runs);
    pthread_mutex_destroy(&pool->lock);
}

void kv_pool_cache_init(struct kv_pool_cache *cache, struct kv_pool *pool)
{
    *cache = (struct kv_pool_cache){.pool = pool};
}

/* Counts bytes as had from the system, if the limit allows them. */
static bool admit(struct kv_pool_cache *cache, size_t size)
{
    struct kv_pool *pool = cache->pool;
    int64_t bytes = (int64_t)size;
    int64_t resident = atomic_fetch_add_explicit(&pool->resident, bytes, memory_order_relaxed);
    int64_t most = pool->resident_max + cache->urgency * pool->reserve;
    if (pool->resident_max > 0 && resident + bytes > most) {
        atomic_fetch_sub_explicit(&pool->resident, bytes, memory_order_relaxed);
        cache->refused = true;
        return false;
    }
    cache->debt += size;
    return true;
}

static void dismiss(struct kv_pool *pool, size_t size)
{
    atomic_fetch_sub_explicit(&pool->resident, (int64_t)size, memory_order_relaxed);
}

static struct kv_slab **list_of(struct kv_pool *pool, const struct kv_slab *slab)
{
    return slab->leaving ? &pool->leaving : &pool->partial[slab->class];
}

static void link_slab(struct kv_pool *pool, struct kv_slab *slab)
{
    struct kv_slab **list = list_of(pool, slab);
    slab->prev = NULL;
    slab->next = *list;
    if (slab->next)
        slab->next->prev = slab;
    *list = slab;
}

static void unlink_slab(struct kv_pool *pool, struct kv_slab *slab)
{
    if (slab->prev)
        slab->prev->next = slab->next;
    else
        *list_of(pool, slab) = slab->next;
    if (slab->next)
        slab->next->prev = slab->prev;
}

/* Such a slab is in no list. One that is leaving never is: it had a free block when it was picked, and
 * none is taken from it. */
static bool is_exhausted(const struct kv_slab *slab)
{
    return !slab->given && slab->fresh + slab->block_size > SLAB_SIZE;
}

static struct kv_slab *slab_new(struct kv_pool_cache *cache, unsigned class)
{
    if (!admit(cache, SLAB_SIZE))
        return NULL;
    struct kv_slab *slab = weft_pages_new(SLAB_SIZE);
    if (!slab) {
        dismiss(cache->pool, SLAB_SIZE);
        return NULL;
    }
    slab->fresh = FIRST_BLOCK;
    slab->block_size = block_size_of(class);
    slab->class = class;
    link_slab(cache->pool, slab);
    return slab;
}

static struct kv_slab *slab_of(const void *block)
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

/* False: there was not one block to be had. */
static bool fill(struct kv_pool_cache *cache, unsigned class)
{
    struct kv_pool *pool = cache->pool;
    struct kv_magazine *magazine = &cache->magazines[class];
    uint32_t size = block_size_of(class);
    pthread_mutex_lock(&pool->lock);
    while (magazine->count < batch_of(size)) {
        struct kv_slab *slab = pool->partial[class];
        if (!slab)
            slab = slab_new(cache, class);
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

/* Gives a block back to its slab. If that is empty now it leaves the pool's lists for *empty. */
static void give_to_slab(struct kv_pool *pool, struct kv_block *block, struct kv_slab **empty)
{
    struct kv_slab *slab = slab_of(block);
    if (is_exhausted(slab))
        link_slab(pool, slab);
    put_first(&slab->given, block, slab->block_size);
    if (--slab->taken > 0)
        return;
    unlink_slab(pool, slab);
    slab->leaving = false;
    slab->next = *empty;
    *empty = slab;
}

/* A slab that the system does not take back is used again. */
static void free_slabs(struct kv_pool *pool, struct kv_slab *slab)
{
    while (slab) {
        struct kv_slab *next = slab->next;
        weft_unpoison(slab, SLAB_SIZE);
        if (weft_pages_free(slab, SLAB_SIZE) < 0) {
            pthread_mutex_lock(&pool->lock);
            link_slab(pool, slab);
            pthread_mutex_unlock(&pool->lock);
        } else {
            dismiss(pool, SLAB_SIZE);
        }
        slab = next;
    }
}

WEFT_NOINLINE static void give_one(struct kv_pool *pool, struct kv_block *block)
{
    struct kv_slab *empty = NULL;
    pthread_mutex_lock(&pool->lock);
    give_to_slab(pool, block, &empty);
    pthread_mutex_unlock(&pool->lock);
    free_slabs(pool, empty);
}

WEFT_NOINLINE static void drain(struct kv_pool_cache *cache, unsigned class, uint32_t count)
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
    for (unsigned class = 0; class < KV_POOL_CLASSES; class ++) {
        if (cache->magazines[class].count > 0)
            drain(cache, class, cache->magazines[class].count);
    }
}

/* A run of pages or, if it is larger than those may be, a block of malloc. */
WEFT_NOINLINE static void *take_large(struct kv_pool_cache *cache, size_t size)
{
    size_t pages = pages_of(size);
    if (!admit(cache, pages * KV_PAGE))
        return NULL;
    void *block =
        pages > KV_RUN_PAGES_MAX ? weft_malloc(size) : kv_runs_take(&cache->pool->runs, pages);
    if (!block)
        dismiss(cache->pool, pages * KV_PAGE);
    return block;
}

WEFT_NOINLINE static void give_large(struct kv_pool *pool, void *block, size_t size)
{
    size_t pages = pages_of(size);
    if (pages > KV_RUN_PAGES_MAX)
        weft_free(block);
    else
        kv_runs_give(&pool->runs, block, pages);
    dismiss(pool, pages * KV_PAGE);
}

void *kv_pool_take(struct kv_pool_cache *cache, size_t size)
{
    if (size > KV_POOL_BLOCK_MAX)
        return take_large(cache, size);
    unsigned class = class_of(size);
    struct kv_magazine *magazine = &cache->magazines[class];
    if (magazine->count == 0 && !fill(cache, class))
        return NULL;
    magazine->count--;
    return take_first(&magazine->first, block_size_of(class));
}

static bool is_evacuating(const struct kv_pool *pool)
{
    return atomic_load_explicit(&pool->evacuation, memory_order_relaxed) & 1;
}

void kv_pool_give(struct kv_pool_cache *cache, void *block, size_t size)
{
    if (size > KV_POOL_BLOCK_MAX) {
        give_large(cache->pool, block, size);
        return;
    }
    if (is_evacuating(cache->pool) && slab_of(block)->leaving) {
        give_one(cache->pool, block);
        return;
    }
    unsigned class = class_of(size);
    uint32_t block_size = block_size_of(class);
    struct kv_magazine *magazine = &cache->magazines[class];
    put_first(&magazine->first, block, block_size);
    if (++magazine->count > most_of(block_size))
        drain(cache, class, batch_of(block_size));
}

static void free_blob(struct weft_blob_home *home, void *memory, size_t size)
{
    struct kv_pool *pool = (struct kv_pool *)home;
    if (size > KV_POOL_BLOCK_MAX)
        give_large(pool, memory, size);
    else
        give_one(pool, memory);
}

struct weft_blob *kv_pool_copy_blob(struct kv_pool_cache *cache, struct weft_blob *blob)
{
    struct weft_view view = weft_blob_view(blob);
    size_t size = weft_blob_memory(view.size);
    if (pages_of(size) > KV_RUN_PAGES_MAX)
        return weft_blob_ref(blob);
    void *memory = kv_pool_take(cache, size);
    if (!memory)
        return NULL;
    uint8_t *data;
    struct weft_blob *copy = weft_blob_new_at(memory, view.size, &cache->pool->home, &data);
    memcpy(data, view.data, view.size);
    return copy;
}

/* Picks slabs of one class that are at most `eighths` full. One slab of a class stays, to take those
 * blocks that move. */
static size_t pick(struct kv_pool *pool, unsigned class, uint32_t eighths, size_t *bytes,
                   size_t *visits)
{
    size_t picked = 0;
    struct kv_slab *slab = pool->partial[class], *next;
    for (; slab && *visits > 0; slab = next, --*visits) {
        next = slab->next;
        size_t used = (size_t)slab->taken * slab->block_size;
        bool is_only = !slab->prev && !slab->next;
        if (is_only || used > *bytes || used > (size_t)SLAB_SIZE / 8 * eighths)
            continue;
        unlink_slab(pool, slab);
        slab->leaving = true;
        link_slab(pool, slab);
        *bytes -= used;
        picked++;
    }
    return picked;
}

size_t kv_pool_evacuate(struct kv_pool *pool, size_t bytes)
{
    static const uint32_t eighths[] = {1, 2, 4, 6, 7};
    size_t picked = 0, visits = VISITED_MAX;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < sizeof eighths / sizeof *eighths; i++) {
        for (unsigned class = 0; class < KV_POOL_CLASSES; class ++)
            picked += pick(pool, class, eighths[i], &bytes, &visits);
    }
    if (picked > 0)
        atomic_fetch_add(&pool->evacuation, 1);
    pthread_mutex_unlock(&pool->lock);
    return picked;
}

void kv_pool_evacuate_end(struct kv_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->leaving) {
        struct kv_slab *slab = pool->leaving;
        unlink_slab(pool, slab);
        slab->leaving = false;
        link_slab(pool, slab);
    }
    atomic_fetch_add(&pool->evacuation, 1);
    pthread_mutex_unlock(&pool->lock);
}

bool kv_pool_is_evacuated(struct kv_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool is_empty = pool->leaving == NULL;
    pthread_mutex_unlock(&pool->lock);
    return is_empty;
}

bool kv_pool_must_move(const struct kv_pool *pool, const void *block, size_t size)
{
    (void)pool;
    return size <= KV_POOL_BLOCK_MAX && slab_of(block)->leaving;
}

bool kv_pool_must_move_blob(const struct kv_pool *pool, const struct weft_blob *blob)
{
    return weft_blob_home(blob) == &pool->home &&
           kv_pool_must_move(pool, blob, weft_blob_memory(weft_blob_view(blob).size));
}
