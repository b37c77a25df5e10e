/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include "services/payload/base64.h"

/* C0, DEL, C1 (U+0080 to U+009F, which UTF-8 writes as 0xc2 and the code), and what delimits a string.
 * Returns the size of such a character at i, or 0. */
static size_t special_at(struct weft_view text, size_t i, uint8_t *code)
{
    *code = text.data[i];
    if (*code < 0x20 || *code == '"' || *code == '\\' || *code == 0x7f)
        return 1;
    if (*code != 0xc2 || i + 1 == text.size || text.data[i + 1] > 0x9f)
        return 0;
    *code = text.data[i + 1];
    return 2;
}

size_t weft_json_plain(struct weft_view text)
{
    uint8_t code;
    size_t i = 0;
    while (i < text.size && special_at(text, i, &code) == 0)
        i++;
    return i;
}

size_t weft_json_escape(struct weft_view text, uint8_t dst[WEFT_JSON_ESCAPE_MAX], size_t *taken)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    static const char digits[] = "0123456789abcdef";
    uint8_t code;
    *taken = special_at(text, 0, &code);
    dst[0] = '\\';
    dst[1] = code;
    if (code == '"' || code == '\\')
        return 2;
    if (code < sizeof letters && letters[code]) {
        dst[1] = (uint8_t)letters[code];
        return 2;
    }
    memcpy(dst + 1, "u00", 3);
    dst[4] = (uint8_t)digits[code >> 4];
    dst[5] = (uint8_t)digits[code & 15];
    return 6;
}

/* dst NULL: only measures. */
static size_t write_string(struct weft_view text, uint8_t *dst)
{
    uint8_t escape[WEFT_JSON_ESCAPE_MAX];
    size_t size = 0;
    if (dst)
        dst[size] = '"';
    size++;
    while (text.size > 0) {
        size_t plain = weft_json_plain(text), taken = 0, n;
        if (dst && plain > 0)
            memcpy(dst + size, text.data, plain);
        size += plain;
        text = weft_view_skip(text, plain);
        if (text.size == 0)
            break;
        n = weft_json_escape(text, escape, &taken);
        if (dst)
            memcpy(dst + size, escape, n);
        size += n;
        text = weft_view_skip(text, taken);
    }
    if (dst)
        dst[size] = '"';
    return size + 1;
}

size_t weft_json_string_size(struct weft_view text)
{
    return write_string(text, NULL);
}

uint8_t *weft_json_put_string(uint8_t *dst, struct weft_view text)
{
    return dst + write_string(text, dst);
}

size_t weft_json_base64_size(size_t size)
{
    return weft_base64_size(size) + 2;
}

uint8_t *weft_json_put_base64(uint8_t *dst, struct weft_view bytes)
{
    *dst++ = '"';
    dst = weft_base64_put(dst, bytes);
    *dst++ = '"';
    return dst;
}
