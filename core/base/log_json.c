/* SPDX-License-Identifier: MIT
 *
 * Makes a JSON object of a line of `key=value` words. */
#include <stdio.h>

#include "log_private.h"

enum { DIGITS_MAX = 15 }; /* a whole number of so many digits is exact in a double */

struct writer {
    char *dst;
    size_t size;
};

static void put(struct writer *writer, const char *text, size_t size)
{
    memcpy(writer->dst + writer->size, text, size);
    writer->size += size;
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

/* Writes the first character of text as it stands in a JSON string, and returns its size in text. Bytes that are not
 * UTF-8 become U+FFFD. */
static size_t put_character(struct writer *writer, struct weft_view text)
{
    const size_t length = weft_utf8_length(text);
    const char c = (char)text.data[0];

    if (length == 0) {
        put_text(writer, "\xEF\xBF\xBD");
        return 1;
    }
    if (c == '"' || c == '\\')
        put_text(writer, "\\");
    put(writer, (const char *)text.data, length);
    return length;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Writes an escape of weft_log_quote, at a backslash, and returns its size in text. JSON has the same escapes but for
 * \xNN. That is a control character below \x80, and a byte that was not UTF-8 from there on, for which JSON has
 * nothing: its four characters are kept. */
static size_t put_escape(struct writer *writer, struct weft_view text)
{
    const uint8_t *at = text.data;

    if (text.size >= 2 && strchr("\"\\nrt", at[1]) && at[1] != '\0') {
        put(writer, (const char *)at, 2);
        return 2;
    }
    if (text.size >= 4 && at[1] == 'x' && is_hex(at[2]) && is_hex(at[3])) {
        put_text(writer, at[2] < '8' ? "\\u00" : "\\\\x");
        put(writer, (const char *)at + 2, 2);
        return 4;
    }
    put_text(writer, "\\\\");
    return 1;
}

/* Writes the value that text begins with as a string, and returns its size in text. A value in quotes ends at the next
 * quote, which dots may follow where the value was cut; any other ends at a space. */
static size_t put_string(struct writer *writer, struct weft_view text)
{
    const bool quoted = text.size > 0 && text.data[0] == '"';
    const uint8_t *begin = text.data;
    static const char dots[] = "...";

    put_text(writer, "\"");
    text = weft_view_skip(text, quoted);
    while (text.size > 0 && text.data[0] != (quoted ? '"' : ' '))
        text = weft_view_skip(text, quoted && text.data[0] == '\\' ? put_escape(writer, text)
                                                                   : put_character(writer, text));
    if (quoted && text.size > 0)
        text = weft_view_skip(text, 1);
    if (quoted && text.size >= sizeof dots - 1 && memcmp(text.data, dots, sizeof dots - 1) == 0) {
        put_text(writer, dots);
        text = weft_view_skip(text, sizeof dots - 1);
    }
    put_text(writer, "\"");
    return (size_t)(text.data - begin);
}

/* Returns the digits that text begins with, if JSON takes them for a number and nothing follows them. */
static size_t number_size(struct weft_view text)
{
    size_t size = 0;

    while (size < text.size && text.data[size] >= '0' && text.data[size] <= '9')
        size++;
    if (size > DIGITS_MAX || (size > 1 && text.data[0] == '0'))
        return 0;
    return size == text.size || text.data[size] == ' ' ? size : 0;
}

static size_t put_value(struct writer *writer, struct weft_view text)
{
    const size_t size = number_size(text);

    if (size == 0)
        return put_string(writer, text);
    put(writer, (const char *)text.data, size);
    return size;
}

/* Returns the size of the key that text begins with, 0 if it does not begin with `key=`. */
static size_t key_size(struct weft_view text)
{
    size_t size = 0;

    while (size < text.size && ((text.data[size] >= 'a' && text.data[size] <= 'z') ||
                                (text.data[size] >= '0' && text.data[size] <= '9') ||
                                text.data[size] == '-' || text.data[size] == '.'))
        size++;
    return size < text.size && text.data[size] == '=' ? size : 0;
}

/* True if text is a space and then a pair, or the end. */
static bool is_end_of_message(struct weft_view text)
{
    return text.data[0] == ' ' && (text.size == 1 || key_size(weft_view_skip(text, 1)) > 0);
}

/* Writes words up to the next pair as the value of "message". Returns their size. */
static size_t put_message(struct writer *writer, struct weft_view text)
{
    const uint8_t *begin = text.data;

    put_text(writer, ",\"message\":\"");
    while (text.size > 0 && !is_end_of_message(text))
        text = weft_view_skip(text, put_character(writer, text));
    put_text(writer, "\"");
    return (size_t)(text.data - begin);
}

size_t weft__log_json(char *dst, const char *time, const char *level, struct weft_view event,
                      struct weft_view words)
{
    struct writer writer = {.dst = dst};

    put_text(&writer, "{\"time\":\"");
    put_text(&writer, time);
    put_text(&writer, "\",\"level\":\"");
    put_text(&writer, level);
    put_text(&writer, "\",\"event\":");
    (void)put_string(&writer, event);
    while (words.size > 0) {
        const size_t size = key_size(words);
        if (words.data[0] == ' ') {
            words = weft_view_skip(words, 1);
        } else if (size > 0) {
            put_text(&writer, ",\"");
            put(&writer, (const char *)words.data, size);
            put_text(&writer, "\":");
            words = weft_view_skip(words, size + 1);
            words = weft_view_skip(words, put_value(&writer, words));
        } else {
            words = weft_view_skip(words, put_message(&writer, words));
        }
    }
    put_text(&writer, "}");
    return writer.size;
}
