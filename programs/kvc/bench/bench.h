/* SPDX-License-Identifier: MIT
 *
 * `kvc bench`. */
#ifndef KV_CLI_BENCH_H
#define KV_CLI_BENCH_H

#include "programs/kvc/run.h"

/* Sets the keys of a table, loads the server as the options say, checks every reply, and removes the keys
 * again. Prints a report, also if a signal or a failure ended the run. Returns CLI_EXIT_PROTOCOL if a
 * reply was wrong or did not come, CLI_EXIT_TIMEOUT if one took too long, CLI_EXIT_REFUSED if one had a
 * status that is an error. */
enum cli_exit cli_bench(const struct cli_run *run);

#endif
