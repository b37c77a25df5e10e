/* SPDX-License-Identifier: MIT
 *
 * Values and replies as JSON, and values out of it. Types are kept:
 *
 *      string   "text"
 *      binary   {"base64": "AP8="}
 *      integer  42; beyond 2^53 - 1 either way, where many readers have doubles,
 *               {"integer": "9223372036854775807"}
 *      float    1.5, 1.0, 1e+300: with a point or an exponent; {"float": "nan"}, "-nan",
 *               "nan(0x7ff8000000000001)", "inf", "-inf"
 *      bool     true, false
 *      empty    null */
#ifndef KV_CLI_JSON_H
#define KV_CLI_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "programs/kvc/command.h"

void cli_json_print_string(FILE *out, struct weft_view text);
void cli_json_print_value(FILE *out, const struct weft_kv_value *value);
/* {"key": ..., "value": ...} */
void cli_json_print_pair(FILE *out, const struct weft_kv_pair *pair);

/* Prints a reply as one object and a newline: {"status": 200, "value": ...}, "values" for commands of
 * many keys, "pairs" for hgetall and hscan, sorted by the bytes of their keys, with hscan's "cursor";
 * "message" if the status is another, and perhaps "advice". line: of a batch, as "line"; 0: none.
 * -ENOMEM: nothing was printed. */
WEFT_MUST_USE int cli_json_print_reply(FILE *out, const struct cli_command *command,
                                       const struct weft_kv_reply *reply, uint64_t line);

/* Prints what kept a command from being answered: {"error": TEXT, "exit": CODE}, and a newline. */
void cli_json_print_error(FILE *out, int code, struct weft_view text, uint64_t line);

/* Reads the forms above. What value points to lies in json or in *memory (the caller's, empty on
 * failure). WEFT_ECONFIG: *error says what is wrong; -ENOMEM. */
WEFT_MUST_USE int cli_json_read_value(const json_t *json, struct weft_kv_value *value,
                                      struct weft_bytes *memory, struct weft_error *error);

/* Reads a command from an array: ["hset", "table", "key", 42]. What the request points to lies in words and in
 * the invocation. The errors of cli_invocation_init. */
WEFT_MUST_USE int cli_invocation_init_json(struct cli_invocation *invocation, const json_t *words,
                                           struct weft_error *error);

/* Parses one line of NDJSON; the caller calls json_decref. NULL: *error says what is wrong. */
WEFT_MUST_USE json_t *cli_json_parse(struct weft_view line, struct weft_error *error);

#endif
