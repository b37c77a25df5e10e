/* SPDX-License-Identifier: MIT */
#include "frame.h"

void weft__yamux_put_header(uint8_t *dst, enum weft__yamux_type type, unsigned flags, uint32_t id,
                            uint32_t length)
{
    dst[0] = WEFT__YAMUX_VERSION;
    dst[1] = (uint8_t)type;
    dst[2] = (uint8_t)(flags >> 8);
    dst[3] = (uint8_t)flags;
    weft_store_be32(dst + 4, id);
    weft_store_be32(dst + 8, length);
}

struct weft__yamux_header weft__yamux_get_header(const uint8_t *src)
{
    return (struct weft__yamux_header){
        .version = src[0],
        .type = src[1],
        .flags = (uint16_t)(src[2] << 8 | src[3]),
        .id = weft_load_be32(src + 4),
        .length = weft_load_be32(src + 8),
    };
}
