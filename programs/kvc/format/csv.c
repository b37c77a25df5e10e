/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include <string.h>

static bool is_special(uint8_t byte)
{
    return byte == ',' || byte == '"' || byte == '\n' || byte == '\r';
}

size_t cli_csv_scan(struct cli_csv_scan *scan, struct weft_view text)
{
    while (scan->at < text.size) {
        uint8_t byte = text.data[scan->at++];
        if (byte == '\n') {
            scan->lines++;
            if (scan->state != CLI_CSV_QUOTED)
                return scan->at;
        } else if (byte == '"') {
            /* A second mark within quotation marks is text, unless something else follows. */
            if (scan->state == CLI_CSV_QUOTED)
                scan->state = CLI_CSV_MARK;
            else if (scan->state != CLI_CSV_PLAIN)
                scan->state = CLI_CSV_QUOTED;
        } else if (scan->state != CLI_CSV_QUOTED) {
            scan->state = byte == ',' ? CLI_CSV_BEGIN : CLI_CSV_PLAIN;
        }
    }
    return 0;
}

/* A place in the text. */
struct reader {
    struct weft_view text;
    size_t at;
};

static bool at_end(const struct reader *reader)
{
    return reader->at == reader->text.size || reader->text.data[reader->at] == '\n';
}

/* Reads up to the comma or the line end. False: malformed. */
static bool read_plain(struct reader *reader, struct cli_csv_field *field)
{
    size_t begin = reader->at;
    const uint8_t *data = reader->text.data;
    for (; !at_end(reader) && data[reader->at] != ','; reader->at++) {
        if (data[reader->at] == '"')
            return false;
    }
    size_t size = reader->at - begin;
    if (at_end(reader) && size > 0 && data[reader->at - 1] == '\r')
        size--;
    *field = (struct cli_csv_field){.text = weft_view(data + begin, size)};
    return true;
}

/* Reads what stands between quotation marks. False: malformed. */
static bool read_quoted(struct reader *reader, struct cli_csv_field *field)
{
    const uint8_t *data = reader->text.data;
    size_t size = reader->text.size, begin = ++reader->at;
    *field = (struct cli_csv_field){0};
    for (;; reader->at++) {
        const uint8_t *mark = memchr(data + reader->at, '"', size - reader->at);
        if (!mark)
            return false;
        reader->at = (size_t)(mark - data);
        if (reader->at + 1 == size || data[reader->at + 1] != '"')
            break;
        field->doubled = true;
        reader->at++;
    }
    field->text = weft_view(data + begin, reader->at++ - begin);
    if (!at_end(reader) && data[reader->at] == '\r')
        reader->at++;
    return at_end(reader) || data[reader->at] == ',';
}

int cli_csv_read(struct weft_view text, struct cli_csv_record *record, const char **why)
{
    struct reader reader = {.text = text};
    record->count = 0;
    for (;; reader.at++) {
        struct cli_csv_field field;
        bool quoted = !at_end(&reader) && text.data[reader.at] == '"';
        if (!(quoted ? read_quoted(&reader, &field) : read_plain(&reader, &field))) {
            *why = quoted ? "a quotation mark inside a quoted field, or none at its end"
                          : "a quotation mark inside a field that does not begin with one";
            return WEFT_EMALFORMED;
        }
        if (record->count < CLI_CSV_FIELDS)
            record->fields[record->count] = field;
        record->count++;
        if (at_end(&reader))
            return 0;
    }
}

size_t cli_csv_undouble(struct weft_view text, uint8_t *dst)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        dst[size++] = text.data[i];
        if (text.data[i] == '"')
            i++;
    }
    return size;
}

void cli_csv_print(FILE *out, const char *prefix, struct weft_view text)
{
    static const uint8_t byte_order_mark[] = {0xef, 0xbb, 0xbf};
    size_t i = 0;
    while (i < text.size && !is_special(text.data[i]))
        i++;
    bool is_marked = text.size >= sizeof byte_order_mark &&
                     memcmp(text.data, byte_order_mark, sizeof byte_order_mark) == 0;
    bool quoted = i < text.size || is_marked;
    fprintf(out, "%s%s", quoted ? "\"" : "", prefix);
    if (!quoted && text.size > 0)
        fwrite(text.data, 1, text.size, out);
    if (!quoted)
        return;
    for (i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            fputc('"', out);
        fputc(text.data[i], out);
    }
    fputc('"', out);
}
