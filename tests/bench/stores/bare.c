/* SPDX-License-Identifier: MIT
 *
 *     bare LIBRARY FOLDER CLIENTS PIPELINE SECONDS
 *
 * Writes the keys that blast's clients would, with one commit for all that they have in flight. Prints writes per
 * second, and microseconds of CPU per write. */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bare.h"

enum {
    POOL = 4096, /* blast's requests; its clients begin at places that far apart: */
    STRIDE = 37
};

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

/* The keys of blast's requests, in its order. */
static uint32_t pool[POOL];

static void make_pool(void)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < POOL; i++) {
        x = x * 1664525u + 1013904223u;
        pool[i] = (x >> 4) % BARE_KEYS;
    }
}

static void put(const struct bare *library, size_t place, char fill)
{
    char key[32], value[BARE_VALUE];
    (void)snprintf(key, sizeof key, "key:%010u", (unsigned)pool[place % POOL]);
    memset(value, fill, sizeof value);
    library->put(key, value, sizeof value);
}

/* A batch of each client, which begins where its last one ended. */
static size_t put_all(const struct bare *library, size_t clients, size_t pipeline, size_t round)
{
    for (size_t client = 0; client < clients; client++)
        for (size_t i = 0; i < pipeline; i++)
            put(library, client * STRIDE + round * pipeline + i, (char)('a' + round % 26));
    return clients * pipeline;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        errx(2, "usage: bare LIBRARY FOLDER CLIENTS PIPELINE SECONDS");
    const struct bare *const *library = libraries;
    while (*library && strcmp((*library)->name, argv[1]) != 0)
        library++;
    if (!*library)
        errx(2, "this build has no %s", argv[1]);
    size_t clients = (size_t)atoi(argv[3]), pipeline = (size_t)atoi(argv[4]), count = 0;
    make_pool();
    (*library)->open(argv[2]);
    for (size_t i = 0; i < POOL; i++)
        put(*library, i, 'a');
    (*library)->commit();

    double begin = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double end = begin + atof(argv[5]);
    for (size_t round = 0; seconds_of(CLOCK_MONOTONIC) < end; round++) {
        count += put_all(*library, clients, pipeline, round);
        (*library)->commit();
    }
    double took = seconds_of(CLOCK_MONOTONIC) - begin;
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.0f writes/s %.3f us\n", (double)count / took, cpu / (double)count * 1e6);
    (*library)->close();
    return 0;
}
