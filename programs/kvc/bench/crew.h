/* SPDX-License-Identifier: MIT
 *
 * The threads of a benchmark, each with a load of its own. They go on to the next part of the run
 * together, once all have finished the last one, and stop together when one has failed. */
#ifndef KV_CLI_BENCH_CREW_H
#define KV_CLI_BENCH_CREW_H

#include "load.h"

struct cli_bench_crew;

/* Connects, and starts config->threads threads. plan and home, the caller's loop, must outlive it;
 * turns of home are what brings it from part to part. Otherwise an exit code with one line in
 * *error, and nothing is held. */
WEFT_MUST_USE enum cli_exit cli_bench_crew_new(struct cli_bench_crew **crew,
                                               const struct cli_bench_plan *plan,
                                               struct weft_loop *home, struct weft_error *error);

/* All below: the thread of home. */

/* Has the threads end at once; their ends come with turns of home. Twice is fine. */
void cli_bench_crew_stop(struct cli_bench_crew *crew);

/* True once all threads have ended. */
bool cli_bench_crew_has_ended(const struct cli_bench_crew *crew);

/* Returns the present part of the run, and in *answered how many of its requests were answered. */
enum cli_bench_part cli_bench_crew_watch(const struct cli_bench_crew *crew, uint64_t *answered);

/* After the end: adds what they have counted to *tally. The code of one that failed with its text in
 * *error, or CLI_EXIT_DONE. */
enum cli_exit cli_bench_crew_collect(const struct cli_bench_crew *crew,
                                     struct cli_bench_tally *tally, struct weft_error *error);

/* After the end. NULL is fine. */
void cli_bench_crew_free(struct cli_bench_crew *crew);

#endif
