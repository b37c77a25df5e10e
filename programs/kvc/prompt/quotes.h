/* SPDX-License-Identifier: MIT
 *
 * Finds the ends of commands in a text that may have several lines, by the rules of words.h. */
#ifndef KV_CLI_QUOTES_H
#define KV_CLI_QUOTES_H

#include <stdbool.h>

#include "core/base/bytes.h"

/* Returns the size of the first command of text: up to a line end that is not quoted, or all of it.
 * *open, unless NULL, is true if a quotation mark is still open there. */
size_t cli_quotes_command(struct weft_view text, bool *open);

/* True if text ends within quotation marks: what follows would be part of a word. */
bool cli_quotes_are_open(struct weft_view text);

#endif
