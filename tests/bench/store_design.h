/* SPDX-License-Identifier: MIT
 *
 * A design of a store as store_designs.c and store_pauses.c measure it: one table, keys of KEY_SIZE bytes, reads and
 * writes from several threads, each in turns of a few operations. What fails ends the program. */
#ifndef BENCH_STORE_DESIGN_H
#define BENCH_STORE_DESIGN_H

#include "core/bytes.h"

enum { DESIGN_THREADS = 2, DESIGN_TURN = 64 };

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

extern const struct design design_weft, design_urcu, design_blocks;

#endif
