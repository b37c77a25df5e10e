/* SPDX-License-Identifier: MIT
 *
 * A histogram of durations, in nanoseconds. Its buckets are log-linear: each power of two from 1 us to 34 s is cut
 * into 8 of equal width, so a quantile is at most an eighth too high. One thread counts, without a lock and without a
 * read-modify-write, and any thread may add the counts of several histograms up meanwhile. */
#ifndef WEFT_HISTOGRAM_H
#define WEFT_HISTOGRAM_H

#include "samples.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_HISTOGRAM_FIRST = 10, /* the first bucket ends at 2^10 ns */
    WEFT_HISTOGRAM_LAST = 35,  /* the last one has all from 2^35 ns on */
    WEFT_HISTOGRAM_STEP_BITS = 3,
    WEFT_HISTOGRAM_STEPS = 1 << WEFT_HISTOGRAM_STEP_BITS,
    WEFT_HISTOGRAM_BUCKETS =
        (WEFT_HISTOGRAM_LAST - WEFT_HISTOGRAM_FIRST) * WEFT_HISTOGRAM_STEPS + 2,
    /* Buckets of a sample: one per power of two from 2^12 ns, and the infinite one. */
    WEFT_HISTOGRAM_COARSE_FIRST = 12,
    WEFT_HISTOGRAM_COARSE = WEFT_HISTOGRAM_LAST - WEFT_HISTOGRAM_COARSE_FIRST + 2
};

/* Zeroed, it is empty. Its fields are read and written atomically. */
struct weft_histogram {
    uint64_t counts[WEFT_HISTOGRAM_BUCKETS];
    uint64_t sum; /* of all durations */
};

/* The sums of histograms, on one thread. Zeroed, it is empty. */
struct weft_histogram_sum {
    uint64_t counts[WEFT_HISTOGRAM_BUCKETS];
    uint64_t total, sum;
};

/* Returns the bucket of a duration. */
static inline size_t weft_histogram_bucket(uint64_t duration)
{
    if (duration >> WEFT_HISTOGRAM_FIRST == 0)
        return 0;
    if (duration >> WEFT_HISTOGRAM_LAST != 0)
        return WEFT_HISTOGRAM_BUCKETS - 1;
    unsigned top = 63u - (unsigned)__builtin_clzll(duration);
    unsigned step =
        (unsigned)(duration >> (top - WEFT_HISTOGRAM_STEP_BITS)) - (unsigned)WEFT_HISTOGRAM_STEPS;
    return 1 + (size_t)(top - WEFT_HISTOGRAM_FIRST) * WEFT_HISTOGRAM_STEPS + step;
}

/* Returns where a bucket ends: all its durations are below. The last bucket has no end: 0. */
uint64_t weft_histogram_end(size_t bucket);

/* Counts a duration. For the one thread that counts. */
static inline void weft_histogram_count(struct weft_histogram *histogram, uint64_t duration)
{
    uint64_t *count = &histogram->counts[weft_histogram_bucket(duration)];
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&histogram->sum, histogram->sum + duration, __ATOMIC_RELAXED);
}

/* Adds the counts of a histogram to *sum. Any thread. */
void weft_histogram_add(struct weft_histogram_sum *sum, const struct weft_histogram *histogram);

/* Returns the end of the bucket that has the quantile (0 to 1), in nanoseconds, or 0 if nothing was counted. What is in
 * the last bucket counts as where that begins. */
uint64_t weft_histogram_quantile(const struct weft_histogram_sum *sum, double quantile);

/* Tells a sample, in seconds. */
void weft_samples_add_histogram(struct weft_samples *samples, const struct weft_metric *metric,
                                const struct weft_label *labels, size_t label_count,
                                const struct weft_histogram_sum *sum);

#ifdef __cplusplus
}
#endif

#endif
