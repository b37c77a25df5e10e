/* SPDX-License-Identifier: MIT
 *
 * A worker measures how long its turns take, if its server was asked to. The worker's thread writes, any thread
 * reads. Private to the core. */
#ifndef WEFT_MEASURES_H
#define WEFT_MEASURES_H

#include <stdatomic.h>

#include "core/base/histogram.h"

struct weft__measures {
    struct weft_histogram turns;
    /* The longest turn of this window and of the one before, so that a reader sees the latest 30 to 60 seconds. */
    _Atomic uint64_t longest, longest_before;
    int64_t window; /* when this one began */
};

enum { WEFT__WINDOW_SECONDS = 30 };

/* Counts a turn. */
static inline void weft__measure_turn(struct weft__measures *measures, int64_t began, int64_t ended)
{
    uint64_t duration = ended > began ? (uint64_t)(ended - began) : 0;
    uint64_t longest = atomic_load_explicit(&measures->longest, memory_order_relaxed);

    if (ended - measures->window > (int64_t)WEFT__WINDOW_SECONDS * 1000000000) {
        measures->window = ended;
        atomic_store_explicit(&measures->longest_before, longest, memory_order_relaxed);
        longest = 0;
        atomic_store_explicit(&measures->longest, 0, memory_order_relaxed);
    }
    if (duration > longest)
        atomic_store_explicit(&measures->longest, duration, memory_order_relaxed);
    weft_histogram_count(&measures->turns, duration);
}

#endif
