/* SPDX-License-Identifier: MIT
 *
 * Prints answers for a person at a terminal: aligned, and coloured by type. */
#ifndef KV_CLI_PRETTY_H
#define KV_CLI_PRETTY_H

#include <stdio.h>

#include "programs/kvc/command.h"

/* Prints a reply with the values of pairs in one column. An empty value is shown as (empty), and control
 * characters are escaped. -ENOMEM: nothing was printed. */
WEFT_MUST_USE int cli_pretty_print(FILE *out, const struct cli_command *command,
                                   const struct weft_kv_reply *reply, bool colours);

/* True if out is a terminal that TERM names and the system describes, and its user has not set NO_COLOR
 * (no-color.org). */
bool cli_pretty_has_colours(FILE *out);

#endif
