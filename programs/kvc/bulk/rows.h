/* SPDX-License-Identifier: MIT
 *
 * Rows of a table in a file: a key and a value a line, as CSV (the value as on a command line,
 * `int:42`) or as NDJSON ({"key": ..., "value": ...}). What is exported is imported as the same. */
#ifndef KV_CLI_ROWS_H
#define KV_CLI_ROWS_H

#include <jansson.h>
#include <stdio.h>

#include "programs/kvc/format/csv.h"
#include "programs/kvc/options.h"
#include "programs/kvc/format/value.h"

/* The form that rows says, or the ending of path: .csv, and NDJSON otherwise. */
enum cli_rows cli_rows_of(enum cli_rows rows, const char *path);

struct cli_row {
    struct weft_kv_pair pair; /* borrows the text it was read from, and what stands below */
    size_t lines;             /* that it takes in the text */
    json_t *json;
    struct weft_bytes key, text, memory;
};

/* Reads the row that text begins with; returns its size, 0: there is no whole one yet (end: text is
 * all there is). WEFT_ECONFIG, and *error says what is wrong, without the place; -ENOMEM. Nothing is
 * held then. */
WEFT_MUST_USE ssize_t cli_row_read(struct cli_row *row, enum cli_rows rows, struct weft_view text,
                                   bool end, struct weft_error *error);
void cli_row_fini(struct cli_row *row);

void cli_row_print(FILE *out, enum cli_rows rows, const struct weft_kv_pair *pair);

#endif
