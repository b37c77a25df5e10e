/* SPDX-License-Identifier: MIT */
#include "reader.h"

static enum weft_json_token bad(struct weft_json *json, const char *why)
{
    json->why = why;
    return WEFT_JSON_BAD;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int hex_of(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns the size of the escape at the backslash that text begins with, or 0 if it is none. */
static size_t escape_size(struct weft_view text)
{
    if (text.size < 2 || !memchr("\"\\/bfnrtu", text.data[1], 9))
        return 0;
    if (text.data[1] != 'u')
        return 2;
    for (size_t i = 2; i < 6; i++)
        if (i >= text.size || hex_of(text.data[i]) < 0)
            return 0;
    return 6;
}

static enum weft_json_token read_string(struct weft_json *json)
{
    struct weft_view text = weft_view_skip(json->rest, 1);
    size_t i = 0;
    json->escaped = false;
    while (i < text.size && text.data[i] != '"') {
        size_t step = 1;
        if (text.data[i] < 0x20)
            return bad(json, "a control character in a string");
        if (text.data[i] == '\\') {
            json->escaped = true;
            step = escape_size(weft_view_skip(text, i));
            if (step == 0)
                return bad(json, "a backslash that is no escape");
        }
        i += step;
    }
    if (i >= text.size)
        return bad(json, "a string without an end");
    json->text = weft_view(text.data, i);
    if (!weft_utf8_valid(json->text))
        return bad(json, "a string that is not UTF-8");
    json->rest = weft_view_skip(text, i + 1);
    return WEFT_JSON_STRING;
}

/* Returns the index behind the digits at i. */
static size_t skip_digits(struct weft_view text, size_t i)
{
    while (i < text.size && is_digit(text.data[i]))
        i++;
    return i;
}

static enum weft_json_token read_number(struct weft_json *json)
{
    struct weft_view text = json->rest;
    enum weft_json_token token = WEFT_JSON_INTEGER;
    size_t begin = text.data[0] == '-' ? 1 : 0, i = skip_digits(text, begin);
    bool good = i > begin && (i == begin + 1 || text.data[begin] != '0');
    if (good && i < text.size && text.data[i] == '.') {
        token = WEFT_JSON_REAL;
        begin = i + 1;
        i = skip_digits(text, begin);
        good = i > begin;
    }
    if (good && i < text.size && (text.data[i] | 0x20) == 'e') {
        token = WEFT_JSON_REAL;
        begin = i + 1;
        if (begin < text.size && (text.data[begin] == '+' || text.data[begin] == '-'))
            begin++;
        i = skip_digits(text, begin);
        good = i > begin;
    }
    if (!good)
        return bad(json, "a number that is none");
    json->text = weft_view(text.data, i);
    json->rest = weft_view_skip(text, i);
    return token;
}

static enum weft_json_token read_word(struct weft_json *json)
{
    static const struct {
        const char *word;
        enum weft_json_token token;
    } words[] = {
        {"true", WEFT_JSON_TRUE},    {"false", WEFT_JSON_FALSE}, {"null", WEFT_JSON_NULL},
        {"[", WEFT_JSON_ARRAY},      {"]", WEFT_JSON_ARRAY_END}, {"{", WEFT_JSON_OBJECT},
        {"}", WEFT_JSON_OBJECT_END}, {",", WEFT_JSON_COMMA},     {":", WEFT_JSON_COLON},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i].word);
        if (json->rest.size < size || memcmp(json->rest.data, words[i].word, size) != 0)
            continue;
        json->rest = weft_view_skip(json->rest, size);
        return words[i].token;
    }
    return bad(json, "not JSON");
}

enum weft_json_token weft_json_next(struct weft_json *json)
{
    while (json->rest.size > 0 && memchr(" \t\r\n", json->rest.data[0], 4))
        json->rest = weft_view_skip(json->rest, 1);
    if (json->rest.size == 0)
        return WEFT_JSON_END;
    uint8_t first = json->rest.data[0];
    if (first == '"')
        return read_string(json);
    return first == '-' || is_digit(first) ? read_number(json) : read_word(json);
}

static uint32_t read_unit(const uint8_t *digits)
{
    uint32_t unit = 0;
    for (size_t i = 0; i < 4; i++)
        unit = unit << 4 | (uint32_t)hex_of(digits[i]);
    return unit;
}

/* Writes a character as UTF-8, which is never longer than its escape. */
static size_t put_character(uint8_t *dst, uint32_t c)
{
    if (c < 0x80) {
        dst[0] = (uint8_t)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, c >>= 6)
        dst[i] = (uint8_t)(0x80 | (c & 0x3f));
    dst[0] = (uint8_t)(marks[size] | c);
    return size;
}

/* Reads the \u at the beginning of text, and a second one if the two are one character. Returns how many bytes of
 * text they are, or 0 for half of a pair. */
static size_t read_unicode(struct weft_view text, uint32_t *c)
{
    *c = read_unit(text.data + 2);
    if (*c < 0xd800 || *c > 0xdfff)
        return 6;
    if (*c > 0xdbff || text.size < 12 || text.data[6] != '\\' || text.data[7] != 'u')
        return 0;
    uint32_t low = read_unit(text.data + 8);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

static uint8_t short_escape(uint8_t letter)
{
    static const char letters[] = "bfnrt", codes[] = "\b\f\n\r\t";
    const char *at = memchr(letters, letter, sizeof letters - 1);
    return at ? (uint8_t)codes[at - letters] : letter;
}

ssize_t weft_json_unescape(struct weft_view text, uint8_t *dst)
{
    size_t n = 0;
    while (text.size > 0) {
        size_t step = 1;
        if (text.data[0] != '\\') {
            dst[n++] = text.data[0];
        } else if (text.data[1] != 'u') {
            dst[n++] = short_escape(text.data[1]);
            step = 2;
        } else {
            uint32_t c;
            step = read_unicode(text, &c);
            if (step == 0)
                return WEFT_EMALFORMED;
            n += put_character(dst + n, c);
        }
        text = weft_view_skip(text, step);
    }
    return (ssize_t)n;
}
