/* SPDX-License-Identifier: MIT
 *
 * Latencies, in buckets no wider than a sixteenth of what they hold. */
#ifndef SOAK_HISTOGRAM_H
#define SOAK_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_FINE = 16, HISTOGRAM_BUCKETS = 64 * HISTOGRAM_FINE };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    int64_t max; /* nanoseconds */
};

static inline size_t histogram_bucket(uint64_t ns)
{
    unsigned shift = 0;
    while (ns >> shift >= 2 * HISTOGRAM_FINE)
        shift++;
    return shift * HISTOGRAM_FINE + (size_t)(ns >> shift);
}

static inline void histogram_add(struct histogram *histogram, int64_t ns)
{
    histogram->counts[histogram_bucket((uint64_t)ns)]++;
    histogram->total++;
    if (ns > histogram->max)
        histogram->max = ns;
}

static inline void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    if (from->max > into->max)
        into->max = from->max;
}

/* The time, in milliseconds, that so many of a thousand did not exceed (the bucket's lower end). */
static inline double histogram_ms(const struct histogram *histogram, unsigned per_mille)
{
    uint64_t want = histogram->total * per_mille / 1000, seen = 0;
    size_t i = 0;
    while (i < HISTOGRAM_BUCKETS - 1 && (seen += histogram->counts[i]) <= want)
        i++;
    size_t shift = i < 2 * HISTOGRAM_FINE ? 0 : i / HISTOGRAM_FINE - 1;
    return (double)((uint64_t)(i - shift * HISTOGRAM_FINE) << shift) / 1e6;
}

#endif
