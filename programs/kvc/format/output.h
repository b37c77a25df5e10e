/* SPDX-License-Identifier: MIT
 *
 * Prints replies, one item per line. */
#ifndef KV_CLI_OUTPUT_H
#define KV_CLI_OUTPUT_H

#include <stdio.h>

#include "programs/kvc/command.h"

/* Checks that a reply of status 200 has a value for each key or pair of the request, and that hexist and
 * hmexist answered bools. WEFT_EMALFORMED: *error says what is missing. */
WEFT_MUST_USE int cli_reply_check(const struct weft_kv_request *request,
                                  const struct weft_kv_reply *reply, struct weft_error *error);

/* Returns the tables of a reply, sorted by their names. The caller frees the array with weft_free. NULL: no
 * memory. */
const struct weft_kv_table **cli_reply_tables(const struct weft_kv_reply *reply);

/* Returns the pairs of a reply, sorted by the bytes of their keys or as they came. The caller frees the
 * array with weft_free. NULL: no memory. */
const struct weft_kv_pair **cli_reply_pairs(const struct weft_kv_reply *reply, bool sorted);

/* Prints a reply for scripts and people alike, an item a line; see cli_value_print_typed for the form
 * of values. Answers of hexist and hmexist are true or false. Pairs are `key<TAB>value`, sorted by the
 * bytes of the key. If there can be several lines, line ends, tabs and backslashes in an item are
 * escaped; the one value of the other commands is printed as it is, unless a terminal shows it.
 * -ENOMEM: nothing was printed. */
WEFT_MUST_USE int cli_reply_print(FILE *out, const struct cli_command *command,
                                  const struct weft_kv_reply *reply, bool terminal);

/* Prints only the keys of a reply's pairs, one per line, sorted. -ENOMEM: nothing was printed. */
WEFT_MUST_USE int cli_reply_print_keys(FILE *out, const struct weft_kv_reply *reply);

/* Prints the value with that index of a reply to that command, and its state behind tabs if the reply has
 * one. */
void cli_reply_print_item(FILE *out, const struct cli_command *command,
                          const struct weft_kv_reply *reply, size_t index, enum cli_escape escape);

/* Prints the seconds until a key expires, or "never". */
void cli_state_print_left(FILE *out, const struct weft_kv_state *state);
/* Prints a version in hexadecimal digits. */
void cli_version_print(FILE *out, struct weft_view version);

/* Says what a condition that does not hold has found: "; it has version ...", "; it is not there". Nothing if
 * all hold. */
void cli_reply_print_unmet(FILE *out, const struct weft_kv_reply *reply);

/* Returns the first state whose change was not made because its condition does not hold, or NULL. */
const struct weft_kv_state *cli_reply_unmet(const struct weft_kv_reply *reply);

/* True if a command answers with its one value, which --raw can print. */
bool cli_command_is_single(const struct cli_command *command);

/* The advice for a reply that is too big. */
#define CLI_TABLE_ADVICE "hscan reads a table page by page, and export all of it"

/* Returns what the user of a command can do about an error status, or NULL. */
const char *cli_reply_advice(const struct cli_command *command, const struct weft_kv_reply *reply);

/* Prints the only value of a reply: strings and binary as their bytes, others as text, and nothing
 * else. */
void cli_reply_print_raw(FILE *out, const struct weft_kv_reply *reply);

/* Says where the next page of the command begins, unless this was the last: on err, where it does not mix
 * with the pairs. */
void cli_reply_print_cursor(FILE *err, const struct cli_command *command,
                            const struct weft_kv_reply *reply);

#endif
