/* SPDX-License-Identifier: MIT
 *
 * The world of a scenario: a kvs of its own, and beside whatever happens to it one good client, whose
 * latency is the measure. */
#ifndef SOAK_WORLD_H
#define SOAK_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/wire.h"
#include "programs/kvc/bench/histogram.h"
#include "server.h"

/* One request about every millisecond, each reply verified. */
struct probe {
    pthread_t thread;
    const char *url;
    atomic_bool stop;
    bool failed; /* a reply was wrong or lost */
    struct cli_histogram latency;
};

struct world {
    struct server server;
    struct probe probe;
    struct server_usage before; /* when the good client had been served for a moment */
};

/* Starts kvs, listening on tcp with the default codec, with more options (ended by NULL), and the
 * good client. Its URL is the server's first; those of a --listen with a scheme follow. */
void world_start(struct world *world, const char *const *options);
/* Stops both; returns kvs's exit code. The probe's figures stay. */
int world_stop(struct world *world);

/* Returns the bytes by which its memory has grown: now, and at most so far. */
int64_t world_grown(const struct world *world);
int64_t world_highest_grown(const struct world *world);

/* Runs `work` on so many threads at once; returns how many of them said true. */
unsigned parallel(unsigned threads, bool (*work)(struct world *world), struct world *world);

/* Sends a frame on a connection of its own; returns the reply's status, or -1. */
int ask(const struct world *world, const struct wire_bytes *frame);

/* A row of the table: what it was, what is wanted, what came out. Returns met. */
bool row(const char *test, bool met, const char *goal, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The scenarios: each prints its row and returns whether the goal is met. */
bool scenario_bombs(void);
bool scenario_zeros(void);
bool scenario_pairs(void);
bool scenario_half_headers(void);
bool scenario_promises(void);
bool scenario_descriptors(void);
bool scenario_drain(void);
bool scenario_never_reads(void);
bool scenario_memory(void);
bool scenario_floods_yamux(void);
bool scenario_floods(void);            /* only if there is a codec grpc */
bool scenario_windows(void);           /* likewise */
void scenario_memory_for(int seconds); /* else 20 */

#endif
