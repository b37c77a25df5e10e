/* SPDX-License-Identifier: MIT
 *
 * A good client: a thread that speaks kv on a table of its own, knows what every reply has to be and
 * compares it byte by byte. */
#ifndef SOAK_GOOD_H
#define SOAK_GOOD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/random.h"
#include "programs/kvc/bench/histogram.h"

enum { GOOD_KEYS = 32 };

struct good {
    pthread_t thread;
    unsigned number;
    const char *url;
    bool gzip; /* the endpoint's codec is length-delimited-gzip, else raw */
    const atomic_bool *stop;

    struct test_random random;
    char table[32];
    uint64_t versions[GOOD_KEYS], last_version; /* what each key holds; 0: nothing */

    /* After the join. */
    uint64_t replies, connections;
    struct cli_histogram latency; /* of a batch of requests, until its last reply */
    char failure[256];            /* what was wrong first; "": nothing */
};

/* number, url, gzip, stop and random are set, the rest is zero. */
void good_start(struct good *good);
void good_join(struct good *good);

#endif
