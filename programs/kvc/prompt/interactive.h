/* SPDX-License-Identifier: MIT
 *
 * kvc at a terminal: a prompt, until Ctrl-D. */
#ifndef KV_CLI_INTERACTIVE_H
#define KV_CLI_INTERACTIVE_H

#include "programs/kvc/run.h"

/* Reads commands from standard input, which is a terminal, and runs each. What a command ends with
 * is not the program's exit code. */
enum cli_exit cli_interactive(struct cli_run *run);

#endif
