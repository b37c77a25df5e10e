/* SPDX-License-Identifier: MIT */
#include "histogram.h"

void cli_histogram_merge(struct cli_histogram *into, const struct cli_histogram *from)
{
    for (size_t i = 0; i < CLI_HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

/* The longest time that falls into a bucket. */
static uint64_t upper_end(size_t bucket)
{
    if (bucket < 2 * CLI_HISTOGRAM_FINE)
        return bucket;
    size_t shift = bucket / CLI_HISTOGRAM_FINE - 1;
    uint64_t fine = bucket - shift * CLI_HISTOGRAM_FINE;
    return ((fine + 1) << shift) - 1;
}

uint64_t cli_histogram_quantile(const struct cli_histogram *histogram, uint32_t of_100000)
{
    /* Apart, so that no number of recordings overflows. */
    uint64_t total = histogram->total;
    uint64_t rank = total / 100000 * of_100000 + (total % 100000 * of_100000 + 99999) / 100000;
    uint64_t seen = histogram->counts[0];
    size_t bucket = 0;
    while (seen < rank && bucket < CLI_HISTOGRAM_BUCKETS - 1)
        seen += histogram->counts[++bucket];
    uint64_t end = upper_end(bucket);
    return bucket < CLI_HISTOGRAM_BUCKETS - 1 && end < histogram->max ? end : histogram->max;
}

double cli_histogram_mean(const struct cli_histogram *histogram)
{
    return histogram->total > 0 ? (double)histogram->sum / (double)histogram->total : 0;
}
