/* SPDX-License-Identifier: MIT
 *
 * A blob's address chooses its stripe, whose lock guards the blob's `kept` and the stripe's list.
 * A frame in a list has a living blob: the blob's end unlinks it under that lock before the memory
 * goes. No two locks are ever held together, and nothing is freed under one. */
#include "frame_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "blob_frame.h"
#include "mem.h"

enum {
    STRIPE_BITS = 4,
    STRIPES = 1 << STRIPE_BITS,
    FRACTION = 8, /* of the budget, which is the most that one frame may have */
    OVERHEAD = 64 /* what two allocations and a blob's header have beside the bytes */
};

struct weft__kept_frame {
    struct weft__kept_frame *older, *newer; /* within the stripe */
    struct weft_blob *blob;                 /* whose frame it is; not counted */
    struct weft_blob *frame;                /* counted; NULL: PLAIN */
    uint64_t birth;
    size_t cost;
    uint32_t config_id;
};

struct stripe {
    pthread_mutex_t lock;
    struct weft__kept_frame *oldest, *newest;
    /* Of `oldest`, UINT64_MAX where there is none. Written under the lock, read without it to find
     * the stripe to evict from. */
    _Atomic uint64_t oldest_birth;
};

struct weft_frame_cache {
    atomic_size_t refs; /* the owner's, and one for each blob that has its pool here */
    size_t budget;
    atomic_size_t bytes;
    _Atomic uint64_t births;
    struct stripe stripes[STRIPES];
};

struct weft_frame_cache *weft_frame_cache_new(size_t budget)
{
    struct weft_frame_cache *pool = weft_malloc(sizeof *pool);
    if (!pool)
        return NULL;
    pool->budget = budget;
    atomic_init(&pool->refs, 1);
    atomic_init(&pool->bytes, 0);
    atomic_init(&pool->births, 0);
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &pool->stripes[i];
        stripe->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        stripe->oldest = stripe->newest = NULL;
        atomic_init(&stripe->oldest_birth, UINT64_MAX);
    }
    return pool;
}

static void release_pool(struct weft_frame_cache *pool)
{
    if (atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&pool->stripes[i].lock);
    weft_free(pool);
}

/* Fibonacci hashing: the low bits of an address are alike, those of the product's top are not. */
static struct stripe *stripe_of(struct weft_frame_cache *pool, const struct weft_blob *blob)
{
    uint64_t mixed = (uint64_t)(uintptr_t)blob * UINT64_C(0x9e3779b97f4a7c15);
    return &pool->stripes[mixed >> (64 - STRIPE_BITS)];
}

/* Both under the stripe's lock. */
static void note_oldest(struct stripe *stripe)
{
    uint64_t birth = stripe->oldest ? stripe->oldest->birth : UINT64_MAX;
    atomic_store_explicit(&stripe->oldest_birth, birth, memory_order_relaxed);
}

static void unlink_kept(struct stripe *stripe, struct weft__kept_frame *kept)
{
    if (kept->older)
        kept->older->newer = kept->newer;
    else
        stripe->oldest = kept->newer;
    if (kept->newer)
        kept->newer->older = kept->older;
    else
        stripe->newest = kept->older;
    note_oldest(stripe);
    weft__blob_frame(kept->blob)->kept = NULL;
}

/* After it was unlinked, or was never linked. */
static void drop(struct weft_frame_cache *pool, struct weft__kept_frame *kept)
{
    atomic_fetch_sub_explicit(&pool->bytes, kept->cost, memory_order_relaxed);
    weft_blob_unref(kept->frame);
    weft_free(kept);
}

static struct stripe *stripe_with_oldest(struct weft_frame_cache *pool)
{
    struct stripe *found = NULL;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &pool->stripes[i];
        uint64_t birth = atomic_load_explicit(&stripe->oldest_birth, memory_order_relaxed);
        if (birth < least) {
            least = birth;
            found = stripe;
        }
    }
    return found;
}

/* False: there is nothing to evict. */
static bool evict_oldest(struct weft_frame_cache *pool)
{
    struct stripe *stripe = stripe_with_oldest(pool);
    if (!stripe)
        return false;
    pthread_mutex_lock(&stripe->lock);
    struct weft__kept_frame *kept = stripe->oldest;
    if (kept)
        unlink_kept(stripe, kept);
    pthread_mutex_unlock(&stripe->lock);
    if (kept)
        drop(pool, kept);
    return true;
}

