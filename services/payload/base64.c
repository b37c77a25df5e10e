/* SPDX-License-Identifier: MIT */
#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes three bytes, or the one or two that are left, as four digits. */
static void encode(const uint8_t *bytes, size_t left, uint8_t *dst)
{
    uint32_t bits = (uint32_t)bytes[0] << 16;
    bits |= left > 1 ? (uint32_t)bytes[1] << 8 : 0;
    bits |= left > 2 ? bytes[2] : 0;
    dst[0] = (uint8_t)alphabet[bits >> 18];
    dst[1] = (uint8_t)alphabet[bits >> 12 & 63];
    dst[2] = (uint8_t)(left > 1 ? alphabet[bits >> 6 & 63] : '=');
    dst[3] = (uint8_t)(left > 2 ? alphabet[bits & 63] : '=');
}

uint8_t *weft_base64_put(uint8_t *dst, struct weft_view bytes)
{
    for (size_t i = 0; i < bytes.size; i += 3, dst += 4)
        encode(bytes.data + i, bytes.size - i, dst);
    return dst;
}

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* dst has room for all digits of text. False: not base64. */
static bool decode(struct weft_view digits, uint8_t *dst)
{
    uint32_t bits = 0, mask = 0xff;
    unsigned count = 0;
    for (size_t i = 0; i < digits.size; i++) {
        int digit = digit_of(digits.data[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *dst++ = (uint8_t)(bits >> count & mask);
        }
    }
    return (bits & ((1u << count) - 1)) == 0;
}

ssize_t weft_base64_read(struct weft_view text, uint8_t *dst)
{
    size_t pad = 0;
    if (text.size % 4 != 0)
        return WEFT_EMALFORMED;
    while (pad < 2 && pad < text.size && text.data[text.size - 1 - pad] == '=')
        pad++;
    if (!decode(weft_view(text.data, text.size - pad), dst))
        return WEFT_EMALFORMED;
    return (ssize_t)(text.size / 4 * 3 - pad);
}
