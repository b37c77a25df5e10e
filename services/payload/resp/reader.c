/* SPDX-License-Identifier: MIT */
#include "reader.h"

enum {
    LINE_END = 2,    /* bytes of \r\n */
    DIGITS_MAX = 10, /* of a count or a length */
    ARGUMENT_LEAST = sizeof "$0\r\n\r\n" - 1,
};

/* Takes a head of any length. */
static bool take_any_head(struct weft_view in, size_t *at, uint8_t mark, size_t *number)
{
    size_t i = *at, value = 0;
    if (i >= in.size || in.data[i++] != mark)
        return false;
    size_t first = i;
    while (i < in.size && in.data[i] >= '0' && in.data[i] <= '9' && i - first < DIGITS_MAX)
        value = value * 10 + (size_t)(in.data[i++] - '0');
    if (i == first || in.size - i < LINE_END || in.data[i] != '\r')
        return false;
    *number = value;
    *at = i + LINE_END;
    return true;
}

/* Takes a head such as `$5\r\n` from *at on. False if there is none. Nearly all numbers have one digit or
 * two. */
static inline bool take_head(struct weft_view in, size_t *at, uint8_t mark, size_t *number)
{
    const uint8_t *p = in.data + *at;
    if (in.size - *at < 5)
        return take_any_head(in, at, mark, number);
    unsigned first = p[1] - (unsigned)'0', second = p[2] - (unsigned)'0';
    if (p[0] == mark && first <= 9 && p[2] == '\r') {
        *number = first;
        *at += 2 + LINE_END;
        return true;
    }
    if (p[0] == mark && first <= 9 && second <= 9 && p[3] == '\r') {
        *number = first * 10 + second;
        *at += 3 + LINE_END;
        return true;
    }
    return take_any_head(in, at, mark, number);
}

/* Takes a bulk string from *at on. False if there is none. */
static inline bool take_bulk(struct weft_view in, size_t *at, struct weft_view *bulk)
{
    size_t size;
    if (!take_head(in, at, '$', &size) || in.size - *at < LINE_END ||
        size > in.size - *at - LINE_END)
        return false;
    *bulk = weft_view(in.data + *at, size);
    *at += size + LINE_END;
    return true;
}

/* An argument takes at least six bytes, so a number that the bytes behind it cannot hold is refused here. */
static ssize_t count_array(struct weft_view command)
{
    size_t at = 0, count;
    if (!take_head(command, &at, '*', &count) || count > (command.size - at) / ARGUMENT_LEAST)
        return WEFT_EMALFORMED;
    return (ssize_t)count;
}

static int split_array(struct weft_view command, struct weft_view *arguments, size_t count)
{
    size_t at = 0, number;
    bool good = take_head(command, &at, '*', &number);
    for (size_t i = 0; i < count && good; i++)
        good = take_bulk(command, &at, &arguments[i]);
    return good && at == command.size ? 0 : WEFT_EMALFORMED;
}

ssize_t weft_resp_split_few(struct weft_view command, struct weft_view *arguments, size_t most)
{
    size_t at = 0, count;
    if (!take_head(command, &at, '*', &count) || count > most)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!take_bulk(command, &at, &arguments[i]))
            return WEFT_EMALFORMED;
    return at == command.size ? (ssize_t)count : WEFT_EMALFORMED;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A line of words. As in Redis, a NUL ends it. */
struct line {
    const uint8_t *at, *end;
    uint8_t *dst; /* where the next word is written; NULL: words are only counted */
};

static bool at_end(const struct line *line)
{
    return line->at == line->end || *line->at == '\0';
}

static void put(struct line *line, uint8_t c)
{
    if (line->dst)
        *line->dst++ = c;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t unescape(uint8_t c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* Takes a backslash within quotation marks of this kind and what it escapes. */
static void take_escape(struct line *line, uint8_t mark)
{
    const uint8_t *at = line->at;
    size_t left = (size_t)(line->end - at);
    int high = -1, low = -1;
    if (mark == '"' && left >= 4 && at[1] == 'x') {
        high = hex_digit(at[2]);
        low = hex_digit(at[3]);
    }
    if (high >= 0 && low >= 0) {
        put(line, (uint8_t)(high << 4 | low));
        line->at += 4;
    } else if (left >= 2 && at[1] != '\0' && (mark == '"' || at[1] == mark)) {
        put(line, mark == '"' ? unescape(at[1]) : at[1]);
        line->at += 2;
    } else {
        put(line, '\\');
        line->at++;
    }
}

/* Takes the rest of a quotation. False if it is not closed, or not at the end of a word. */
static bool take_quoted(struct line *line, uint8_t mark)
{
    while (!at_end(line) && *line->at != mark) {
        if (*line->at == '\\') {
            take_escape(line, mark);
        } else {
            put(line, *line->at);
            line->at++;
        }
    }
    if (at_end(line))
        return false;
    line->at++;
    return at_end(line) || is_space(*line->at);
}

/* Takes a word. Returns 1, 0 if there is none, or WEFT_EMALFORMED. */
static int take_word(struct line *line, struct weft_view *word)
{
    while (!at_end(line) && is_space(*line->at))
        line->at++;
    if (at_end(line))
        return 0;
    const uint8_t *begin = line->dst;
    while (!at_end(line) && !is_space(*line->at)) {
        uint8_t c = *line->at++;
        if (c != '"' && c != '\'')
            put(line, c);
        else if (!take_quoted(line, c))
            return WEFT_EMALFORMED;
    }
    *word = weft_view(begin, (size_t)(line->dst - begin));
    return 1;
}

static ssize_t count_words(struct weft_view command)
{
    struct line line = {command.data, command.data + command.size, NULL};
    struct weft_view word;
    ssize_t count = 0;
    int taken = 0;
    if (command.size == 0)
        return 0;
    while ((taken = take_word(&line, &word)) > 0)
        count++;
    return taken < 0 ? taken : count;
}

ssize_t weft_resp_count(struct weft_view command)
{
    return weft_resp_is_array(command) ? count_array(command) : count_words(command);
}

int weft_resp_split(struct weft_view command, struct weft_view *arguments, size_t count,
                    uint8_t *space)
{
    if (weft_resp_is_array(command))
        return split_array(command, arguments, count);
    struct line line = {command.data, command.data + command.size, space};
    for (size_t i = 0; i < count; i++)
        (void)take_word(&line, &arguments[i]);
    return 0;
}
