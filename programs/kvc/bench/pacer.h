/* SPDX-License-Identifier: MIT
 *
 * Wakes a loop at a time to the nanosecond, where the loop's own timers, for deadlines, are good for
 * a millisecond: a request of a fixed rate that was sent a millisecond late would count that as the
 * server's. */
#ifndef KV_CLI_BENCH_PACER_H
#define KV_CLI_BENCH_PACER_H

#include "core/loop.h"

struct cli_bench_pacer {
    void (*due)(struct cli_bench_pacer *pacer); /* set by the caller; once for each set */
    int fd;
    int64_t time; /* it is set to; 0: none */
    struct weft_io io;
};

/* -errno. */
WEFT_MUST_USE int cli_bench_pacer_init(struct cli_bench_pacer *pacer, struct weft_loop *loop);
/* After a successful init only. */
void cli_bench_pacer_fini(struct cli_bench_pacer *pacer);

/* Instead of any set before; the same again costs nothing. time: nanoseconds over 0, as of
 * weft_loop_now; one that has passed is due in the next turn. */
void cli_bench_pacer_set(struct cli_bench_pacer *pacer, int64_t time);

#endif
