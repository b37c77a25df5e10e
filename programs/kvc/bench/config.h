/* SPDX-License-Identifier: MIT
 *
 * The values of the options of `kvc bench`. */
#ifndef KV_CLI_BENCH_CONFIG_H
#define KV_CLI_BENCH_CONFIG_H

#include <stdbool.h>

#include "core/base/settings.h"
#include "mix.h"
#include "values.h"

#define CLI_BENCH_DURATION WEFT_SECONDS(10) /* where neither duration nor requests are given */

struct cli_bench_config {
    unsigned clients, pipeline, threads;
    unsigned streams;  /* clients that share a session, if the URL names a multiplexer */
    uint64_t duration; /* nanoseconds of the measured part; 0: not given */
    uint64_t warmup;   /* nanoseconds before it */
    uint64_t requests; /* of the measured part; 0: not given */
    uint64_t rate;     /* requests a second; 0: as many as can be */
    struct cli_bench_mix mix;
    const char *table; /* borrowed from argv */
    uint32_t keys;
    size_t value_size;
    enum cli_bench_kind value_kind;
    uint64_t seed;
    bool keep; /* the keys stay in the table */
};

#endif
