/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

enum { MINUTE = 60 * SAMPLES_A_SECOND };

void samples_take(struct samples *samples, const struct server *server, unsigned seconds)
{
    const size_t count = (size_t)seconds * SAMPLES_A_SECOND;
    const int64_t begin = clock_now();
    *samples = (struct samples){.usage = calloc(count, sizeof *samples->usage)};
    if (!samples->usage)
        errx(1, "out of memory");
    while (samples->count < count) {
        int64_t next = begin + (int64_t)(samples->count + 1) * CLOCK_SECOND / SAMPLES_A_SECOND;
        int64_t left = next - clock_now();
        if (left > 0)
            clock_pause(left);
        samples->usage[samples->count++] = server_usage(server);
    }
}

void samples_fini(struct samples *samples)
{
    free(samples->usage);
}

static uint64_t resident(const struct server_usage *usage)
{
    return usage->resident;
}

static uint64_t descriptors(const struct server_usage *usage)
{
    return usage->descriptors;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Of size samples from the index begin on; 1 <= size <= MINUTE. */
static double median(const struct samples *samples, size_t begin, size_t size,
                     uint64_t (*of)(const struct server_usage *usage))
{
    uint64_t values[MINUTE];
    for (size_t i = 0; i < size; i++)
        values[i] = of(&samples->usage[begin + i]);
    qsort(values, size, sizeof *values, compare);
    return (double)values[size / 2];
}

static void report(const struct samples *samples, const char *name, double unit, const char *label,
                   uint64_t (*of)(const struct server_usage *usage))
{
    size_t third = samples->count / 3, span = third < MINUTE ? third : MINUTE;
    double early = median(samples, span, span, of);
    double late = median(samples, samples->count - span, span, of);
    printf("%-18s %.1f%s in the second %s, %.1f%s in the last: %+.1f %% (goal: within 5 %%)\n",
           name, early / unit, label, span < MINUTE ? "third" : "minute", late / unit, label,
           (late - early) * 100 / early);
}

void samples_report(const struct samples *samples)
{
    const double mebibyte = 1 << 20;
    report(samples, "memory", mebibyte, " MiB", resident);
    report(samples, "descriptors", 1, "", descriptors);
    printf("highest memory     %.1f MiB; by minutes",
           (double)samples->usage[samples->count - 1].highest / mebibyte);
    for (size_t i = 0; i + MINUTE <= samples->count; i += MINUTE)
        printf(" %.1f", median(samples, i, MINUTE, resident) / mebibyte);
    printf("\n");
}
