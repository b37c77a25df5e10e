/* SPDX-License-Identifier: MIT
 *
 * Memory: the process's allocator, and arenas with a budget. Every allocation of the library goes
 * through the functions here. Each can fail, and each failure is handled by its caller. */
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

/* These have the contracts of the C library's functions and may be called on any thread. calloc also
 * returns NULL if count * size overflows. */
WEFT_MUST_USE void *weft_malloc(size_t size);
WEFT_MUST_USE void *weft_calloc(size_t count, size_t size);
WEFT_MUST_USE void *weft_realloc(void *p, size_t size);
void weft_free(void *p);

/* Returns size bytes of zeroed pages at an address that is a multiple of size, or NULL: no memory. size
 * is a power of two of at least 64 KiB. Unlike a block of malloc, pages return to the system as soon as
 * they are freed. */
WEFT_MUST_USE void *weft_pages_new(size_t size);
/* Frees what one weft_pages_new(size) returned. -ENOMEM: the kernel has no memory to split the mapping,
 * and the pages are still the caller's. */
WEFT_MUST_USE int weft_pages_free(void *p, size_t size);

/* An arena hands out pieces of larger chunks and frees them all at once. One thread at a time uses it.
 *
 * It keeps its first chunk at a reset, so that steady state costs no malloc. Further chunks, and a
 * first one of unusual size, are freed. */
struct weft_arena_chunk;

struct weft_arena {
    struct weft_arena_chunk *chunk; /* newest first; NULL until the first allocation */
    size_t used;                    /* bytes handed out since the last reset, padding included */
    size_t budget;                  /* the most that `used` may become */
    bool over_budget;               /* the last failure was the budget, not the allocator */
    size_t *total;                  /* weft_arena_count's; NULL: the arena is in no sum */
    size_t beside;                  /* weft_arena_count_beside's */
};

/* Makes an empty arena. Allocates nothing. */
void weft_arena_init(struct weft_arena *arena, size_t budget);

/* Frees everything and leaves the arena empty, with its budget. A zeroed arena is fine. */
void weft_arena_fini(struct weft_arena *arena);

/* Counts the memory that the arena holds, and will hold, in *total instead of the sum it was in.
 * NULL takes it out of that sum. A total outlives the arena, or the arena's last use of it. */
void weft_arena_count(struct weft_arena *arena, size_t *total);

/* Counts memory that lies elsewhere and lives as long, until the arena's next reset or fini, as if the
 * arena held it. It takes nothing from the budget. */
void weft_arena_count_beside(struct weft_arena *arena, size_t bytes);

/* Returns the bytes of memory that the arena holds, those beside it included. */
size_t weft_arena_memory(const struct weft_arena *arena);

/* Takes back everything that was handed out. It costs little if little was. */
void weft_arena_reset(struct weft_arena *arena);

/* Returns size bytes, aligned for any object and valid until reset or fini. NULL: over_budget says
 * whether the budget would be exceeded or there is no memory; nothing has been handed out. With a size
 * of 0 the result is a pointer that must not be read. */
WEFT_MUST_USE void *weft_arena_alloc(struct weft_arena *arena, size_t size);

#ifdef __cplusplus
}
#endif

#endif
