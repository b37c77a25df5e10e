/* SPDX-License-Identifier: MIT
 *
 * The records of an input, one after another: lines, or the records of CSV, which may have several
 * lines. A record is found whole before anything reads it, so one that is refused is passed over
 * whole, whatever is wrong with it. Each byte is looked at once: a search that finds no end goes on
 * where it stopped when more has come. A byte-order mark at the beginning and blank lines are no
 * records. One thread, the loop's. */
#ifndef KV_CLI_RECORDS_H
#define KV_CLI_RECORDS_H

#include "programs/kvc/format/csv.h"
#include "programs/kvc/input.h"

enum cli_records_form {
    CLI_RECORDS_LINES,
    CLI_RECORDS_CSV,
    CLI_RECORDS_GUESS, /* lines if the first record begins with {, else CSV */
};

enum cli_records_found {
    CLI_RECORD,       /* there is one */
    CLI_RECORD_LATER, /* something was read: ask again, perhaps after a turn of the loop */
    CLI_RECORD_WAIT,  /* input.ready will be called */
    CLI_RECORD_END,   /* of the input */
    CLI_RECORD_ERROR, /* the input cannot be read: records->err */
};

struct cli_record {
    struct weft_view text; /* without its last line end; valid until the next call */
    uint64_t first_line, last_line;
    bool is_too_large; /* text is its beginning; the rest has not come yet and is passed over */
};

struct cli_records {
    struct cli_input input;
    enum cli_records_form form;
    uint64_t max;     /* bytes of one record, at least some hundred */
    uint64_t line;    /* where the next record begins, from 1 */
    uint64_t scanned; /* bytes looked at in search of ends, so far */
    int err;
    bool began;    /* the beginning of the input was looked at */
    bool skipping; /* the rest of a record that is too large is passed over */
    size_t size;   /* of the record found last, with its line end */
    struct cli_csv_scan scan;
};

/* Opens the input as cli_input_open does, with its errors. */
WEFT_MUST_USE int cli_records_open(struct cli_records *records, const char *path,
                                   enum cli_records_form form, uint64_t max, struct weft_loop *loop,
                                   struct weft_error *error);
/* A zeroed one is fine. */
void cli_records_close(struct cli_records *records);

/* Finds the next record, the same one until it is taken. Reads the input at most once. */
enum cli_records_found cli_records_find(struct cli_records *records, struct cli_record *record);

/* Takes the record that was found. */
void cli_records_take(struct cli_records *records, const struct cli_record *record);

#endif
