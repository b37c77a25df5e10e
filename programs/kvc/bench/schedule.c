/* SPDX-License-Identifier: MIT */
#include "schedule.h"

uint64_t cli_bench_schedule_behind(const struct cli_bench_schedule *schedule, int64_t time)
{
    const uint64_t second = 1000000000, rate = schedule->rate;
    if (time <= schedule->start)
        return 0;
    /* Request n is meant for n * second / rate, rounded down: before `elapsed` are those up to the
     * first n of which that is no longer so, n = elapsed * rate / second, rounded up. */
    uint64_t elapsed = (uint64_t)(time - schedule->start);
    uint64_t end = elapsed / second * rate + (elapsed % second * rate + second - 1) / second;
    if (end <= schedule->next)
        return 0;
    return (end - schedule->next + schedule->step - 1) / schedule->step;
}
