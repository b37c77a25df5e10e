/* SPDX-License-Identifier: MIT
 *
 * The cache has stripes, each a lock and a list of kept frames in the order of their birth. A blob's
 * address chooses its stripe, whose lock also guards the `kept` of the blob's link, which is the list of
 * the blob's own frames. A frame in a list has a living blob, because the blob's end unlinks the frame under that lock before the memory
 * is freed. No two locks are held together, and nothing is freed under one. */
#include "frame_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "blob_private.h"
#include "compiler.h"
#include "mem.h"

enum {
    STRIPE_BITS = 4,
    STRIPES = 1 << STRIPE_BITS,
    FRACTION = 8,  /* one frame may have at most budget / FRACTION */
    OVERHEAD = 64, /* bytes that two allocations and a blob's header add */
    FRAMES_MAX = 4 /* the most frames of one blob */
};

struct kept_frame {
    struct kept_frame *older, *newer; /* within the stripe */
    struct kept_frame *next;          /* the next frame of the blob */
    struct weft_blob *blob;           /* the blob that was framed; not a reference */
    struct weft_blob *frame;          /* a reference, or NULL: PLAIN */
    uint64_t birth;
    size_t cost;
    uint32_t config_id;
};

struct stripe {
    pthread_mutex_t lock;
    struct kept_frame *oldest, *newest;
    /* The birth of `oldest`, or UINT64_MAX if there is none. It is written under the lock and read
     * without it, to find the stripe to evict from. */
    _Atomic uint64_t oldest_birth;
    uint64_t hits;
};

struct weft_frame_cache {
    struct weft__blob_keeper keeper; /* what a blob is linked to */
    atomic_size_t refs;              /* the owner's, and one per blob linked to this cache */
    size_t budget;
    atomic_size_t bytes;
    _Atomic uint64_t births, misses;
    struct stripe stripes[STRIPES];
};

static void forget(struct weft__blob_keeper *keeper, struct weft_blob *blob);

struct weft_frame_cache *weft_frame_cache_new(size_t budget)
{
    struct weft_frame_cache *cache = weft_malloc(sizeof *cache);
    if (!cache)
        return NULL;
    cache->keeper.blob_ended = forget;
    cache->budget = budget;
    atomic_init(&cache->refs, 1);
    atomic_init(&cache->bytes, 0);
    atomic_init(&cache->births, 0);
    atomic_init(&cache->misses, 0);
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &cache->stripes[i];
        stripe->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        stripe->oldest = stripe->newest = NULL;
        stripe->hits = 0;
        atomic_init(&stripe->oldest_birth, UINT64_MAX);
    }
    return cache;
}

static void release_cache(struct weft_frame_cache *cache)
{
    if (atomic_fetch_sub_explicit(&cache->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&cache->stripes[i].lock);
    weft_free(cache);
}

/* Fibonacci hashing: the low bits of addresses are alike, but the top bits of the products differ. */
static struct stripe *stripe_of(struct weft_frame_cache *cache, const struct weft_blob *blob)
{
    uint64_t mixed = (uint64_t)(uintptr_t)blob * UINT64_C(0x9e3779b97f4a7c15);
    return &cache->stripes[mixed >> (64 - STRIPE_BITS)];
}

/* Called under the stripe's lock. */
static void note_oldest(struct stripe *stripe)
{
    uint64_t birth = stripe->oldest ? stripe->oldest->birth : UINT64_MAX;
    atomic_store_explicit(&stripe->oldest_birth, birth, memory_order_relaxed);
}

/* Called under the stripe's lock. */
static void unlink_kept(struct stripe *stripe, struct kept_frame *kept)
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
    struct weft__blob_link *link = weft__blob_link(kept->blob);
    struct kept_frame *other = link->kept;
    if (other == kept) {
        link->kept = kept->next;
        return;
    }
    while (other->next != kept)
        other = other->next;
    other->next = kept->next;
}

/* Frees a kept frame that is in no list. */
static void drop(struct weft_frame_cache *cache, struct kept_frame *kept)
{
    atomic_fetch_sub_explicit(&cache->bytes, kept->cost, memory_order_relaxed);
    weft_blob_unref(kept->frame);
    weft_free(kept);
}

static struct stripe *stripe_with_oldest(struct weft_frame_cache *cache)
{
    struct stripe *found = NULL;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &cache->stripes[i];
        uint64_t birth = atomic_load_explicit(&stripe->oldest_birth, memory_order_relaxed);
        if (birth < least) {
            least = birth;
            found = stripe;
        }
    }
    return found;
}

/* Called under the stripe's lock. Returns the blob's frame of a configuration, or NULL, and sets *count to the
 * number of frames before it. */
static struct kept_frame *kept_of(const struct weft__blob_link *link, uint32_t config_id,
                                  size_t *count)
{
    struct kept_frame *kept = link->kept;
    *count = 0;
    for (; kept && kept->config_id != config_id; kept = kept->next)
        (*count)++;
    return kept;
}

/* Returns false if there was nothing to evict. */
static bool evict_oldest(struct weft_frame_cache *cache)
{
    struct stripe *stripe = stripe_with_oldest(cache);
    if (!stripe)
        return false;
    pthread_mutex_lock(&stripe->lock);
    struct kept_frame *kept = stripe->oldest;
    if (kept)
        unlink_kept(stripe, kept);
    pthread_mutex_unlock(&stripe->lock);
    if (kept)
        drop(cache, kept);
    return true;
}

void weft_frame_cache_free(struct weft_frame_cache *cache)
{
    if (!cache)
        return;
    while (evict_oldest(cache))
        continue;
    release_cache(cache);
}

