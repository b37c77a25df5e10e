/* SPDX-License-Identifier: MIT
 *
 * Memory: the process's allocator, and arenas with a budget. Every allocation of the library goes
 * through the functions here. Each can fail, and the caller handles the failure. */
#ifndef WEFT_MEM_H
#define WEFT_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* malloc, realloc and free have the contracts of the C library's functions. pages_new and pages_free have
 * those of weft_pages_new and weft_pages_free below. Set both, or leave both NULL for the kernel's
 * pages. Any thread may call any of the five. */
struct weft_allocator {
    void *(*malloc)(size_t size);
    void *(*realloc)(void *p, size_t size);
    void (*free)(void *p);
    void *(*pages_new)(size_t size);
    int (*pages_free)(void *p, size_t size);
};

/* Replaces the allocator for the whole process; this is the library's only process-wide setting. Call
 * it from main() before any other function of the library, or when the library has no memory in use. NULL
 * restores the system's allocator. The struct must stay valid until it is replaced. */
void weft_mem_use(const struct weft_allocator *allocator);

/* Returns the system's allocator: the C library's functions and the kernel's pages. All five members are
 * set. An allocator of your own that only watches or limits can call them. */
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
/* Frees what one weft_pages_new(size) returned. -ENOMEM: the kernel has no memory to split its mapping,
 * and the caller still owns the pages. */
WEFT_MUST_USE int weft_pages_free(void *p, size_t size);

/* An arena hands out parts of larger chunks of memory and takes them all back at once. Only one thread at
 * a time may use it. The fields are for reading alone.
 *
 * A reset keeps the first chunk, so that steady state costs no malloc. It frees all others, and the
 * first one too if a single large allocation made it larger than usual. */
struct weft_arena_chunk;

struct weft_arena {
    struct weft_arena_chunk *chunk; /* newest first; NULL until the first allocation */
    size_t used;                    /* bytes handed out since the last reset, padding included */
    size_t budget;                  /* the most that `used` may become */
    uint32_t first;   /* the size of the first chunk, set by the owner after init; 0: 16 KiB */
    bool over_budget; /* true if the last alloc failed because of the budget */
    size_t *total;    /* set by weft_arena_count; NULL: the arena is not counted */
    size_t beside;    /* bytes added by weft_arena_count_beside */
};

/* Makes an empty arena. Allocates nothing. */
void weft_arena_init(struct weft_arena *arena, size_t budget);

/* Frees everything and leaves the arena empty. The arena keeps its budget and its total, and can be used
 * again. A zeroed arena is fine. */
void weft_arena_fini(struct weft_arena *arena);

/* Counts the arena's memory in *total. This adds what the arena has now, and from then on the arena adds
 * and subtracts as its chunks come and go. If it was counted in another total before, its memory is
 * subtracted there. NULL: it is no longer counted. *total must live until the arena's last use or the
 * next weft_arena_count. It is a plain number, so one thread uses all arenas that are counted in it. */
void weft_arena_count(struct weft_arena *arena, size_t *total);

/* Counts bytes that lie elsewhere, but live until the arena's next reset or fini, as the arena's memory.
 * They are part of weft_arena_memory and the total, and take nothing of the budget. */
void weft_arena_count_beside(struct weft_arena *arena, size_t bytes);

/* Returns the bytes of all chunks, used or not, and those of weft_arena_count_beside. */
size_t weft_arena_memory(const struct weft_arena *arena);

/* Takes back everything that was handed out, and forgets the bytes of weft_arena_count_beside. This is
 * cheap while one chunk is enough. */
void weft_arena_reset(struct weft_arena *arena);

/* Returns size bytes, aligned for any object and valid until reset or fini. NULL: nothing was handed out,
 * because the budget would be exceeded (over_budget is true) or there is no memory (it is false). If size
 * is 0, the result is a pointer that must not be read or written. */
WEFT_MUST_USE void *weft_arena_alloc(struct weft_arena *arena, size_t size);

#ifdef __cplusplus
}
#endif

#endif
