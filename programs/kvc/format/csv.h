/* SPDX-License-Identifier: MIT
 *
 * Records of CSV (RFC 4180): fields between commas. A field that holds commas, quotation marks or line
 * ends is put in quotation marks, where a quotation mark is doubled and the others are text. Lines may
 * end in LF or CRLF; LF is written. */
#ifndef KV_CLI_CSV_H
#define KV_CLI_CSV_H

#include <stdio.h>

#include "core/base/bytes.h"

enum { CLI_CSV_FIELDS = 2 }; /* fields of a record that are kept; more are only counted */

/* The search for the end of a record, which goes on where it stopped when more bytes have come. A
 * zeroed one stands at the beginning of a record. */
struct cli_csv_scan {
    enum { CLI_CSV_BEGIN, CLI_CSV_PLAIN, CLI_CSV_QUOTED, CLI_CSV_MARK } state;
    size_t at;      /* bytes of the record that were looked at */
    uint64_t lines; /* line ends among them */
};

/* Looks at the bytes of text, which the record begins, from scan->at on. Returns the record's size with
 * its line end, or 0: it has no end yet. Marks that stand where none may be are text here; cli_csv_read
 * refuses them. */
size_t cli_csv_scan(struct cli_csv_scan *scan, struct weft_view text);

struct cli_csv_field {
    struct weft_view text; /* without the quotation marks around it */
    bool doubled;          /* it holds doubled quotation marks */
};

struct cli_csv_record {
    struct cli_csv_field fields[CLI_CSV_FIELDS];
    size_t count; /* of all fields */
};

/* Reads one whole record, with or without its line end. WEFT_EMALFORMED: *why says what is wrong, and
 * the fields before the malformed one are in *record. */
WEFT_MUST_USE int cli_csv_read(struct weft_view text, struct cli_csv_record *record,
                               const char **why);

/* Writes a field's text with its quotation marks no longer doubled to dst, which has room for text.size
 * bytes; returns the size. */
size_t cli_csv_undouble(struct weft_view text, uint8_t *dst);

/* Prints a field. prefix stands before the text, inside its quotation marks if it has some, and needs
 * none itself. Text that begins with a byte-order mark gets marks too: at the beginning of a file the
 * byte-order mark would be passed over. */
void cli_csv_print(FILE *out, const char *prefix, struct weft_view text);

#endif
