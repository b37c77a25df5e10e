/* SPDX-License-Identifier: MIT
 *
 * Answers for a person at a terminal: aligned, and coloured by type. */
#ifndef KV_CLI_PRETTY_H
#define KV_CLI_PRETTY_H

#include <stdio.h>

#include "programs/kvc/command.h"

/* As cli_reply_print, with the values of pairs below each other; an empty value shows as (empty).
 * Control characters are escaped. -ENOMEM. */
WEFT_MUST_USE int cli_pretty_print(FILE *out, const struct cli_command *command,
                                   const struct weft_kv_reply *reply, bool colours);

/* True if out is a terminal that TERM names and the system describes, and its user has not set NO_COLOR
 * (no-color.org). */
bool cli_pretty_has_colours(FILE *out);

#endif
