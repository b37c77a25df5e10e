/* SPDX-License-Identifier: MIT
 *
 * The rows of a table in a file. Each has a key and a value, as CSV (the value as on a command line,
 * `int:42`) or as NDJSON ({"key": ..., "value": ...}), where one that expires has "expires", too, and one
 * of several tables "table". A backup ends with changes: rows of several tables that have a "number", and may have
 * "removed" or "dropped" in the place of the value. An import of what export wrote stores equal values. */
#ifndef KV_CLI_ROWS_H
#define KV_CLI_ROWS_H

#include <jansson.h>
#include <stdio.h>

#include "programs/kvc/format/csv.h"
#include "programs/kvc/options.h"
#include "records.h"
#include "programs/kvc/format/value.h"

/* The form that `rows` says, or else the ending of path: CSV for .csv, NDJSON otherwise. */
enum cli_rows cli_rows_of(enum cli_rows rows, const char *path);

/* The records that an import reads: of the form that `rows` or the ending of path says (.csv; .ndjson,
 * .jsonl, .json), or of the one that the first record shows. */
enum cli_records_form cli_rows_records(enum cli_rows rows, const char *path);

struct cli_row {
    struct weft_kv_pair pair; /* borrows the text it was read from, and what stands below */
    struct weft_view table;   /* if it was asked for */
    uint64_t expires;         /* milliseconds since 1970, UTC; 0: never */
    uint64_t number;          /* of a backup: the row is a change; 0: it is a pair */
    bool is_removed;          /* the key is removed; there is no value */
    bool is_dropped;          /* the table is removed; there is neither key nor value */
    json_t *json;
    struct weft_bytes key, text, memory;
    struct weft_view doubtful; /* the value, if its type was probably mistyped; else empty */
};

/* Reads one whole record as a row. has_table: it must have a table, else it may have none. WEFT_ECONFIG: *error says what is wrong, and names the key if it is
 * known; -ENOMEM. Nothing is held then. */
WEFT_MUST_USE int cli_row_read(struct cli_row *row, enum cli_rows rows, bool has_table,
                               struct weft_view text, struct weft_error *error);
void cli_row_fini(struct cli_row *row);

/* Prints a change as a row of a backup. */
void cli_row_print_change(FILE *out, const struct weft_kv_changed *change);

/* Prints a row. table: its table, if it shall have one; NULL: none. CSV has neither table nor expiry. */
void cli_row_print(FILE *out, enum cli_rows rows, const struct weft_view *table,
                   const struct weft_kv_pair *pair, uint64_t expires);

#endif
