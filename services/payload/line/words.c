/* SPDX-License-Identifier: MIT */
#include "words.h"

/* The bytes of a word are written to dst, or only counted if that is NULL. */
struct scan {
    const uint8_t *at, *end;
    uint8_t *dst;
    size_t size;
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static void put(struct scan *scan, uint8_t byte)
{
    if (scan->dst)
        scan->dst[scan->size] = byte;
    scan->size++;
}

/* Takes the text up to the closing mark; the opening one was taken. False: nothing closes it. */
static bool take_quoted(struct scan *scan, uint8_t mark)
{
    for (; scan->at < scan->end; scan->at++) {
        uint8_t byte = *scan->at;
        if (byte == mark) {
            scan->at++;
            return true;
        }
        bool escapes = mark == '"' && byte == '\\' && scan->at + 1 < scan->end &&
                       (scan->at[1] == '"' || scan->at[1] == '\\');
        if (escapes)
            byte = *++scan->at;
        put(scan, byte);
    }
    return false;
}

/* Takes a word, up to a blank or the end. Returns NULL, or what is wrong. */
static const char *take_word(struct scan *scan)
{
    while (scan->at < scan->end && !is_blank(*scan->at)) {
        uint8_t byte = *scan->at++;
        if (byte == '\'' || byte == '"') {
            if (!take_quoted(scan, byte))
                return byte == '"' ? "nothing closes the \"" : "nothing closes the '";
            continue;
        }
        if (byte == '\\' && scan->at == scan->end)
            return "nothing follows the \\";
        put(scan, byte == '\\' ? *scan->at++ : byte);
    }
    return NULL;
}

int weft_line_next_word(struct weft_view *line, struct weft_line_word *word, const char **why)
{
    size_t blanks = 0;
    while (blanks < line->size && is_blank(line->data[blanks]))
        blanks++;
    struct weft_view rest = weft_view_skip(*line, blanks);
    if (rest.size == 0 || *rest.data == '#')
        return 0;
    struct scan scan = {.at = rest.data, .end = rest.data + rest.size};
    *why = take_word(&scan);
    if (*why)
        return WEFT_EMALFORMED;
    word->raw = weft_view(rest.data, (size_t)(scan.at - rest.data));
    word->size = scan.size;
    *line = weft_view_skip(rest, word->raw.size);
    return 1;
}

uint8_t *weft_line_put_word(uint8_t *dst, const struct weft_line_word *word)
{
    struct scan scan = {.at = word->raw.data, .end = word->raw.data + word->raw.size, .dst = dst};
    (void)take_word(&scan); /* it was taken once */
    return dst + scan.size;
}
