/* SPDX-License-Identifier: MIT
 *
 * Writes protobuf fields into memory that the caller has measured: for each `put` there is a `size`
 * that returns how many bytes it writes. Varints and tags are minimal. Every `put` returns the byte
 * after what it wrote. Any thread; nothing fails. */
#ifndef WEFT_PROTOBUF_WRITER_H
#define WEFT_PROTOBUF_WRITER_H

#include "core/base/bytes.h"
#include "wire.h"

enum { WEFT_PB_VARINT_MAX = 10 }; /* bytes of the longest varint */

static inline size_t weft_pb_varint_size(uint64_t value)
{
    /* A byte holds seven bits, so this is a seventh of the value's length in bits, rounded up. */
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits * 37 + 222) >> 8;
}

static inline uint8_t *weft_pb_put_varint(uint8_t *dst, uint64_t value)
{
    while (value >= 0x80) {
        *dst++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *dst++ = (uint8_t)value;
    return dst;
}

/* Tag and value of a varint field. */
static inline size_t weft_pb_uint_size(uint32_t number, uint64_t value)
{
    return weft_pb_varint_size((uint64_t)number << 3) + weft_pb_varint_size(value);
}

static inline uint8_t *weft_pb_put_uint(uint8_t *dst, uint32_t number, uint64_t value)
{
    dst = weft_pb_put_varint(dst, (uint64_t)number << 3 | WEFT_PB_VARINT);
    return weft_pb_put_varint(dst, value);
}

/* Tag and length of a string, bytes or message field whose contents, size bytes, follow. */
static inline size_t weft_pb_head_size(uint32_t number, size_t size)
{
    return weft_pb_varint_size((uint64_t)number << 3) + weft_pb_varint_size(size);
}

static inline uint8_t *weft_pb_put_head(uint8_t *dst, uint32_t number, size_t size)
{
    dst = weft_pb_put_varint(dst, (uint64_t)number << 3 | WEFT_PB_LENGTH);
    return weft_pb_put_varint(dst, size);
}

/* A whole string, bytes or message field: tag, length and contents. */
static inline size_t weft_pb_bytes_size(uint32_t number, size_t size)
{
    return weft_pb_head_size(number, size) + size;
}

static inline uint8_t *weft_pb_put_bytes(uint8_t *dst, uint32_t number, struct weft_view bytes)
{
    dst = weft_pb_put_head(dst, number, bytes.size);
    if (bytes.size > 0)
        memcpy(dst, bytes.data, bytes.size);
    return dst + bytes.size;
}

/* A proto3 string or bytes field outside of a oneof, which is left out if it is empty. */
static inline size_t weft_pb_text_size(uint32_t number, size_t size)
{
    return size == 0 ? 0 : weft_pb_bytes_size(number, size);
}

static inline uint8_t *weft_pb_put_text(uint8_t *dst, uint32_t number, struct weft_view text)
{
    return text.size == 0 ? dst : weft_pb_put_bytes(dst, number, text);
}

/* Writes a field of eight bytes: a fixed64, or the bits of a double. */
static inline uint8_t *weft_pb_put_fixed64(uint8_t *dst, uint32_t number, uint64_t value)
{
    dst = weft_pb_put_varint(dst, (uint64_t)number << 3 | WEFT_PB_FIXED64);
    for (int i = 0; i < 8; i++)
        *dst++ = (uint8_t)(value >> 8 * i);
    return dst;
}

#endif
