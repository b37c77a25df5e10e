/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/payload/base64.h"

enum { NUMBER_MAX = 1024 }; /* characters of a number that is read, its NUL included */

/* Each reads what stands behind its prefix. It returns NULL, or what is wrong. */
typedef const char *read_form(struct weft_view text, uint8_t *dst, struct weft_line_value *value);

static const char *read_string(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    (void)dst;
    if (!weft_utf8_valid(text))
        return "not valid UTF-8; use hex: or base64: for binary";
    *value = (struct weft_line_value){.type = WEFT_LINE_STRING, .bytes = text};
    return NULL;
}

/* Copies the text of a number as a C string. strtoll(3) and strtod(3) skip leading blanks, which no value
 * has. */
static bool copy_number(struct weft_view text, char dst[NUMBER_MAX])
{
    if (text.size == 0 || text.size >= NUMBER_MAX || memchr(text.data, '\0', text.size))
        return false;
    memcpy(dst, text.data, text.size);
    dst[text.size] = '\0';
    return !strchr(" \t\n\v\f\r", *dst);
}

static const char *read_int(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    (void)dst;
    char copy[NUMBER_MAX], *end = copy;
    if (!copy_number(text, copy))
        return "not an integer";
    errno = 0;
    long long integer = strtoll(copy, &end, 10);
    if (*end != '\0')
        return "not an integer";
    if (errno == ERANGE)
        return "out of range: from -9223372036854775808 to 9223372036854775807";
    *value = (struct weft_line_value){.type = WEFT_LINE_INTEGER, .integer = integer};
    return NULL;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* strtod(3) reads bits in parentheses as it likes, so they are read here: all 64, or none. */
static const char *read_nan(const char *text, struct weft_line_value *value)
{
    unsigned long long bits = 0;
    int length = 0;
    bool read = strlen(text) == sizeof "nan(0x7ff8000000000001)" - 1 &&
                strspn(text + 6, "0123456789abcdef") == 16 &&
                sscanf(text, "nan(0x%16llx)%n", &bits, &length) == 1 && length > 0;
    if (!read || !isnan(double_of(bits)))
        return "not a NaN with its bits, as nan(0x7ff8000000000001)";
    *value = (struct weft_line_value){.type = WEFT_LINE_FLOAT, .number = double_of(bits)};
    return NULL;
}

static const char *read_float(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    (void)dst;
    char copy[NUMBER_MAX], *end = copy;
    if (!copy_number(text, copy))
        return "not a number";
    if (strchr(copy, '('))
        return read_nan(copy, value);
    errno = 0;
    double number = strtod(copy, &end);
    if (*end != '\0')
        return "not a number";
    if (errno == ERANGE && isinf(number))
        return "out of range: up to 1.7976931348623157e+308, or inf";
    *value = (struct weft_line_value){.type = WEFT_LINE_FLOAT, .number = number};
    return NULL;
}

static const char *read_bool(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    (void)dst;
    bool is_true = weft_view_equal(text, weft_view_str("true"));
    if (!is_true && !weft_view_equal(text, weft_view_str("false")))
        return "not true or false";
    *value = (struct weft_line_value){.type = WEFT_LINE_BOOL, .boolean = is_true};
    return NULL;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const char *read_hex(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    if (text.size % 2 != 0)
        return "an odd number of hex digits";
    for (size_t i = 0; i < text.size / 2; i++) {
        int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return "not hex digits";
        dst[i] = (uint8_t)(high << 4 | low);
    }
    *value =
        (struct weft_line_value){.type = WEFT_LINE_BINARY, .bytes = weft_view(dst, text.size / 2)};
    return NULL;
}

static const char *read_base64(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    ssize_t size = weft_base64_read(text, dst);
    if (size < 0)
        return "not base64 (RFC 4648: A-Z a-z 0-9 + /, padded with =)";
    *value =
        (struct weft_line_value){.type = WEFT_LINE_BINARY, .bytes = weft_view(dst, (size_t)size)};
    return NULL;
}

static const char *read_empty(struct weft_view text, uint8_t *dst, struct weft_line_value *value)
{
    (void)dst;
    if (text.size > 0)
        return "an empty value has no text";
    *value = (struct weft_line_value){.type = WEFT_LINE_EMPTY};
    return NULL;
}

static const struct form {
    const char *prefix;
    read_form *read;
} forms[] = {
    {"str:", read_string}, {"int:", read_int},       {"float:", read_float}, {"bool:", read_bool},
    {"hex:", read_hex},    {"base64:", read_base64}, {"empty:", read_empty},
};

enum { FORMS = sizeof forms / sizeof *forms };

static bool begins(struct weft_view text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.size >= length && memcmp(text.data, prefix, length) == 0;
}

static const struct form *form_of(struct weft_view text)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (begins(text, forms[i].prefix))
            return &forms[i];
    }
    return NULL;
}

const char *weft_line_prefix(struct weft_view text)
{
    const struct form *form = form_of(text);
    return form ? form->prefix : NULL;
}

const char *weft_line_prefix_at(size_t i)
{
    return i < FORMS ? forms[i].prefix : NULL;
}

/* Returns the form of text and sets *text to what that reads. */
static const struct form *take_form(const char *prefix, struct weft_view *text)
{
    const struct form *form = form_of(prefix ? weft_view_str(prefix) : *text);
    if (!form)
        return &forms[0];
    if (!prefix)
        *text = weft_view_skip(*text, strlen(form->prefix));
    return form;
}

size_t weft_line_value_room(const char *prefix, struct weft_view text)
{
    const struct form *form = take_form(prefix, &text);
    if (form->read == read_hex)
        return text.size / 2;
    return form->read == read_base64 ? text.size / 4 * 3 : 0;
}

int weft_line_read_value(const char *prefix, struct weft_view text, uint8_t *dst,
                         struct weft_line_value *value, const char **why)
{
    const struct form *form = take_form(prefix, &text);
    *why = form->read(text, dst, value);
    return *why ? WEFT_EMALFORMED : 0;
}