void weft_frame_cache_free(struct weft_frame_cache *pool)
{
    if (!pool)
        return;
    while (evict_oldest(pool))
        continue;
    release_pool(pool);
}

enum weft_frame_found weft_frame_cache_get(struct weft_frame_cache *pool, struct weft_blob *blob,
                                           uint32_t config_id, struct weft_blob **frame)
{
    struct weft__blob_frame *link = weft__blob_frame(blob);
    if (!pool || atomic_load_explicit(&link->pool, memory_order_acquire) != pool)
        return WEFT_FRAME_MISS;

    enum weft_frame_found found = WEFT_FRAME_MISS;
    struct stripe *stripe = stripe_of(pool, blob);
    pthread_mutex_lock(&stripe->lock);
    const struct weft__kept_frame *kept = link->kept;
    if (kept && kept->config_id == config_id) {
        found = kept->frame ? WEFT_FRAME_HIT : WEFT_FRAME_PLAIN;
        if (kept->frame)
            *frame = weft_blob_ref(kept->frame);
    }
    pthread_mutex_unlock(&stripe->lock);
    return found;
}

/* Makes pool the one of the blob, if it has none yet; false: it has another. */
static bool bind_pool(struct weft_frame_cache *pool, struct weft__blob_frame *link)
{
    struct weft_frame_cache *none = NULL;
    if (atomic_load_explicit(&link->pool, memory_order_relaxed) == pool)
        return true;
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
    if (atomic_compare_exchange_strong_explicit(&link->pool, &none, pool, memory_order_release,
                                                memory_order_relaxed))
        return true;
    release_pool(pool);
    return none == pool;
}

/* False: another has come first. */
static bool link_kept(struct weft_frame_cache *pool, struct weft__kept_frame *kept)
{
    struct weft__blob_frame *link = weft__blob_frame(kept->blob);
    struct stripe *stripe = stripe_of(pool, kept->blob);
    pthread_mutex_lock(&stripe->lock);
    bool first = !link->kept;
    if (first) {
        /* Counted under the lock, so that a stripe's list is in the order of birth. */
        kept->birth = atomic_fetch_add_explicit(&pool->births, 1, memory_order_relaxed);
        kept->older = stripe->newest;
        if (stripe->newest)
            stripe->newest->newer = kept;
        else
            stripe->oldest = kept;
        stripe->newest = kept;
        note_oldest(stripe);
        link->kept = kept;
    }
    pthread_mutex_unlock(&stripe->lock);
    return first;
}

void weft_frame_cache_put(struct weft_frame_cache *pool, struct weft_blob *blob, uint32_t config_id,
                          struct weft_blob *frame)
{
    size_t cost = sizeof(struct weft__kept_frame) + OVERHEAD;
    if (frame)
        cost += weft_blob_view(frame).size;
    if (!pool || cost > pool->budget / FRACTION)
        return;
    if (!bind_pool(pool, weft__blob_frame(blob)))
        return;
    struct weft__kept_frame *kept = weft_malloc(sizeof *kept);
    if (!kept)
        return;
    *kept = (struct weft__kept_frame){
        .blob = blob,
        .frame = frame ? weft_blob_ref(frame) : NULL,
        .cost = cost,
        .config_id = config_id,
    };

    /* Counted before it can be found: whoever evicts it takes the same sum away again. */
    atomic_fetch_add_explicit(&pool->bytes, cost, memory_order_relaxed);
    if (!link_kept(pool, kept)) {
        drop(pool, kept);
        return;
    }
    while (weft_frame_cache_bytes(pool) > pool->budget && evict_oldest(pool))
        continue;
}

void weft__frame_cache_forget(struct weft_blob *blob)
{
    struct weft__blob_frame *link = weft__blob_frame(blob);
    struct weft_frame_cache *pool = atomic_load_explicit(&link->pool, memory_order_relaxed);
    struct stripe *stripe = stripe_of(pool, blob);

    pthread_mutex_lock(&stripe->lock);
    struct weft__kept_frame *kept = link->kept;
    if (kept)
        unlink_kept(stripe, kept);
    pthread_mutex_unlock(&stripe->lock);
    if (kept)
        drop(pool, kept);
    release_pool(pool);
}

size_t weft_frame_cache_bytes(const struct weft_frame_cache *pool)
{
    return atomic_load_explicit(&pool->bytes, memory_order_relaxed);
}
