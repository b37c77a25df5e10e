/* SPDX-License-Identifier: MIT */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>

void bench_need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench: does not work: %s\n", what);
    exit(1);
}

void *bench_zeroed(size_t size)
{
    void *p = calloc(1, size > 0 ? size : 1);
    bench_need(p != NULL, "memory");
    return p;
}

void bench_fill_text(uint8_t *dst, size_t size)
{
    uint32_t x = 99;
    for (size_t at = 0; at < size;) {
        char line[128];
        x = x * 1664525u + 1013904223u;
        size_t n = (size_t)snprintf(
            line, sizeof line,
            "{\"id\":%u,\"name\":\"user-%u\",\"score\":%u.%02u,\"tags\":[\"a\",\"b%u\"]},", x >> 15,
            (x >> 9) % 5000, (x >> 7) % 1000, (x >> 5) % 100, (x >> 20) % 9);
        if (n > size - at)
            n = size - at;
        memcpy(dst + at, line, n);
        at += n;
    }
}
