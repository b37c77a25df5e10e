/* SPDX-License-Identifier: MIT */
#include "mem.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compiler.h"

static char *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The kernel places a mapping right below the last one if it fits there, so the first attempt is mostly
 * aligned. Otherwise this maps twice as much and unmaps the parts around the aligned one. */
static void *map_pages(size_t size)
{
    char *p = map(size);
    if (!p || (uintptr_t)p % size == 0)
        return p;
    (void)munmap(p, size);
    p = map(2 * size);
    if (!p)
        return NULL;
    size_t before = (size - (uintptr_t)p % size) % size;
    if (before > 0)
        (void)munmap(p, before);
    (void)munmap(p + before + size, size - before);
    return p + before;
}

static int unmap_pages(void *p, size_t size)
{
    return munmap(p, size) < 0 ? -errno : 0;
}

static const struct weft_allocator system_allocator = {
    .malloc = malloc,
    .realloc = realloc,
    .free = free,
    .pages_new = map_pages,
    .pages_free = unmap_pages,
};

/* The one process-wide setting. Without it an allocator would have to stand in every struct. */
static const struct weft_allocator *allocator_in_use = &system_allocator;

const struct weft_allocator *weft_mem_system(void)
{
    return &system_allocator;
}

void weft_mem_use(const struct weft_allocator *allocator)
{
    allocator_in_use = allocator ? allocator : &system_allocator;
}

void *weft_malloc(size_t size)
{
    return allocator_in_use->malloc(size);
}

void *weft_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *p = allocator_in_use->malloc(total);
    if (p)
        memset(p, 0, total);
    return p;
}

void *weft_realloc(void *p, size_t size)
{
    return allocator_in_use->realloc(p, size);
}

void weft_free(void *p)
{
    allocator_in_use->free(p);
}

void *weft_pages_new(size_t size)
{
    const struct weft_allocator *allocator = allocator_in_use;
    return allocator->pages_new ? allocator->pages_new(size) : map_pages(size);
}

int weft_pages_free(void *p, size_t size)
{
    const struct weft_allocator *allocator = allocator_in_use;
    return allocator->pages_free ? allocator->pages_free(p, size) : unmap_pages(p, size);
}

enum {
    ALIGNMENT = alignof(max_align_t),
    /* This chunk is kept at a reset. The requests of a usual load fit in it. */
    FIRST_CHUNK = 16 * 1024,
    /* Chunks grow no further, so that a large decode leaves at most this much unused. */
    LARGEST_CHUNK = 1024 * 1024,
};

struct weft_arena_chunk {
    struct weft_arena_chunk *next; /* the one before it in time */
    size_t used, cap;
    alignas(max_align_t) uint8_t data[];
};

void weft_arena_init(struct weft_arena *arena, size_t budget)
{
    *arena = (struct weft_arena){.budget = budget};
}

static void free_chunk(struct weft_arena *arena, struct weft_arena_chunk *chunk)
{
    if (arena->total)
        *arena->total -= sizeof *chunk + chunk->cap;
    weft_unpoison(chunk->data, chunk->cap);
    weft_free(chunk);
}

static void forget_beside(struct weft_arena *arena)
{
    if (arena->total)
        *arena->total -= arena->beside;
    arena->beside = 0;
}

void weft_arena_count_beside(struct weft_arena *arena, size_t bytes)
{
    arena->beside += bytes;
    if (arena->total)
        *arena->total += bytes;
}

void weft_arena_fini(struct weft_arena *arena)
{
    forget_beside(arena);
    struct weft_arena_chunk *chunk = arena->chunk;
    while (chunk) {
        struct weft_arena_chunk *next = chunk->next;
        free_chunk(arena, chunk);
        chunk = next;
    }
    *arena =
        (struct weft_arena){.budget = arena->budget, .total = arena->total, .first = arena->first};
}

size_t weft_arena_memory(const struct weft_arena *arena)
{
    size_t memory = arena->beside;

    for (const struct weft_arena_chunk *chunk = arena->chunk; chunk; chunk = chunk->next)
        memory += sizeof *chunk + chunk->cap;
    return memory;
}

void weft_arena_count(struct weft_arena *arena, size_t *total)
{
    size_t memory = weft_arena_memory(arena);

    if (arena->total)
        *arena->total -= memory;
    arena->total = total;
    if (total)
        *total += memory;
}

void weft_arena_reset(struct weft_arena *arena)
{
    arena->used = 0;
    arena->over_budget = false;
    if (arena->beside > 0)
        forget_beside(arena);

    struct weft_arena_chunk *chunk = arena->chunk;
    if (!chunk)
        return;
    while (chunk->next) {
        struct weft_arena_chunk *next = chunk->next;
        free_chunk(arena, chunk);
        chunk = next;
    }
    /* The oldest chunk is larger than usual if the first allocation was. Then it is not kept. */
    if (chunk->cap > FIRST_CHUNK) {
        free_chunk(arena, chunk);
        arena->chunk = NULL;
        return;
    }
    chunk->used = 0;
    weft_poison(chunk->data, chunk->cap);
    arena->chunk = chunk;
}

/* A chunk is as large as what is in use, so that the number of mallocs is logarithmic. It has no more
 * than the budget could still hand out. */
static struct weft_arena_chunk *add_chunk(struct weft_arena *arena, size_t size)
{
    size_t first = arena->first > 0 ? arena->first : FIRST_CHUNK;
    size_t cap = arena->used < first ? first : arena->used;
    if (cap > LARGEST_CHUNK)
        cap = LARGEST_CHUNK;
    if (cap > arena->budget - arena->used)
        cap = arena->budget - arena->used;
    if (cap < size)
        cap = size;

    if (cap > SIZE_MAX - sizeof(struct weft_arena_chunk))
        return NULL;
    struct weft_arena_chunk *chunk = weft_malloc(sizeof *chunk + cap);
    if (!chunk)
        return NULL;
    chunk->next = arena->chunk;
    chunk->used = 0;
    chunk->cap = cap;
    weft_poison(chunk->data, cap);
    arena->chunk = chunk;
    if (arena->total)
        *arena->total += sizeof *chunk + cap;
    return chunk;
}

void *weft_arena_alloc(struct weft_arena *arena, size_t size)
{
    /* A size of 0 takes a place too, so that its pointer is no other object's. */
    size_t rounded = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    arena->over_budget = rounded < size || rounded > arena->budget - arena->used;
    if (arena->over_budget)
        return NULL;

    struct weft_arena_chunk *chunk = arena->chunk;
    if (!chunk || rounded > chunk->cap - chunk->used) {
        chunk = add_chunk(arena, rounded);
        if (!chunk)
            return NULL;
    }
    uint8_t *p = chunk->data + chunk->used;
    chunk->used += rounded;
    arena->used += rounded;
    weft_unpoison(p, size);
    return p;
}
