/* SPDX-License-Identifier: MIT
 *
 * Judges every reply of a benchmark. A reply whose bytes around the value are those of one that was
 * read whole before, of the same command, need only be compared; any other is read whole. One
 * thread. */
#ifndef KV_CLI_BENCH_REPLIES_H
#define KV_CLI_BENCH_REPLIES_H

#include "core/base/mem.h"
#include "config.h"

enum cli_bench_verdict {
    CLI_BENCH_RIGHT,
    CLI_BENCH_MISS,    /* right as well: the key was not there, and the mix deletes keys */
    CLI_BENCH_REFUSED, /* a status that is an error */
    CLI_BENCH_WRONG,   /* not what was stored, or no answer to the command at all */
    CLI_BENCH_UNREAD,  /* there was no memory to read it */
};

enum { CLI_BENCH_HEAD_MAX = 64 };

/* The bytes of a right reply up to its value. */
struct cli_bench_shape {
    size_t size, head_size; /* size 0: none seen yet */
    uint8_t head[CLI_BENCH_HEAD_MAX];
};

struct cli_bench_replies {
    const struct cli_bench_values *values; /* borrowed */
    bool may_miss;                         /* keys are deleted */
    bool any_old;                          /* what a hset replaces is not known */
    struct cli_bench_shape shapes[CLI_BENCH_COMMANDS];
    struct weft_arena arena;

    /* The last reply that was not right, until the next check: its status (0: none), and why. */
    uint32_t status;
    struct weft_error why;
};

/* budget: memory that one reply may be read into. Cannot fail. */
void cli_bench_replies_init(struct cli_bench_replies *replies,
                            const struct cli_bench_values *values, size_t budget);
/* A zeroed one is fine. */
void cli_bench_replies_fini(struct cli_bench_replies *replies);

enum cli_bench_verdict cli_bench_reply_check(struct cli_bench_replies *replies,
                                             enum cli_bench_command command,
                                             const struct cli_bench_key *key,
                                             struct weft_view payload);

#endif
