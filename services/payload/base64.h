/* SPDX-License-Identifier: MIT
 *
 * Base64 as RFC 4648, section 4, has it: padded, one line. Any thread; allocates nothing. */
#ifndef WEFT_BASE64_H
#define WEFT_BASE64_H

#include <sys/types.h>

#include "core/base/bytes.h"

/* Returns the size of the base64 of `size` bytes. */
static inline size_t weft_base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* Writes the base64 of bytes and returns the byte behind it. */
uint8_t *weft_base64_put(uint8_t *dst, struct weft_view bytes);

/* Reads text strictly: it is padded to a multiple of four, and the bits that the padding leaves over are zero, so
 * that each value has one spelling. dst has room for text.size / 4 * 3 bytes. Returns how many it wrote, or
 * WEFT_EMALFORMED. */
WEFT_MUST_USE ssize_t weft_base64_read(struct weft_view text, uint8_t *dst);

#endif
