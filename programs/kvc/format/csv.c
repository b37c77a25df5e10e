/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include <string.h>

/* A place in the text. */
struct reader {
    struct weft_view text;
    bool end;
    size_t at;
    size_t lines;
};

enum found { MORE_NEEDED, FIELD_ENDED, MALFORMED };

static bool is_special(uint8_t byte)
{
    return byte == ',' || byte == '"' || byte == '\n' || byte == '\r';
}

/* Up to the comma or the line end. */
static enum found read_plain(struct reader *reader, struct cli_csv_field *field)
{
    size_t begin = reader->at;
    const uint8_t *data = reader->text.data;
    while (reader->at < reader->text.size) {
        uint8_t byte = data[reader->at];
        if (byte == ',' || byte == '\n')
            break;
        if (byte == '"')
            return MALFORMED;
        reader->at++;
    }
    if (reader->at == reader->text.size && !reader->end)
        return MORE_NEEDED;
    size_t size = reader->at - begin;
    bool at_line_end = reader->at == reader->text.size || data[reader->at] == '\n';
    if (at_line_end && size > 0 && data[reader->at - 1] == '\r')
        size--;
    *field = (struct cli_csv_field){.text = weft_view(data + begin, size)};
    return FIELD_ENDED;
}

/* Behind the first quotation mark, up to the last. */
static enum found read_quoted(struct reader *reader, struct cli_csv_field *field)
{
    const uint8_t *data = reader->text.data;
    size_t size = reader->text.size, begin = ++reader->at;
    *field = (struct cli_csv_field){0};
    for (;; reader->at++) {
        if (reader->at == size)
            return reader->end ? MALFORMED : MORE_NEEDED;
        if (data[reader->at] == '\n')
            reader->lines++;
        if (data[reader->at] != '"')
            continue;
        if (reader->at + 1 == size && !reader->end)
            return MORE_NEEDED;
        if (reader->at + 1 == size || data[reader->at + 1] != '"')
            break;
        field->doubled = true;
        reader->at++;
    }
    field->text = weft_view(data + begin, reader->at++ - begin);
    if (reader->at < size && data[reader->at] == '\r') {
        if (reader->at + 1 == size && !reader->end)
            return MORE_NEEDED;
        reader->at++;
    }
    return reader->at == size || data[reader->at] == ',' || data[reader->at] == '\n' ? FIELD_ENDED
                                                                                     : MALFORMED;
}

ssize_t cli_csv_read(struct weft_view text, bool end, struct cli_csv_record *record,
                     const char **why)
{
    struct reader reader = {.text = text, .end = end};
    record->count = 0;
    for (;; reader.at++) {
        struct cli_csv_field field;
        bool quoted = reader.at < text.size && text.data[reader.at] == '"';
        enum found found = quoted ? read_quoted(&reader, &field) : read_plain(&reader, &field);
        if (found == MORE_NEEDED)
            return 0;
        if (found == MALFORMED) {
            *why = quoted ? "a quotation mark inside a quoted field, or none at its end"
                          : "a quotation mark inside a field that does not begin with one";
            return WEFT_EMALFORMED;
        }
        if (record->count < CLI_CSV_FIELDS)
            record->fields[record->count] = field;
        record->count++;
        if (reader.at == text.size || text.data[reader.at] == '\n')
            break;
    }
    record->lines = reader.lines + 1;
    return (ssize_t)(reader.at < text.size ? reader.at + 1 : reader.at);
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
    size_t i = 0;
    while (i < text.size && !is_special(text.data[i]))
        i++;
    bool quoted = i < text.size;
    fprintf(out, "%s%s", quoted ? "\"" : "", prefix);
    if (!quoted) {
        fwrite(text.data, 1, text.size, out);
        return;
    }
    for (i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            fputc('"', out);
        fputc(text.data[i], out);
    }
    fputc('"', out);
}
