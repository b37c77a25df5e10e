/* SPDX-License-Identifier: MIT
 *
 *     bare LIBRARY FOLDER BATCH SECONDS
 *
 * Prints writes per second, and microseconds of CPU per write. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bare.h"
#include "lib/random.h"

static const struct bare *const libraries[] = {
#ifdef BENCH_LMDB
    &bare_lmdb,
#endif
#ifdef BENCH_ROCKSDB
    &bare_rocksdb,
#endif
    NULL,
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put(const struct bare *library, size_t number, char fill)
{
    char key[32], value[BARE_VALUE];
    (void)snprintf(key, sizeof key, "key:%012zu", number);
    memset(value, fill, sizeof value);
    library->put(key, value, sizeof value);
}

int main(int argc, char **argv)
{
    struct test_random random = {1};
    if (argc != 5)
        errx(2, "usage: bare LIBRARY FOLDER BATCH SECONDS");
    const struct bare *const *library = libraries;
    while (*library && strcmp((*library)->name, argv[1]) != 0)
        library++;
    if (!*library)
        errx(2, "this build has no %s", argv[1]);
    size_t batch = (size_t)atoi(argv[3]), count = 0;
    (*library)->open(argv[2]);
    for (size_t i = 0; i < BARE_KEYS; i++)
        put(*library, i, 'a');
    (*library)->commit();

    double begin = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double end = begin + atof(argv[4]);
    while (seconds_of(CLOCK_MONOTONIC) < end) {
        for (size_t i = 0; i < batch; i++, count++)
            put(*library, test_random_below(&random, BARE_KEYS), (char)('a' + count % 26));
        (*library)->commit();
    }
    double took = seconds_of(CLOCK_MONOTONIC) - begin;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.0f writes/s %.3f us\n", (double)count / took, cpu / (double)count * 1e6);
    (*library)->close();
    return 0;
}
