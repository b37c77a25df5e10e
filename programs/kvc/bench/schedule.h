/* SPDX-License-Identifier: MIT
 *
 * The times at which the requests of a fixed rate are meant to be sent. They follow from the rate alone: a
 * server that stalls does not move them. So whoever counts a latency from the time a request was
 * meant to be sent, however late it really was, omits nothing of the stall (Gil Tene's "coordinated
 * omission", as in wrk2). Arithmetic only, on any clock. */
#ifndef KV_CLI_BENCH_SCHEDULE_H
#define KV_CLI_BENCH_SCHEDULE_H

#include <stdint.h>

/* One of several schedules that share a rate: `next`, `next + step`, ... of the requests. */
struct cli_bench_schedule {
    int64_t start; /* nanoseconds: of request 0 */
    uint64_t rate; /* requests a second, of all together, over 0 */
    uint64_t next, step;
};

/* Returns the time at which the next request is meant to be sent. */
static inline int64_t cli_bench_schedule_time(const struct cli_bench_schedule *schedule)
{
    uint64_t second = 1000000000, number = schedule->next;
    return schedule->start + (int64_t)(number / schedule->rate * second +
                                       number % schedule->rate * second / schedule->rate);
}

/* The next one was sent. */
static inline void cli_bench_schedule_advance(struct cli_bench_schedule *schedule)
{
    schedule->next += schedule->step;
}

/* Returns how many requests were meant to be sent before `time` and were not. */
uint64_t cli_bench_schedule_behind(const struct cli_bench_schedule *schedule, int64_t time);

#endif