/* A miss leads to a deflate, so it may cost an atomic addition. Hits are counted under the stripe's lock. */
static enum weft_frame_found count_miss(struct weft_frame_cache *cache)
{
    if (cache)
        atomic_fetch_add_explicit(&cache->misses, 1, memory_order_relaxed);
    return WEFT_FRAME_MISS;
}

enum weft_frame_found weft_frame_cache_get(struct weft_frame_cache *cache, struct weft_blob *blob,
                                           uint32_t config_id, struct weft_blob **frame)
{
    struct weft__blob_link *link = weft__blob_link(blob);
    if (!cache || atomic_load_explicit(&link->keeper, memory_order_acquire) != &cache->keeper)
        return count_miss(cache);

    enum weft_frame_found found = WEFT_FRAME_MISS;
    struct stripe *stripe = stripe_of(cache, blob);
    size_t others;
    pthread_mutex_lock(&stripe->lock);
    const struct kept_frame *kept = kept_of(link, config_id, &others);
    if (kept) {
        found = kept->frame ? WEFT_FRAME_HIT : WEFT_FRAME_PLAIN;
        if (kept->frame) {
            *frame = weft_blob_ref(kept->frame);
            stripe->hits++;
        }
    }
    pthread_mutex_unlock(&stripe->lock);
    return found == WEFT_FRAME_MISS ? count_miss(cache) : found;
}

/* Links the blob to this cache. Returns false if it is linked to another. */
static bool bind_cache(struct weft_frame_cache *cache, struct weft__blob_link *link)
{
    struct weft__blob_keeper *keeper = NULL;
    if (atomic_load_explicit(&link->keeper, memory_order_relaxed) == &cache->keeper)
        return true;
    atomic_fetch_add_explicit(&cache->refs, 1, memory_order_relaxed);
    if (atomic_compare_exchange_strong_explicit(&link->keeper, &keeper, &cache->keeper,
                                                memory_order_release, memory_order_relaxed))
        return true;
    release_cache(cache);
    return keeper == &cache->keeper;
}

/* Returns false if a frame of the blob and the configuration was linked first, or the blob has all the
 * frames that it may have. */
static bool link_kept(struct weft_frame_cache *cache, struct kept_frame *kept)
{
    struct weft__blob_link *link = weft__blob_link(kept->blob);
    struct stripe *stripe = stripe_of(cache, kept->blob);
    size_t others;
    pthread_mutex_lock(&stripe->lock);
    bool first = !kept_of(link, kept->config_id, &others) && others < FRAMES_MAX;
    if (first) {
        /* The birth is counted under the lock, so that the stripe's list is in the order of birth. */
        kept->birth = atomic_fetch_add_explicit(&cache->births, 1, memory_order_relaxed);
        kept->older = stripe->newest;
        if (stripe->newest)
            stripe->newest->newer = kept;
        else
            stripe->oldest = kept;
        stripe->newest = kept;
        note_oldest(stripe);
        kept->next = link->kept;
        link->kept = kept;
    }
    pthread_mutex_unlock(&stripe->lock);
    return first;
}

void weft_frame_cache_put(struct weft_frame_cache *cache, struct weft_blob *blob,
                          uint32_t config_id, struct weft_blob *frame)
{
    size_t cost = sizeof(struct kept_frame) + OVERHEAD;
    if (frame)
        cost += weft_blob_view(frame).size;
    if (!cache || cost > cache->budget / FRACTION)
        return;
    if (!bind_cache(cache, weft__blob_link(blob)))
        return;
    struct kept_frame *kept = weft_malloc(sizeof *kept);
    if (!kept)
        return;
    *kept = (struct kept_frame){
        .blob = blob,
        .frame = frame ? weft_blob_ref(frame) : NULL,
        .cost = cost,
        .config_id = config_id,
    };

    /* Added before the frame can be found, because whoever evicts it subtracts its cost. */
    atomic_fetch_add_explicit(&cache->bytes, cost, memory_order_relaxed);
    if (!link_kept(cache, kept)) {
        drop(cache, kept);
        return;
    }
    while (weft_frame_cache_bytes(cache) > cache->budget && evict_oldest(cache))
        continue;
}

static void forget(struct weft__blob_keeper *keeper, struct weft_blob *blob)
{
    struct weft_frame_cache *cache = weft_container_of(keeper, struct weft_frame_cache, keeper);
    struct weft__blob_link *link = weft__blob_link(blob);
    struct stripe *stripe = stripe_of(cache, blob);

    pthread_mutex_lock(&stripe->lock);
    struct kept_frame *first = link->kept;
    while (link->kept)
        unlink_kept(stripe, link->kept);
    pthread_mutex_unlock(&stripe->lock);
    while (first) {
        struct kept_frame *next = first->next;
        drop(cache, first);
        first = next;
    }
    release_cache(cache);
}

size_t weft_frame_cache_bytes(const struct weft_frame_cache *cache)
{
    return atomic_load_explicit(&cache->bytes, memory_order_relaxed);
}

void weft_frame_cache_counts(struct weft_frame_cache *cache, uint64_t *hits, uint64_t *misses)
{
    *hits = 0;
    for (size_t i = 0; i < STRIPES; i++) {
        struct stripe *stripe = &cache->stripes[i];
        pthread_mutex_lock(&stripe->lock);
        *hits += stripe->hits;
        pthread_mutex_unlock(&stripe->lock);
    }
    *misses = atomic_load_explicit(&cache->misses, memory_order_relaxed);
}
