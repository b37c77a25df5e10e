/* SPDX-License-Identifier: MIT */
#include "rust.h"

enum { ESCAPED_MAX = 8 }; /* "\u{9f}" */

/* The letter behind the backslash, or 0. */
static char short_escape(uint8_t byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\0':
        return '0';
    default:
        return 0;
    }
}

static size_t put_code(uint8_t *dst, uint8_t code)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    dst[n++] = '\\';
    dst[n++] = 'u';
    dst[n++] = '{';
    if (code >= 16)
        dst[n++] = (uint8_t)digits[code >> 4];
    dst[n++] = (uint8_t)digits[code & 15];
    dst[n++] = '}';
    return n;
}

/* Writes the character that text begins with, escaped if it must be; *taken is its own length. Returns
 * how many bytes it wrote. */
static size_t escape(struct weft_view text, uint8_t dst[ESCAPED_MAX], size_t *taken)
{
    uint8_t byte = text.data[0];
    char letter = short_escape(byte);
    *taken = 1;
    if (letter) {
        dst[0] = '\\';
        dst[1] = (uint8_t)letter;
        return 2;
    }
    if (byte < 0x20 || byte == 0x7F)
        return put_code(dst, byte);
    /* U+0080 to U+009F are C2 80 to C2 9F. */
    if (byte == 0xC2 && text.size > 1 && text.data[1] < 0xA0) {
        *taken = 2;
        return put_code(dst, text.data[1]);
    }
    dst[0] = byte;
    return 1;
}

size_t kv_rust_quote(struct weft_view text, uint8_t *dst)
{
    size_t size = 0;
    if (dst)
        dst[size] = '"';
    size++;
    while (text.size > 0) {
        uint8_t escaped[ESCAPED_MAX];
        size_t taken;
        size_t n = escape(text, escaped, &taken);
        if (dst)
            memcpy(dst + size, escaped, n);
        size += n;
        text = weft_view_skip(text, taken);
    }
    if (dst)
        dst[size] = '"';
    return size + 1;
}
