/* SPDX-License-Identifier: MIT */
#include "quotes.h"

static bool is_end(uint8_t byte)
{
    return byte == '\n';
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || is_end(byte);
}

size_t cli_quotes_command(struct weft_view text, bool *open)
{
    uint8_t mark = 0;
    bool in_comment = false, in_word = false;
    size_t i = 0;
    for (; i < text.size && (mark || !is_end(text.data[i])); i++) {
        uint8_t byte = text.data[i];
        bool escapes = byte == '\\' && mark != '\'' && i + 1 < text.size;
        if (in_comment)
            continue;
        if (escapes)
            i++; /* the next byte neither opens nor closes */
        else if (mark)
            mark = byte == mark ? 0 : mark;
        else if (byte == '\'' || byte == '"')
            mark = byte;
        else
            in_comment = byte == '#' && !in_word;
        in_word = mark || escapes || !is_blank(byte);
    }
    if (open)
        *open = mark != 0;
    return i;
}

bool cli_quotes_are_open(struct weft_view text)
{
    bool open = false;
    while (text.size > 0) {
        size_t size = cli_quotes_command(text, &open);
        text = weft_view_skip(text, size < text.size ? size + 1 : size);
    }
    return open;
}
