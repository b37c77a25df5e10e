/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "value.h"

static const char hex_digits[] = "0123456789abcdef";

char *weft_line_format_double(double number, char *dst)
{
    static const uint64_t sign = (uint64_t)1 << 63, quiet_nan = 0x7ff8000000000000;
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (isnan(number) && (bits & ~sign) == quiet_nan)
        return strcpy(dst, bits & sign ? "-nan" : "nan");
    if (isnan(number)) {
        (void)snprintf(dst, WEFT_LINE_NUMBER, "nan(0x%016" PRIx64 ")", bits);
        return dst;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(dst, WEFT_LINE_NUMBER, "%.*g", digits, number);
        if (!(strtod(dst, NULL) < number) && !(strtod(dst, NULL) > number))
            break;
    }
    return dst;
}

/* C0 and DEL are one byte, C1 (U+0080 to U+009F) is 0xc2 and the code. Returns its size, or 0. */
static size_t control_at(struct weft_view text, size_t i, uint8_t *code)
{
    *code = text.data[i];
    if (*code < 0x20 || *code == 0x7f)
        return 1;
    if (*code != 0xc2 || i + 1 == text.size || text.data[i + 1] < 0x80 || text.data[i + 1] > 0x9f)
        return 0;
    *code = text.data[i + 1];
    return 2;
}

static size_t put_bytes(uint8_t *dst, const void *bytes, size_t size)
{
    if (dst && size > 0)
        memcpy(dst, bytes, size);
    return size;
}

static size_t put_control(uint8_t *dst, uint8_t code)
{
    char letter = (char)(code == '\n' ? 'n' : code == '\r' ? 'r' : code == '\t' ? 't' : 'x');
    const char bytes[] = {'\\', letter, hex_digits[code >> 4], hex_digits[code & 15]};
    return put_bytes(dst, bytes, letter == 'x' ? 4 : 2);
}

static uint8_t *after(uint8_t *dst, size_t size)
{
    return dst ? dst + size : NULL;
}

/* Returns the size of what comes before the next byte from `at` that has to be escaped. */
static size_t plain_run(struct weft_view text, size_t at, bool exact)
{
    size_t i = at;
    uint8_t code;
    while (i < text.size && !(exact && text.data[i] == '\\') && control_at(text, i, &code) == 0)
        i++;
    return i - at;
}

size_t weft_line_put_text(uint8_t *dst, struct weft_view text, bool exact)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size;) {
        size_t plain = plain_run(text, i, exact);
        size += put_bytes(after(dst, size), text.data + i, plain);
        i += plain;
        if (i == text.size)
            break;
        uint8_t code;
        size_t taken = control_at(text, i, &code);
        size += taken > 0 ? put_control(after(dst, size), code)
                          : put_bytes(after(dst, size), "\\\\", 2);
        i += taken > 0 ? taken : 1;
    }
    return size;
}

static size_t put_hex(uint8_t *dst, struct weft_view bytes)
{
    for (size_t i = 0; dst && i < bytes.size; i++) {
        dst[2 * i] = (uint8_t)hex_digits[bytes.data[i] >> 4];
        dst[2 * i + 1] = (uint8_t)hex_digits[bytes.data[i] & 15];
    }
    return 2 * bytes.size;
}

static size_t put_str(uint8_t *dst, const char *text)
{
    return put_bytes(dst, text, strlen(text));
}

size_t weft_line_put_value(uint8_t *dst, const struct weft_line_value *value)
{
    char number[WEFT_LINE_NUMBER];
    size_t size = 0;
    switch (value->type) {
    case WEFT_LINE_EMPTY:
        return 0;
    case WEFT_LINE_STRING:
        if (value->bytes.size == 0 || weft_line_prefix(value->bytes))
            size = put_str(dst, "str:");
        return size + weft_line_put_text(after(dst, size), value->bytes, true);
    case WEFT_LINE_BINARY:
        size = put_str(dst, "hex:");
        return size + put_hex(after(dst, size), value->bytes);
    case WEFT_LINE_INTEGER:
        (void)snprintf(number, sizeof number, "int:%" PRId64, value->integer);
        return put_str(dst, number);
    case WEFT_LINE_FLOAT:
        size = put_str(dst, "float:");
        return size + put_str(after(dst, size), weft_line_format_double(value->number, number));
    case WEFT_LINE_BOOL:
        return put_str(dst, value->boolean ? "bool:true" : "bool:false");
    }
    return 0;
}
