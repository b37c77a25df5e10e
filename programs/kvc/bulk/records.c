/* SPDX-License-Identifier: MIT
 *
 * The buffer holds the record that is searched for its end and whatever was read behind it. scan.at is
 * how far the search has come. A record that passes `max` is reported at once, with its beginning, and
 * taken by switching to `skipping`: from then on what was searched is dropped, so memory stays bounded
 * while the search goes on to the record's real end. */
#include "records.h"

#include <errno.h>
#include <string.h>

static const uint8_t byte_order_mark[] = {0xef, 0xbb, 0xbf};

int cli_records_open(struct cli_records *records, const char *path, enum cli_records_form form,
                     uint64_t max, struct weft_loop *loop, struct weft_error *error)
{
    *records = (struct cli_records){.form = form, .max = max, .line = 1};
    return cli_input_open(&records->input, path, loop, error);
}

void cli_records_close(struct cli_records *records)
{
    cli_input_close(&records->input);
}

static enum cli_records_found read_more(struct cli_records *records)
{
    int err = cli_input_read(&records->input);
    if (err == -EAGAIN)
        return CLI_RECORD_WAIT;
    records->err = err;
    return err < 0 ? CLI_RECORD_ERROR : CLI_RECORD_LATER;
}

/* Passes over a byte-order mark. False: it may be one, and more must come first. */
static bool pass_mark(struct cli_records *records)
{
    struct weft_view view = weft_buf_view(&records->input.buf);
    size_t size = view.size < sizeof byte_order_mark ? view.size : sizeof byte_order_mark;
    bool may_be = size == 0 || memcmp(view.data, byte_order_mark, size) == 0;
    if (may_be && size < sizeof byte_order_mark && !records->input.eof)
        return false;
    if (may_be && size == sizeof byte_order_mark)
        weft_buf_consume(&records->input.buf, size);
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Tells the form by the first byte that is not blank. False: there is none yet. */
static bool guess(struct cli_records *records)
{
    struct weft_view view = weft_buf_view(&records->input.buf);
    size_t *at = &records->scan.at;
    while (*at < view.size && (is_blank(view.data[*at]) || view.data[*at] == '\n'))
        ++*at;
    if (*at == view.size && !records->input.eof && *at <= records->max)
        return false;
    bool is_object = *at < view.size && view.data[*at] == '{';
    records->form = is_object ? CLI_RECORDS_LINES : CLI_RECORDS_CSV;
    *at = 0;
    return true;
}

static size_t scan_line(struct cli_csv_scan *scan, struct weft_view text)
{
    const uint8_t *newline = memchr(text.data + scan->at, '\n', text.size - scan->at);
    scan->at = newline ? (size_t)(newline - text.data) + 1 : text.size;
    scan->lines += newline != NULL;
    return newline ? scan->at : 0;
}

/* Goes on with the search. Returns the record's size with its line end, or 0. */
static size_t find_end(struct cli_records *records, struct weft_view view)
{
    size_t before = records->scan.at;
    if (view.size == before)
        return 0;
    size_t size = records->form == CLI_RECORDS_CSV ? cli_csv_scan(&records->scan, view)
                                                   : scan_line(&records->scan, view);
    records->scanned += records->scan.at - before;
    return size;
}

/* Drops the first size bytes, with which a record ends. */
static void end_record(struct cli_records *records, size_t size, uint64_t lines)
{
    weft_buf_consume(&records->input.buf, size);
    records->line += lines;
    records->scan = (struct cli_csv_scan){0};
    records->skipping = false;
}

static bool is_blank_line(struct weft_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_blank(text.data[i]))
            return false;
    }
    return true;
}

static void show(struct cli_records *records, struct cli_record *record, struct weft_view text,
                 size_t size)
{
    uint64_t lines = records->scan.lines > 0 ? records->scan.lines : 1;
    bool ended = size > 0 && text.data[size - 1] == '\n';
    records->size = size;
    *record = (struct cli_record){
        .text = weft_view(text.data, ended ? size - 1 : size),
        .first_line = records->line,
        /* The last line of an input may have no end. */
        .last_line = records->line + (ended ? lines - 1 : records->scan.lines),
        .is_too_large = size == 0,
    };
    if (size == 0) {
        record->text = weft_view(text.data, text.size < records->max ? text.size : records->max);
        record->last_line = records->line;
    }
}

/* Handles a record whose end has not come: reads on, skips it, or reports that it is too large. */
static enum cli_records_found go_on(struct cli_records *records, struct cli_record *record,
                                    struct weft_view view)
{
    if (records->skipping) {
        weft_buf_consume(&records->input.buf, records->scan.at);
        records->scan.at = 0;
        return read_more(records);
    }
    if (view.size <= records->max)
        return read_more(records);
    show(records, record, view, 0);
    return CLI_RECORD;
}

enum cli_records_found cli_records_find(struct cli_records *records, struct cli_record *record)
{
    if (!records->began && !pass_mark(records))
        return read_more(records);
    records->began = true;
    if (records->form == CLI_RECORDS_GUESS && !guess(records))
        return read_more(records);
    for (;;) {
        struct weft_view view = weft_buf_view(&records->input.buf);
        /* Found before, and not taken yet. */
        size_t size = records->size > 0 ? records->size : find_end(records, view);
        if (size == 0 && !records->input.eof)
            return go_on(records, record, view);
        if (size == 0)
            size = view.size;
        if (size == 0)
            return CLI_RECORD_END;
        bool is_large = size > records->max;
        show(records, record, view, size);
        if (!records->skipping && is_large)
            record->is_too_large = true;
        if (!records->skipping && !is_blank_line(record->text))
            return CLI_RECORD;
        cli_records_take(records, record);
    }
}

void cli_records_take(struct cli_records *records, const struct cli_record *record)
{
    size_t size = records->size;
    records->size = 0;
    if (size > 0)
        end_record(records, size, record->last_line - record->first_line + 1);
    else
        records->skipping = true;
}
