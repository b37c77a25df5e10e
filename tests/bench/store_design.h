/* SPDX-License-Identifier: MIT
 *
 * A design of a store as store_designs.c and store_pauses.c measure it: one table, keys of one size,
 * reads and writes from several threads, each in turns of a few operations. What fails ends the
 * program. */
#ifndef BENCH_STORE_DESIGN_H
#define BENCH_STORE_DESIGN_H

#include <time.h>

#include "core/base/bytes.h"

enum { DESIGN_THREADS = 2, DESIGN_TURN = 64, DESIGN_KEY_SIZE = 14 };

struct design {
    const char *name;
    void (*begin)(void);
    /* Thread number `thread` begins, has turns, and ends. */
    void (*join)(size_t thread);
    void (*turn)(size_t thread, void (*run)(void *arg), void *arg);
    void (*leave)(size_t thread);
    /* Within a turn. get: whether the key is there, having looked at its value. */
    bool (*get)(size_t thread, struct weft_view key);
    void (*set)(size_t thread, struct weft_view key, struct weft_view value);
    /* NULL: has none. */
    void (*del)(size_t thread, struct weft_view key);
};

/* "key:0000000042", in key. */
static inline struct weft_view design_key(uint64_t number, uint8_t key[DESIGN_KEY_SIZE])
{
    memcpy(key, "key:", 4);
    for (size_t i = DESIGN_KEY_SIZE; i > 4; number /= 10)
        key[--i] = (uint8_t)('0' + number % 10);
    return weft_view(key, DESIGN_KEY_SIZE);
}

/* Nanoseconds. */
static inline int64_t design_now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

extern const struct design design_weft, design_urcu, design_blocks;

#endif
