/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "mem_private.h"

static char *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The kernel places a mapping right below the last one where it fits, so that mostly the first
 * attempt does; otherwise what lies around the aligned part of twice as much goes back. */
void *weft__pages_map(size_t size)
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

int weft__pages_unmap(void *p, size_t size)
{
    return munmap(p, size) < 0 ? -errno : 0;
}
