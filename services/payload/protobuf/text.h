/* SPDX-License-Identifier: MIT
 *
 * The rule of proto3 for strings: they are UTF-8. Any thread. */
#ifndef WEFT_PROTOBUF_TEXT_H
#define WEFT_PROTOBUF_TEXT_H

#include "core/base/bytes.h"

/* Returns what weft_utf8_valid does. Keys and names of tables are mostly ASCII of 4 to 16 bytes, which
 * two words that overlap cover. */
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
