/* SPDX-License-Identifier: MIT */
#include "runs.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

enum { REGION_PAGES = 4096, REGION_SIZE = REGION_PAGES * KV_PAGE, WORD_BITS = 64 };

/* The first page of a region. */
struct kv_region {
    struct kv_region *next;
    size_t used;   /* pages in runs */
    size_t failed; /* no run of this many pages was found since the last one was given back */
    uint64_t taken[REGION_PAGES / WORD_BITS];
};

static bool is_taken(const struct kv_region *region, size_t page)
{
    return region->taken[page / WORD_BITS] >> page % WORD_BITS & 1;
}

static void set_taken(struct kv_region *region, size_t first, size_t count, bool taken)
{
    for (size_t i = first; i < first + count; i++) {
        uint64_t bit = (uint64_t)1 << i % WORD_BITS;
        if (taken)
            region->taken[i / WORD_BITS] |= bit;
        else
            region->taken[i / WORD_BITS] &= ~bit;
    }
}

/* Returns the first of `count` free pages in a row, or 0: there are none. Page 0 is never free. */
static size_t find(const struct kv_region *region, size_t count)
{
    size_t free = 0;
    for (size_t i = 0; i < REGION_PAGES; i++) {
        if (i % WORD_BITS == 0 && region->taken[i / WORD_BITS] == UINT64_MAX) {
            free = 0;
            i += WORD_BITS - 1;
            continue;
        }
        free = is_taken(region, i) ? 0 : free + 1;
        if (free == count)
            return i + 1 - count;
    }
    return 0;
}

int kv_runs_init(struct kv_runs *runs)
{
    runs->regions = NULL;
    return -pthread_mutex_init(&runs->lock, NULL);
}

static char *address_of(struct kv_region *region, size_t page)
{
    return (char *)region + page * KV_PAGE;
}

static int free_region(struct kv_region *region)
{
    weft_unpoison(region, REGION_SIZE);
    return weft_pages_free(region, REGION_SIZE);
}

void kv_runs_fini(struct kv_runs *runs)
{
    while (runs->regions) {
        struct kv_region *region = runs->regions;
        runs->regions = region->next;
        (void)free_region(region);
    }
    pthread_mutex_destroy(&runs->lock);
}

static struct kv_region *region_new(struct kv_runs *runs)
{
    struct kv_region *region = weft_pages_new(REGION_SIZE);
    if (!region)
        return NULL;
    /* One page that is written must not become 2 MiB. */
    (void)madvise(region, REGION_SIZE, MADV_NOHUGEPAGE);
    region->failed = REGION_PAGES;
    set_taken(region, 0, 1, true);
    region->next = runs->regions;
    runs->regions = region;
    return region;
}

static void *take_from(struct kv_region *region, size_t pages)
{
    size_t page = pages < region->failed ? find(region, pages) : 0;
    if (page == 0) {
        region->failed = pages < region->failed ? pages : region->failed;
        return NULL;
    }
    set_taken(region, page, pages, true);
    region->used += pages;
    weft_unpoison(address_of(region, page), pages * KV_PAGE);
    return address_of(region, page);
}

void *kv_runs_take(struct kv_runs *runs, size_t pages)
{
    void *run = NULL;
    pthread_mutex_lock(&runs->lock);
    for (struct kv_region *region = runs->regions; region && !run; region = region->next)
        run = take_from(region, pages);
    if (!run) {
        struct kv_region *region = region_new(runs);
        run = region ? take_from(region, pages) : NULL;
    }
    pthread_mutex_unlock(&runs->lock);
    return run;
}

/* One empty region stays, so that the next run need not map one. */
static void unlink_empty(struct kv_runs *runs, struct kv_region *region)
{
    struct kv_region **link = &runs->regions;
    if (!region->next && runs->regions == region)
        return;
    while (*link != region)
        link = &(*link)->next;
    struct kv_region *next = region->next;
    if (free_region(region) == 0)
        *link = next;
}

void kv_runs_give(struct kv_runs *runs, void *run, size_t pages)
{
    struct kv_region *region = (struct kv_region *)((uintptr_t)run & ~(uintptr_t)(REGION_SIZE - 1));
    (void)madvise(run, pages * KV_PAGE, MADV_DONTNEED);
    weft_poison(run, pages * KV_PAGE);
    pthread_mutex_lock(&runs->lock);
    set_taken(region, (size_t)((char *)run - (char *)region) / KV_PAGE, pages, false);
    region->used -= pages;
    region->failed = REGION_PAGES;
    if (region->used == 0)
        unlink_empty(runs, region);
    pthread_mutex_unlock(&runs->lock);
}
