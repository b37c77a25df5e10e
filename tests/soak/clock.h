/* SPDX-License-Identifier: MIT
 *
 * Time in nanoseconds, and how it is spent. */
#ifndef SOAK_CLOCK_H
#define SOAK_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_MS     INT64_C(1000000)
#define CLOCK_SECOND INT64_C(1000000000)

static inline int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

static inline void clock_pause(int64_t ns)
{
    const struct timespec time = {.tv_sec = ns / CLOCK_SECOND, .tv_nsec = ns % CLOCK_SECOND};
    nanosleep(&time, NULL);
}

#endif
