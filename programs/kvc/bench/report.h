/* SPDX-License-Identifier: MIT
 *
 * The report of a benchmark that has ended. */
#ifndef KV_CLI_BENCH_REPORT_H
#define KV_CLI_BENCH_REPORT_H

#include <stdio.h>

#include "config.h"
#include "tally.h"

struct cli_bench_report {
    const struct cli_bench_config *config;
    const struct cli_bench_tally *tally;
    const char *server, *codec;
    bool interrupted;
};

/* The quantiles that a report has, of 100,000, ended by a NULL name. Static. */
struct cli_bench_quantile {
    const char *name; /* "p99.9" */
    uint32_t of_100000;
};
const struct cli_bench_quantile *cli_bench_quantiles(void);

/* Messages over bytes on the wire, framing included; 0 where there are none. */
double cli_bench_ratio(uint64_t plain, uint64_t wire);

/* A page for people, 80 columns wide. What was not answered rightly comes first. */
void cli_bench_report_print(const struct cli_bench_report *report, FILE *out);

/* All of it as one JSON object and a newline: docs/performance.md. */
void cli_bench_report_print_json(const struct cli_bench_report *report, FILE *out);

#endif
