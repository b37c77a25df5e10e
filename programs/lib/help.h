/* SPDX-License-Identifier: MIT
 *
 * What --help, --help-all and help print, from the tables of options and commands, 80 columns wide.
 * --help is a screen of 24 lines: all is named there, and what most people need is explained. */
#ifndef KV_CLI_HELP_H
#define KV_CLI_HELP_H

#include <stdio.h>

#include "options.h"

void cli_help_print(const struct cli_table *table, FILE *out);
void cli_help_print_all(const struct cli_table *table, FILE *out);

/* Prints what --help, --help-all or --version asks for; behind a command --help is about that. False:
 * config asks for none of them. */
bool cli_help_answer(const struct cli_config *config, const struct cli_table *table, FILE *out);

/* Explains a command of kvc, or all where name is NULL: those of the prompt, or those of the command
 * line. False: there is none of that name. */
bool cli_help_print_command(const char *name, bool prompt, FILE *out);

#endif
