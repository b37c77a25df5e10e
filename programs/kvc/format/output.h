/* SPDX-License-Identifier: MIT
 *
 * What kvc prints of a reply: one item a line. */
#ifndef KV_CLI_OUTPUT_H
#define KV_CLI_OUTPUT_H

#include <stdio.h>

#include "programs/kvc/command.h"

/* Whether a reply of status 200 has what the request asked for: a value for each key or pair, bools
 * where it asked whether. WEFT_EMALFORMED: *error says what is missing. */
WEFT_MUST_USE int cli_reply_check(const struct weft_kv_request *request,
                                  const struct weft_kv_reply *reply, struct weft_error *error);

/* The pairs of a reply that has some, by the bytes of their keys or as they came. The caller's to
 * weft_free. NULL: no memory. */
const struct weft_kv_pair **cli_reply_pairs(const struct weft_kv_reply *reply, bool sorted);

/* Prints the values, a line each; for hgetall `key<TAB>value`, sorted by the bytes of the key.
 * escape: see cli_text_print. -ENOMEM: nothing was printed. */
WEFT_MUST_USE int cli_reply_print(FILE *out, const struct weft_kv_reply *reply, bool escape);

/* Prints the only value of a reply: strings and binary as their bytes, others as text, and nothing
 * else. */
void cli_reply_print_raw(FILE *out, const struct weft_kv_reply *reply);

/* Says where the next page of hscan begins, unless this was the last: on err, where it does not mix
 * with the pairs. */
void cli_reply_print_cursor(FILE *err, const struct weft_kv_reply *reply);

#endif
