/* SPDX-License-Identifier: MIT
 *
 * Writes the parts of replies in RESP2 and RESP3. Each `_size` function returns the bytes that its `put` function
 * writes, and each put returns the byte after them. Any thread; nothing is allocated. */
#ifndef WEFT_RESP_WRITER_H
#define WEFT_RESP_WRITER_H

#include "core/base/bytes.h"

/* The marks that heads begin with: `*3\r\n` is the head of an array of three. Bulk strings, arrays, maps,
 * sets and pushes are of a size; the number of an integer is the value itself. */
enum weft_resp_mark {
    WEFT_RESP_INTEGER = ':',
    WEFT_RESP_BULK = '$',
    WEFT_RESP_ARRAY = '*',
    WEFT_RESP_MAP = '%', /* RESP3: of pairs */
    WEFT_RESP_SET = '~', /* RESP3 */
    WEFT_RESP_PUSH = '>' /* RESP3: an array that answers no command */
};

enum { WEFT_RESP_HEAD_MAX = 24 }; /* the most bytes of a head */

static inline size_t weft_resp_digits(uint64_t number)
{
    size_t digits = 1;
    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

static inline size_t weft_resp_head_size(int64_t number)
{
    uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
    size_t sign = number < 0;
    return 1 + sign + weft_resp_digits(magnitude) + 2;
}

static inline uint8_t *weft_resp_put_digits(uint8_t *dst, uint64_t number)
{
    uint8_t *end = dst + weft_resp_digits(number), *at = end;
    do {
        *--at = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

static inline uint8_t *weft_resp_put_line_end(uint8_t *dst)
{
    dst[0] = '\r';
    dst[1] = '\n';
    return dst + 2;
}

static inline uint8_t *weft_resp_put_head(uint8_t *dst, enum weft_resp_mark mark, int64_t number)
{
    *dst++ = (uint8_t)mark;
    if (number < 0)
        *dst++ = '-';
    dst = weft_resp_put_digits(dst, number < 0 ? -(uint64_t)number : (uint64_t)number);
    return weft_resp_put_line_end(dst);
}

static inline size_t weft_resp_bulk_size(size_t size)
{
    return weft_resp_head_size((int64_t)size) + size + 2;
}

static inline uint8_t *weft_resp_put_bulk(uint8_t *dst, struct weft_view bytes)
{
    dst = weft_resp_put_head(dst, WEFT_RESP_BULK, (int64_t)bytes.size);
    if (bytes.size > 0)
        memcpy(dst, bytes.data, bytes.size);
    return weft_resp_put_line_end(dst + bytes.size);
}

#endif
