/* SPDX-License-Identifier: MIT
 *
 * Memory: the allocator hook and the budgeted arena. Every allocation of the library goes through
 * weft_malloc and its siblings, can fail, and is handled where it fails. */
#ifndef WEFT_MEM_H
#define WEFT_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first three have the contracts of the C library's malloc, realloc and free, the other two those
 * of weft_pages_new and weft_pages_free below. Those two may both be NULL: then the system's pages
 * are used. Any thread calls them. */
struct weft_allocator {
    void *(*malloc)(size_t size);
    void *(*realloc)(void *p, size_t size);
    void (*free)(void *p);
    void *(*pages_new)(size_t size);
    int (*pages_free)(void *p, size_t size);
};

/* Replaces the allocator for the whole process; this is the library's only process-wide setting. Call
 * it from main() before any other function of the library, or while none of its memory lives. NULL
 * restores the system's allocator. The struct is borrowed for the rest of the process's life. */
void weft_mem_use(const struct weft_allocator *allocator);

/* Returns the system's allocator, which an allocator that only watches or limits can call: the C
 * library's functions and the kernel's pages. All five are set. */
const struct weft_allocator *weft_mem_system(void);

WEFT_MUST_USE void *weft_malloc(size_t size);
WEFT_MUST_USE void *weft_calloc(size_t count,
                                size_t size); /* zeroed; NULL where the product overflows */
WEFT_MUST_USE void *weft_realloc(void *p, size_t size);
void weft_free(void *p);

/* Whole pages, zeroed, at a multiple of size, which is a power of two of at least 64 KiB. Unlike
 * blocks of malloc they go back to the system at once and alone. NULL: no memory. */
WEFT_MUST_USE void *weft_pages_new(size_t size);
/* All of what weft_pages_new returned. 0, or -ENOMEM: the system cannot note the hole, and the pages
 * are the caller's as before. */
WEFT_MUST_USE int weft_pages_free(void *p, size_t size);

/* An arena: bump allocation, freed as a whole. One thread at a time.
 *
 * It holds a first chunk of its own between resets, so that steady state costs no malloc; larger
 * chunks go back to the allocator at reset. */
struct weft_arena_chunk;

struct weft_arena {
    struct weft_arena_chunk *chunk; /* newest first; NULL until the first allocation */
    size_t used;                    /* bytes handed out since the last reset, padding included */
    size_t budget;                  /* the most that `used` may become */
    bool over_budget;               /* the last failure was the budget, not the allocator */
    size_t *total;                  /* weft_arena_count's; NULL: the arena is in no sum */
    size_t beside;                  /* weft_arena_count_beside's */
};

/* Cannot fail: allocates nothing. */
void weft_arena_init(struct weft_arena *arena, size_t budget);

/* Frees everything; a zeroed arena is fine. */
void weft_arena_fini(struct weft_arena *arena);

/* Counts the memory that the arena holds, and will hold, in *total instead of the sum it was in.
 * NULL takes it out of that sum. A total outlives the arena, or the arena's last use of it. */
void weft_arena_count(struct weft_arena *arena, size_t *total);

/* Counts memory that lies elsewhere and lives as long, until the arena's next reset or fini, as if the
 * arena held it. It takes nothing from the budget. */
void weft_arena_count_beside(struct weft_arena *arena, size_t bytes);

/* Returns the bytes of memory that the arena holds, those beside it included. */
size_t weft_arena_memory(const struct weft_arena *arena);

/* Takes back everything handed out. Cheap where little was. */
void weft_arena_reset(struct weft_arena *arena);

/* Aligned for any object; valid until reset or fini. NULL: no memory, or (over_budget) the budget
 * would be passed; the arena is as before either way. size 0 gives a pointer that is not to be
 * read. */
WEFT_MUST_USE void *weft_arena_alloc(struct weft_arena *arena, size_t size);

#ifdef __cplusplus
}
#endif

#endif
