/* SPDX-License-Identifier: MIT
 *
 * Prints the options of a table, 80 columns wide, for the help of a program. */
#ifndef KV_CLI_HELP_H
#define KV_CLI_HELP_H

#include <stdio.h>

#include "options.h"

/* The part of --help: explains the options that are not rare and names the others. */
void cli_help_print_options(const struct cli_table *table, FILE *out);

/* The part of --help-all: explains all options except those that only one command takes. */
void cli_help_print_all_options(const struct cli_table *table, FILE *out);

/* Explains the options that only some commands take, this one among them; prints nothing if there are
 * none. command NULL: all those options. */
void cli_help_print_command_options(const struct cli_table *table, const char *command, FILE *out);

/* "kvs 0.1.0" */
void cli_help_print_version(const struct cli_table *table, FILE *out);

/* Fills lines of text with words. */
struct cli_filler {
    FILE *out;
    size_t column;
};

/* Appends the words of text, which are separated by single spaces. */
void cli_fill(struct cli_filler *filler, const char *text);

#endif
