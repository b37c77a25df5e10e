/* SPDX-License-Identifier: MIT
 *
 * What --help prints, from the tables of options and commands: a screen of 80 columns. */
#ifndef KV_CLI_HELP_H
#define KV_CLI_HELP_H

#include <stdio.h>

#include "services/kv/cli/options.h"

void cli_help_print(const struct cli_table *table, FILE *out);

#endif
