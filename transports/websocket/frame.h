/* SPDX-License-Identifier: MIT
 *
 * The header of a WebSocket frame (RFC 6455, section 5.2), read and written:
 *
 *      byte 0                 byte 1
 *     | FIN | RSV1-3 | opcode | MASK | length or 126 or 127 | 0, 2 or 8 bytes of length | mask, 4 bytes |
 *
 * These functions are pure. Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_FRAME_H
#define WEFT_WEBSOCKET_FRAME_H

#include <stdbool.h>

#include "core/base/bytes.h"

enum weft__ws_opcode {
    WEFT__WS_CONTINUATION = 0,
    WEFT__WS_TEXT = 1,
    WEFT__WS_BINARY = 2,
    WEFT__WS_CLOSE = 8,
    WEFT__WS_PING = 9,
    WEFT__WS_PONG = 10,
};

/* The codes of a Close frame that are sent here (RFC 6455, section 7.4.1). */
enum {
    WEFT__WS_NORMAL = 1000,
    WEFT__WS_PROTOCOL = 1002,
    WEFT__WS_UNSUPPORTED = 1003,
    WEFT__WS_NO_CODE = 1005, /* stands for a Close frame without a code; never sent */
    WEFT__WS_NOT_UTF8 = 1007,
    WEFT__WS_POLICY = 1008,
};

enum {
    WEFT__WS_HEADER_MAX = 14,
    WEFT__WS_CONTROL_MAX = 125, /* payload of a control frame */
};

struct weft__ws_frame {
    uint64_t size; /* of the payload, in bytes */
    uint8_t opcode;
    uint8_t reserved; /* the bits RSV1 to RSV3, as they stand in byte 0 */
    bool fin, masked;
    bool minimal; /* the length has its shortest form, and its highest bit is 0 */
    uint8_t mask[4];
};

/* Returns the size of the header that begins with the size bytes at header. It is exact if size is at
 * least 2; otherwise the result is 2. */
size_t weft__ws_header_size(const uint8_t *header, size_t size);

/* Reads a whole header. */
void weft__ws_header_read(struct weft__ws_frame *frame, const uint8_t *header);

/* Writes the header of a final frame to dst, which has room for WEFT__WS_HEADER_MAX bytes. mask is its 4
 * bytes, or NULL for a frame that is not masked. Returns the header's size. */
size_t weft__ws_header_write(uint8_t *dst, enum weft__ws_opcode opcode, uint64_t size,
                             const uint8_t *mask);

/* Copies size bytes from src to dst and masks them, or unmasks them, which is the same. at says how many
 * bytes of the payload came before these. dst may equal src. */
void weft__ws_mask(uint8_t *dst, const uint8_t *src, size_t size, const uint8_t mask[4],
                   uint64_t at);

/* True if a Close frame may carry this code. */
bool weft__ws_code_valid(unsigned code);

#endif
