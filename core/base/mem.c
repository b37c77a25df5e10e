/* SPDX-License-Identifier: MIT */
#include "mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem_private.h"
#include "poison.h"

static const struct weft_allocator libc_allocator = {
    .malloc = malloc,
    .realloc = realloc,
    .free = free,
    .pages_new = weft__pages_map,
    .pages_free = weft__pages_unmap,
};

/* The one process-wide setting: an allocator passed through every call would be in every struct. */
static const struct weft_allocator *allocator_in_use = &libc_allocator;

void weft_mem_use(const struct weft_allocator *allocator)
{
    allocator_in_use = allocator ? allocator : &libc_allocator;
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
    return allocator->pages_new ? allocator->pages_new(size) : weft__pages_map(size);
}

int weft_pages_free(void *p, size_t size)
{
    const struct weft_allocator *allocator = allocator_in_use;
    return allocator->pages_free ? allocator->pages_free(p, size) : weft__pages_unmap(p, size);
}

enum {
    ALIGNMENT = alignof(max_align_t),
    /* The chunk kept between resets; the requests of a usual load fit. */
    FIRST_CHUNK = 16 * 1024,
    /* Growth stops here, so that a large decode wastes at most this much at its end. */
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

static void free_chunk(struct weft_arena_chunk *chunk)
{
    weft__unpoison(chunk->data, chunk->cap);
    weft_free(chunk);
}

void weft_arena_fini(struct weft_arena *arena)
{
    struct weft_arena_chunk *chunk = arena->chunk;
    while (chunk) {
        struct weft_arena_chunk *next = chunk->next;
        free_chunk(chunk);
        chunk = next;
    }
    *arena = (struct weft_arena){.budget = arena->budget};
}

void weft_arena_reset(struct weft_arena *arena)
{
    arena->used = 0;
    arena->over_budget = false;

    struct weft_arena_chunk *chunk = arena->chunk;
    if (!chunk)
        return;
    while (chunk->next) {
        struct weft_arena_chunk *next = chunk->next;
        free_chunk(chunk);
        chunk = next;
    }
    /* The oldest is larger where the first allocation was; then it is no chunk to keep. */
    if (chunk->cap > FIRST_CHUNK) {
        free_chunk(chunk);
        arena->chunk = NULL;
        return;
    }
    chunk->used = 0;
    weft__poison(chunk->data, chunk->cap);
    arena->chunk = chunk;
}

/* Chunks grow with what is in use, so that the number of mallocs is logarithmic; no chunk has more
 * than the budget could still hand out. */
static struct weft_arena_chunk *add_chunk(struct weft_arena *arena, size_t size)
{
    size_t cap = arena->used < FIRST_CHUNK ? FIRST_CHUNK : arena->used;
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
    weft__poison(chunk->data, cap);
    arena->chunk = chunk;
    return chunk;
}

void *weft_arena_alloc(struct weft_arena *arena, size_t size)
{
    /* A size of 0 takes a place too: its pointer is then no other object's. */
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
    weft__unpoison(p, size);
    return p;
}
