/* SPDX-License-Identifier: MIT
 *
 * The counts of a benchmark. Each thread has its own, and they are merged at the end. A zeroed tally is
 * empty. */
#ifndef KV_CLI_BENCH_TALLY_H
#define KV_CLI_BENCH_TALLY_H

#include "histogram.h"
#include "mix.h"

enum { CLI_BENCH_STATUSES = 8 };

struct cli_bench_status {
    uint32_t status;
    uint64_t count;
};

/* A number of bytes each way, of all clients. */
struct cli_bench_bytes {
    uint64_t sent, received;
};

struct cli_bench_tally {
    /* The measured part: the latencies of the requests that were answered rightly, by command, and
     * how many of these found no key. */
    struct cli_histogram latencies[CLI_BENCH_COMMANDS];
    uint64_t misses[CLI_BENCH_COMMANDS];
    int64_t began,
        ended; /* nanoseconds, CLOCK_MONOTONIC: the first request, the last reply; 0: none */
    struct cli_bench_bytes wire, plain; /* as sent, and the messages before and after the codec */
    uint64_t behind;                    /* requests of a fixed rate that were due and not sent */
    uint64_t cpu;                       /* nanoseconds of CPU time */

    /* All parts, the filling too: requests that were not answered rightly. */
    uint64_t wrong, missing;
    struct cli_bench_status statuses[CLI_BENCH_STATUSES]; /* count 0: none; the last: all others */
    struct weft_error first; /* of them in words: "hget key:0000000042: ..."; "" for none */
};

/* Resets the counts of the measured part. */
void cli_bench_tally_restart(struct cli_bench_tally *tally);

/* Counts a reply whose status is an error. */
void cli_bench_tally_refused(struct cli_bench_tally *tally, uint32_t status);

/* Returns the number of replies with such a status. */
uint64_t cli_bench_tally_refusals(const struct cli_bench_tally *tally);

/* Requests answered rightly, over all commands. */
uint64_t cli_bench_tally_requests(const struct cli_bench_tally *tally);

/* Nanoseconds from the first request to the last reply. */
int64_t cli_bench_tally_elapsed(const struct cli_bench_tally *tally);

/* Adds what another worker has counted. */
void cli_bench_tally_merge(struct cli_bench_tally *into, const struct cli_bench_tally *from);

#endif
