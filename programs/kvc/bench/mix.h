/* SPDX-License-Identifier: MIT
 *
 * The commands that a benchmark sends, each with its share: "hget=90,hset=10". */
#ifndef KV_CLI_BENCH_MIX_H
#define KV_CLI_BENCH_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "services/kv/client.h"

enum cli_bench_command {
    CLI_BENCH_HGET,
    CLI_BENCH_HSET,
    CLI_BENCH_HEXIST,
    CLI_BENCH_HDEL,
    CLI_BENCH_COMMANDS
};

/* "hget"; static. */
const char *cli_bench_command_name(enum cli_bench_command command);
enum weft_kv_op cli_bench_command_op(enum cli_bench_command command);

struct cli_bench_mix {
    uint32_t shares[CLI_BENCH_COMMANDS];
    uint32_t total; /* the sum, over 0 */
};

/* NAME=SHARE,..., each name once, shares from 1 to 1000000. WEFT_ECONFIG: *error says what is wrong
 * and what there is. */
WEFT_MUST_USE int cli_bench_mix_parse(struct cli_bench_mix *mix, const char *text,
                                      struct weft_error *error);

/* Returns a command by 32 random bits, each with its share of the probability. */
enum cli_bench_command cli_bench_mix_pick(const struct cli_bench_mix *mix, uint32_t bits);

enum { CLI_BENCH_MIX_TEXT = 80 };

/* Writes the mix as cli_bench_mix_parse reads it to dst of CLI_BENCH_MIX_TEXT bytes; returns dst. */
char *cli_bench_mix_format(const struct cli_bench_mix *mix, char *dst);

#endif
