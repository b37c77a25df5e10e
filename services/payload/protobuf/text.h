/* SPDX-License-Identifier: MIT
 *
 * What proto3 demands of a string. Any thread. */
#ifndef WEFT_PROTOBUF_TEXT_H
#define WEFT_PROTOBUF_TEXT_H

#include "core/base/bytes.h"

/* As weft_utf8_valid. Keys and names of tables are mostly short and plain: two words that overlap
 * hold them. */
static inline bool weft_pb_is_text(struct weft_view text)
{
    const uint64_t high_bits = 0x8080808080808080u;
    const uint8_t *p = text.data;
    size_t size = text.size;
    if (size >= 8 && size <= 16 &&
        ((weft_load_native(p, 8) | weft_load_native(p + size - 8, 8)) & high_bits) == 0)
        return true;
    if (size >= 4 && size < 8 &&
        ((weft_load_native(p, 4) | weft_load_native(p + size - 4, 4)) & high_bits) == 0)
        return true;
    return weft_utf8_valid(text);
}

#endif
