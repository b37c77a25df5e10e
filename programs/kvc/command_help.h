/* SPDX-License-Identifier: MIT
 *
 * The help of kvc, made from its tables of commands and options. */
#ifndef KVC_COMMAND_HELP_H
#define KVC_COMMAND_HELP_H

#include <stdio.h>

#include "options.h"

/* --help, which fits a screen of 24 lines, and --help-all, which explains every option. */
void kvc_help_print(const struct cli_table *table, FILE *out);
void kvc_help_print_all(const struct cli_table *table, FILE *out);

/* Prints what --help, --help-all or --version asks for; --help after a command is about the
 * command. False: none of them was given. */
bool kvc_help_answer(const struct kvc_config *config, const struct cli_table *table, FILE *out);

/* Explains one command, or all of them if name is NULL. `prompt` chooses between the commands of
 * the prompt and those of the command line. False: there is none of that name. */
bool cli_help_print_command(const char *name, bool prompt, FILE *out);

#endif
