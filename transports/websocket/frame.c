/* SPDX-License-Identifier: MIT */
#include "frame.h"

enum { LENGTH_16 = 126, LENGTH_64 = 127 }; /* values of the 7-bit length: the real one follows */

size_t weft__ws_header_size(const uint8_t *header, size_t size)
{
    if (size < 2)
        return 2;
    uint8_t length = header[1] & 0x7f;
    return 2 +
           (length == LENGTH_16   ? 2u
            : length == LENGTH_64 ? 8u
                                  : 0u) +
           (header[1] & 0x80 ? 4u : 0u);
}

void weft__ws_header_read(struct weft__ws_frame *frame, const uint8_t *header)
{
    const uint8_t *p = header + 2;

    *frame = (struct weft__ws_frame){
        .size = header[1] & 0x7f,
        .opcode = header[0] & 0x0f,
        .reserved = header[0] & 0x70,
        .fin = header[0] & 0x80,
        .masked = header[1] & 0x80,
        .minimal = true,
    };
    if (frame->size == LENGTH_16) {
        frame->size = (uint64_t)p[0] << 8 | p[1];
        frame->minimal = frame->size >= LENGTH_16;
        p += 2;
    } else if (frame->size == LENGTH_64) {
        frame->size = (uint64_t)weft_load_be32(p) << 32 | weft_load_be32(p + 4);
        frame->minimal = frame->size > UINT16_MAX && frame->size >> 63 == 0;
        p += 8;
    }
    if (frame->masked)
        memcpy(frame->mask, p, 4);
}

size_t weft__ws_header_write(uint8_t *dst, enum weft__ws_opcode opcode, uint64_t size,
                             const uint8_t *mask)
{
    uint8_t bit = mask ? 0x80 : 0;
    size_t n = 2;

    dst[0] = (uint8_t)(0x80 | opcode);
    if (size < LENGTH_16) {
        dst[1] = (uint8_t)(bit | size);
    } else if (size <= UINT16_MAX) {
        dst[1] = bit | LENGTH_16;
        dst[2] = (uint8_t)(size >> 8);
        dst[3] = (uint8_t)size;
        n = 4;
    } else {
        dst[1] = bit | LENGTH_64;
        weft_store_be32(dst + 2, (uint32_t)(size >> 32));
        weft_store_be32(dst + 6, (uint32_t)size);
        n = 10;
    }
    if (mask) {
        memcpy(dst + n, mask, 4);
        n += 4;
    }
    return n;
}

void weft__ws_mask(uint8_t *dst, const uint8_t *src, size_t size, const uint8_t mask[4],
                   uint64_t at)
{
    uint8_t turned[8];
    uint64_t word, key;
    size_t i = 0;

    for (unsigned k = 0; k < 8; k++)
        turned[k] = mask[(at + k) & 3];
    memcpy(&key, turned, sizeof key);
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, src + i, 8);
        word ^= key;
        memcpy(dst + i, &word, 8);
    }
    for (; i < size; i++)
        dst[i] = src[i] ^ turned[i & 7];
}

bool weft__ws_code_valid(unsigned code)
{
    /* 1004 is reserved, and 1005, 1006 and 1015 are never sent. 1012 to 1014 were registered with IANA after
     * the RFC. The ranges above 3000 belong to libraries and applications. */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
