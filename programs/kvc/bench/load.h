/* SPDX-License-Identifier: MIT
 *
 * The life of a load: one thread's share of the clients, with one loop for all of them. */
#ifndef KV_CLI_BENCH_LOAD_H
#define KV_CLI_BENCH_LOAD_H

#include "slots.h"

/* Returns the number of descriptors that the process needs for all loads, those included that it has
 * open. */
unsigned cli_bench_load_descriptors(const struct cli_bench_config *config);

/* Begins to connect. Otherwise returns an exit code with one line in *error, and nothing is held. plan
 * must outlive the load. */
WEFT_MUST_USE enum cli_exit cli_bench_load_init(struct cli_bench_load *load,
                                                const struct cli_bench_plan *plan, unsigned index,
                                                struct weft_error *error);
/* After close, and when its thread has ended. A zeroed one is fine. */
void cli_bench_load_fini(struct cli_bench_load *load);

/* Ends the connections; no reply is counted any more. The thread that runs the load, or any if there
 * is none. */
void cli_bench_load_close(struct cli_bench_load *load);

#endif
