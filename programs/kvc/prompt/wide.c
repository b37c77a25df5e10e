/* SPDX-License-Identifier: MIT */
#include "wide.h"

#include "core/base/mem.h"

enum { FIRST_BYTE_CHARACTER = 0xdc00 };

wchar_t cli_wide_of_byte(uint8_t byte)
{
    return FIRST_BYTE_CHARACTER + byte;
}

/* Returns the length that the first byte of a character promises, or 0 if none begins so. */
static size_t promised_length(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* True if the byte can stand at this place behind `first`. The second byte excludes forms that are
 * too long, surrogates, and what is beyond U+10FFFF. */
static bool can_follow(uint8_t first, size_t place, uint8_t byte)
{
    uint8_t least = 0x80, most = 0xbf;
    if (place == 1) {
        least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : least;
        most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : most;
    }
    return byte >= least && byte <= most;
}

size_t cli_wide_decode(struct weft_view bytes, wchar_t *character)
{
    uint8_t first = bytes.data[0];
    size_t length = promised_length(first);
    uint32_t code = length == 1 ? first : first & (0x7fu >> length);
    *character = cli_wide_of_byte(first);
    for (size_t i = 1; i < length; i++) {
        if (i == bytes.size)
            return 0;
        if (!can_follow(first, i, bytes.data[i]))
            return 1;
        code = code << 6 | (bytes.data[i] & 0x3fu);
    }
    if (length == 0)
        return 1;
    *character = (wchar_t)code;
    return length;
}

wchar_t *cli_wide_copy(struct weft_view bytes)
{
    wchar_t *text = weft_calloc(bytes.size + 1, sizeof *text);
    for (size_t count = 0; text && bytes.size > 0; count++) {
        size_t used = cli_wide_decode(bytes, &text[count]);
        if (used == 0 || text[count] == 0)
            text[count] = cli_wide_of_byte(bytes.data[0]);
        bytes = weft_view_skip(bytes, used > 0 ? used : 1);
    }
    return text;
}

static size_t encode(uint32_t code, uint8_t dst[4])
{
    if (code >= FIRST_BYTE_CHARACTER && code <= FIRST_BYTE_CHARACTER + 0xff) {
        dst[0] = (uint8_t)(code - FIRST_BYTE_CHARACTER);
        return 1;
    }
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        dst[i] = (uint8_t)(0x80 | (code & 0x3f));
    dst[0] = (uint8_t)(marks[length] | code);
    return length;
}

int cli_wide_encode(struct weft_buf *dst, const wchar_t *text, size_t count)
{
    int err = 0;
    for (size_t i = 0; i < count && err == 0; i++) {
        uint8_t bytes[4];
        size_t length = encode((uint32_t)text[i], bytes);
        err = weft_buf_append(dst, weft_view(bytes, length));
    }
    return err;
}
