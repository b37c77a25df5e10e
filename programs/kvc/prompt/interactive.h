/* SPDX-License-Identifier: MIT
 *
 * Runs kvc as a prompt at a terminal, until Ctrl-D. */
#ifndef KV_CLI_INTERACTIVE_H
#define KV_CLI_INTERACTIVE_H

#include "programs/kvc/run.h"

/* Reads commands from standard input, which is a terminal, and runs each. The exit code does not
 * depend on how the commands ended. */
enum cli_exit cli_interactive(struct cli_run *run);

#endif
