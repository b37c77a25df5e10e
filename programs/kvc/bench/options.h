/* SPDX-License-Identifier: MIT
 *
 * The options that `kvc bench` alone takes. */
#ifndef KV_CLI_BENCH_OPTIONS_H
#define KV_CLI_BENCH_OPTIONS_H

#include "programs/kvc/options.h"

/* Returns the options; the last one has a NULL name. Static. */
const struct cli_option *cli_bench_options(void);

struct cli_bench_config cli_bench_config_default(void);

/* Checks that the options fit each other. WEFT_ECONFIG: *error says which do not. */
WEFT_MUST_USE int cli_bench_config_check(const struct cli_bench_config *config,
                                         struct weft_error *error);

#endif
