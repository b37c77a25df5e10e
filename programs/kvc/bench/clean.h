/* SPDX-License-Identifier: MIT
 *
 * The end of a benchmark: the keys that it has set are removed again. */
#ifndef KV_CLI_BENCH_CLEAN_H
#define KV_CLI_BENCH_CLEAN_H

#include "programs/kvc/run.h"

/* Removes the keys over the session's connection. Otherwise returns an exit code, and *error says why
 * keys are left; that of a signal, which ends it. */
WEFT_MUST_USE enum cli_exit cli_bench_clean(const struct cli_run *run,
                                            const struct cli_bench_config *config,
                                            struct weft_error *error);

#endif
