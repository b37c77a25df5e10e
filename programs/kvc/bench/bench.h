/* SPDX-License-Identifier: MIT
 *
 * `kvc bench`. */
#ifndef KV_CLI_BENCH_H
#define KV_CLI_BENCH_H

#include "programs/kvc/run.h"

/* Sets the keys of a table, then loads the server as the options say and checks every reply. Prints
 * a report, also of what came before a SIGINT or a failure. CLI_EXIT_PROTOCOL where a reply was
 * wrong or did not come, CLI_EXIT_TIMEOUT where it took too long, CLI_EXIT_REFUSED where one had a
 * status that is an error. */
enum cli_exit cli_bench(const struct cli_run *run);

#endif
