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
 * A reset keeps the first chunk, so that steady state costs no malloc. It frees all others, and the
 * first one too if a single large allocation made it larger than usual. */
struct weft_arena_chunk;

struct weft_arena {
    struct weft_arena_chunk *chunk; /* newest first; NULL until the first allocation */
    size_t used;                    /* bytes handed out since the last reset, padding included */
    size_t budget;                  /* the most that `used` may become */
    bool over_budget;               /* true if the last alloc failed because of the budget */
    size_t *total;                  /* set by weft_arena_count; NULL: nobody counts this arena */
    size_t beside;                  /* bytes added by weft_arena_count_beside */
};

/* Makes an empty arena. Allocates nothing. */
void weft_arena_init(struct weft_arena *arena, size_t budget);

/* Frees everything and leaves the arena empty. It keeps its budget and its total, and can be used
 * again. A zeroed arena is fine. */
void weft_arena_fini(struct weft_arena *arena);

/* Makes the arena keep its memory counted in *total: adds what it holds now, and from then on adds and
 * subtracts as chunks come and go. Its memory is subtracted from the total that it had before. NULL
 * only does the latter. *total must live until the arena's last use or the next weft_arena_count. */
void weft_arena_count(struct weft_arena *arena, size_t *total);

/* Counts bytes that lie elsewhere but live until the arena's next reset or fini, as if the arena held
 * them. Only weft_arena_memory and the total change, not the budget. */
void weft_arena_count_beside(struct weft_arena *arena, size_t bytes);

/* Returns the bytes of all chunks, used or not, and those of weft_arena_count_beside. */
size_t weft_arena_memory(const struct weft_arena *arena);

/* Takes back everything that was handed out. This is cheap while one chunk is enough. */
void weft_arena_reset(struct weft_arena *arena);

/* Returns size bytes, aligned for any object and valid until reset or fini. NULL: over_budget says
 * whether the budget would be exceeded or there is no memory; nothing has been handed out. With a size
 * of 0 the result is a pointer that must not be read. */
WEFT_MUST_USE void *weft_arena_alloc(struct weft_arena *arena, size_t size);

#ifdef __cplusplus
}
#endif

#endif
