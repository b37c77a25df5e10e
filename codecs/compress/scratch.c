/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <errno.h>
#include <sys/mman.h>

#include "core/base/mem.h"

enum { LEAST = 4096 };

/* Sizes are powers of two. Only the pages that are written to take memory. */
static size_t round_up(size_t size)
{
    size_t cap = LEAST;
    while (cap < size && cap <= SIZE_MAX / 2)
        cap *= 2;
    return cap;
}

/* The buffer is about to be filled end to end, which huge pages make twice as fast. This is only a hint;
 * the kernel may ignore it. */
static void *new_pages(size_t size)
{
    void *pages = weft_pages_new(size);
    if (pages)
        (void)madvise(pages, size, MADV_HUGEPAGE);
    return pages;
}

/* Returns 0, or -ENOMEM with the scratch as it was. */
static int give_back(struct weft__scratch *scratch)
{
    int err = 0;
    if (scratch->size > WEFT__SCRATCH_KEPT)
        err = weft_pages_free(scratch->data, scratch->size);
    else
        weft_free(scratch->data);
    if (err == 0)
        *scratch = (struct weft__scratch){0};
    return err;
}

int weft__scratch_reserve(struct weft__scratch *scratch, size_t size)
{
    if (scratch->data && scratch->size >= size)
        return 0;
    size_t cap = round_up(size);
    if (cap < size || give_back(scratch) < 0)
        return -ENOMEM;
    scratch->data = cap > WEFT__SCRATCH_KEPT ? new_pages(cap) : weft_malloc(cap);
    if (!scratch->data)
        return -ENOMEM;
    scratch->size = cap;
    return 0;
}

void weft__scratch_fini(struct weft__scratch *scratch)
{
    (void)give_back(scratch);
}
