/* SPDX-License-Identifier: MIT
 *
 * Memory between pages that cannot be touched: what no sanitizer sees, because a library was built
 * without it or is written in assembly, faults here with the first byte read or written too far. */
#ifndef TEST_GUARDED_H
#define TEST_GUARDED_H

#include <stddef.h>
#include <stdint.h>

struct guarded {
    uint8_t *data; /* size bytes, the last one just before such a page */
    void *pages;
    size_t pages_size;
};

/* Zeroed. Aborts where there is no memory: a test has nothing to tell then. */
struct guarded guarded_new(size_t size);
struct guarded guarded_copy(const void *data, size_t size);
void guarded_free(struct guarded *guarded);

#endif
