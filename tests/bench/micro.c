/* SPDX-License-Identifier: MIT
 *
 * Runs every work, one after the other.
 *
 *   micro [time]       nanoseconds an operation, the median of several rounds: a line each
 *   micro count        each work's fixed number of operations, once, within bench_counted(), which is
 *                      what a counter of instructions looks at: "NAME OPERATIONS" a line
 *   micro versions     what the figures depend on besides the sources
 *
 * `micro time NAME` and `micro count NAME` do one work alone, for a profiler. */
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#include "work.h"

enum { ROUNDS = 5 };
static const int64_t round_ns = 20000000;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Returns how many operations take about the time of a round. */
static size_t operations_a_round(const struct bench_work *work, void *state)
{
    size_t operations = 16;
    for (;;) {
        int64_t begin = now();
        (void)work->run(state, operations);
        if (now() - begin >= round_ns / 2)
            return operations * 2;
        operations *= 2;
    }
}

static void time_work(const struct bench_work *work)
{
    double rounds[ROUNDS];
    void *state = work->begin(work);
    size_t operations = operations_a_round(work, state);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin = now();
        size_t ran = work->run(state, operations);
        rounds[i] = (double)(now() - begin) / (double)ran;
    }
    work->end(state);
    qsort(rounds, ROUNDS, sizeof *rounds, compare);
    printf("%s %.1f\n", work->name, rounds[ROUNDS / 2]);
}

/* Not inlined, since it is known by its name. */
__attribute__((noinline)) size_t bench_counted(const struct bench_work *work, void *state);

size_t bench_counted(const struct bench_work *work, void *state)
{
    return work->run(state, work->counted_runs);
}

static void count_work(const struct bench_work *work)
{
    void *state = work->begin(work);
    /* The first use makes things once; they are not the operation's cost. */
    (void)work->run(state, work->counted_runs);
    printf("%s %zu\n", work->name, bench_counted(work, state));
    work->end(state);
}

int main(int argc, char **argv)
{
    static struct bench_work works[BENCH_WORKS_MAX];
    const char *mode = argc > 1 ? argv[1] : "time";
    size_t count = bench_codec_works(works, 0);
    count = bench_store_works(works, count);
    count = bench_kv_works(works, count);
    count = bench_resp_works(works, count);
#ifdef WEFT_HAS_GRPC
    count = bench_rpc_works(works, count);
#endif
    if (strcmp(mode, "versions") == 0) {
        printf("compiler %s\nglibc %s\nzlib %s\ngzip %s\nrpc %s\n", __VERSION__,
               gnu_get_libc_version(), zlibVersion(), BENCH_GZIP, BENCH_RPC);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (argc > 2 && strcmp(argv[2], works[i].name) != 0)
            continue;
        if (strcmp(mode, "count") == 0)
            count_work(&works[i]);
        else
            time_work(&works[i]);
        fflush(stdout);
    }
    return 0;
}
