/* SPDX-License-Identifier: MIT
 *
 * Splits a line into words, which are quoted as in a shell: 'as it is', "with \" and \\", and \x outside
 * of quotation marks. */
#ifndef KV_CLI_WORDS_H
#define KV_CLI_WORDS_H

#include "core/base/bytes.h"
#include "core/base/err.h"

struct cli_words {
    char **list; /* ended by NULL */
    size_t count;
    char *memory;
};

/* Splits a line, which is given without its line end. A word that begins with # and whatever follows it
 * are a comment. WEFT_ECONFIG: *error says what is wrong; -ENOMEM. Nothing is held then. */
WEFT_MUST_USE int cli_words_split(struct cli_words *words, struct weft_view line,
                                  struct weft_error *error);
void cli_words_fini(struct cli_words *words);

#endif
