/* SPDX-License-Identifier: MIT
 *
 * The parts of a run: filling, warm-up, what is measured. Each sends its requests and ends when the
 * last of their replies has come, so that nothing of one part is counted in another. */
#ifndef KV_CLI_BENCH_LOAD_RUN_H
#define KV_CLI_BENCH_LOAD_RUN_H

#include "slots.h"

/* Runs one part, until it has ended, the load is stopped, or it has failed: then load->code says how.
 * A load that was stopped sends nothing. */
void cli_bench_load_run(struct cli_bench_load *load, enum cli_bench_part part);

/* The callbacks of a load's calls and of its pacer, which load.c sets. */
void cli_bench_on_done(struct weft_call *call, int status, struct weft_view payload, bool last);
void cli_bench_on_due(struct cli_bench_pacer *pacer);

#endif
