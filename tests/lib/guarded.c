/* SPDX-License-Identifier: MIT */
#include "guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded guarded_new(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = (size + page - 1) / page * page;
    struct guarded guarded = {.pages_size = inner + 2 * page};
    guarded.pages = mmap(NULL, guarded.pages_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *first = (uint8_t *)guarded.pages + page;
    if (guarded.pages == MAP_FAILED || mprotect(first, inner, PROT_READ | PROT_WRITE) < 0) {
        perror("guarded");
        abort();
    }
    guarded.data = first + inner - size;
    return guarded;
}

struct guarded guarded_copy(const void *data, size_t size)
{
    struct guarded guarded = guarded_new(size);
    if (size > 0)
        memcpy(guarded.data, data, size);
    return guarded;
}

void guarded_free(struct guarded *guarded)
{
    munmap(guarded->pages, guarded->pages_size);
    *guarded = (struct guarded){0};
}
