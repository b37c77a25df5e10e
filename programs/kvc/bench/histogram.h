/* SPDX-License-Identifier: MIT
 *
 * A log-linear histogram of latencies: exact below 128 ns, above that 64 buckets for each power of
 * two. What it answers is the upper end of a bucket, so no less than what was recorded and at most
 * 1/64 (1.6 %) more. Its size is fixed; recording is a few instructions and cannot fail. One thread
 * at a time; a zeroed one is empty. */
#ifndef KV_CLI_BENCH_HISTOGRAM_H
#define KV_CLI_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    CLI_HISTOGRAM_BITS = 6, /* 64 buckets for each power of two */
    CLI_HISTOGRAM_FINE = 1 << CLI_HISTOGRAM_BITS,
    CLI_HISTOGRAM_OCTAVES = 34, /* to 2^40 ns, 18 minutes; what is longer counts as the longest */
    CLI_HISTOGRAM_BUCKETS = (CLI_HISTOGRAM_OCTAVES + 1) * CLI_HISTOGRAM_FINE,
};

struct cli_histogram {
    uint64_t counts[CLI_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t sum, max; /* nanoseconds, exact */
};

static inline size_t cli_histogram_bucket(uint64_t nanoseconds)
{
    if (nanoseconds < 2 * CLI_HISTOGRAM_FINE)
        return (size_t)nanoseconds;
    unsigned shift = 63 - CLI_HISTOGRAM_BITS - (unsigned)__builtin_clzll(nanoseconds);
    size_t bucket = shift * (size_t)CLI_HISTOGRAM_FINE + (size_t)(nanoseconds >> shift);
    return bucket < CLI_HISTOGRAM_BUCKETS ? bucket : CLI_HISTOGRAM_BUCKETS - 1;
}

/* A time below 0 counts as 0. */
static inline void cli_histogram_record(struct cli_histogram *histogram, int64_t nanoseconds)
{
    uint64_t value = nanoseconds > 0 ? (uint64_t)nanoseconds : 0;
    histogram->counts[cli_histogram_bucket(value)]++;
    histogram->total++;
    histogram->sum += value;
    if (value > histogram->max)
        histogram->max = value;
}

void cli_histogram_merge(struct cli_histogram *into, const struct cli_histogram *from);

/* The time, in nanoseconds, that so many of 100,000 did not exceed: 50000 is the median, 99990 is
 * p99.99. Never more than max; 0 of an empty one. */
uint64_t cli_histogram_quantile(const struct cli_histogram *histogram, uint32_t of_100000);

/* 0 of an empty one. */
double cli_histogram_mean(const struct cli_histogram *histogram);

#endif
