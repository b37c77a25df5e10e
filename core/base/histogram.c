/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#include <math.h>

static const double nanosecond = 1e-9;

uint64_t weft_histogram_end(size_t bucket)
{
    if (bucket == 0)
        return UINT64_C(1) << WEFT_HISTOGRAM_FIRST;
    if (bucket >= WEFT_HISTOGRAM_BUCKETS - 1)
        return 0;
    size_t octave = (bucket - 1) / WEFT_HISTOGRAM_STEPS, step = (bucket - 1) % WEFT_HISTOGRAM_STEPS;
    return (uint64_t)(WEFT_HISTOGRAM_STEPS + step + 1)
           << (octave + WEFT_HISTOGRAM_FIRST - WEFT_HISTOGRAM_STEP_BITS);
}

void weft_histogram_add(struct weft_histogram_sum *sum, const struct weft_histogram *histogram)
{
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS; i++) {
        uint64_t count = __atomic_load_n(&histogram->counts[i], __ATOMIC_RELAXED);
        sum->counts[i] += count;
        sum->total += count;
    }
    sum->sum += __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED);
}

uint64_t weft_histogram_quantile(const struct weft_histogram_sum *sum, double quantile)
{
    double wanted = quantile * (double)sum->total;
    uint64_t seen = 0;
    if (sum->total == 0)
        return 0;
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS - 1; i++) {
        seen += sum->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            return weft_histogram_end(i);
    }
    return UINT64_C(1) << WEFT_HISTOGRAM_LAST;
}

void weft_samples_add_histogram(struct weft_samples *samples, const struct weft_metric *metric,
                                const struct weft_label *labels, size_t label_count,
                                const struct weft_histogram_sum *sum)
{
    struct weft_bucket buckets[WEFT_HISTOGRAM_COARSE];
    uint64_t seen = 0;
    size_t fine = 0;
    for (size_t i = 0; i < WEFT_HISTOGRAM_COARSE - 1; i++) {
        uint64_t end = UINT64_C(1) << (i + WEFT_HISTOGRAM_COARSE_FIRST);
        for (; fine < WEFT_HISTOGRAM_BUCKETS - 1 && weft_histogram_end(fine) <= end; fine++)
            seen += sum->counts[fine];
        buckets[i] = (struct weft_bucket){(double)end * nanosecond, seen};
    }
    buckets[WEFT_HISTOGRAM_COARSE - 1] =
        (struct weft_bucket){(double)INFINITY, seen + sum->counts[WEFT_HISTOGRAM_BUCKETS - 1]};
    const struct weft_sample sample = {.metric = metric,
                                       .labels = labels,
                                       .label_count = label_count,
                                       .value = (double)sum->sum * nanosecond,
                                       .buckets = buckets,
                                       .bucket_count = WEFT_HISTOGRAM_COARSE};
    samples->take(samples, &sample);
}
