/* SPDX-License-Identifier: MIT
 *
 * Records of CSV (RFC 4180): fields behind commas, in quotation marks where they hold commas,
 * quotation marks or line ends, which are doubled or taken as they are in there. Lines may end in
 * LF or CRLF; LF is written. */
#ifndef KV_CLI_CSV_H
#define KV_CLI_CSV_H

#include <stdio.h>
#include <sys/types.h>

#include "core/base/bytes.h"

enum { CLI_CSV_FIELDS = 2 }; /* of a record that is looked into */

struct cli_csv_field {
    struct weft_view text; /* as it stands, without the quotation marks around it */
    bool doubled;          /* holds doubled quotation marks */
};

struct cli_csv_record {
    struct cli_csv_field fields[CLI_CSV_FIELDS];
    size_t count; /* of all fields */
    size_t lines; /* line ends in it, its own included */
};

/* Reads the record that text begins with; returns its size with the line end, 0: there is no whole
 * one yet (end: text is all there is), or WEFT_EMALFORMED with *why. text is not empty. */
WEFT_MUST_USE ssize_t cli_csv_read(struct weft_view text, bool end, struct cli_csv_record *record,
                                   const char **why);

/* Writes a field's text with single quotation marks to dst, which has room for all of it; returns
 * the size. */
size_t cli_csv_undouble(struct weft_view text, uint8_t *dst);

/* prefix stands before the text, within its quotation marks; it needs none itself. */
void cli_csv_print(FILE *out, const char *prefix, struct weft_view text);

#endif
