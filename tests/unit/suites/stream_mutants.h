/* SPDX-License-Identifier: MIT
 *
 * The protocol of stream_mutants: frames of a type, a stream, a size and as many bytes. A client has `room` for a shut
 * connection's answers, and may send CREDIT bytes of each request before it has more credit. */
#ifndef TEST_STREAM_MUTANTS_H
#define TEST_STREAM_MUTANTS_H

#include "suites/codec_suite.h"

enum { FRAME_HEADER = 9, CREDIT = 64 << 10 };

enum frame_type {
    /* of a client */
    BEGIN = 'B',
    MESSAGE = 'M',
    END = 'E',
    RESET = 'R',
    WINDOW = 'W', /* so many bytes more of the stream's answer may come */
    SHUT = 'S',   /* the streams that follow have no window at first */
    OK = 'O',     /* the answer to SOON */
    /* of a server */
    REPLY = 'm',
    LAST = 'e',
    MORE = 'c', /* so many bytes more of the request may come */
    SOON = 's',
    GONE = 'g'
};

struct frame {
    uint8_t type;
    uint32_t stream, size;
};

static inline struct frame frame_at(const uint8_t *bytes)
{
    return (struct frame){bytes[0], weft_load_be32(bytes + 1), weft_load_be32(bytes + 5)};
}

static inline void frame_header(uint8_t *dst, enum frame_type type, uint32_t stream, size_t size)
{
    dst[0] = (uint8_t)type;
    weft_store_be32(dst + 1, stream);
    weft_store_be32(dst + 5, (uint32_t)size);
}

extern const struct weft_codec_suite_peer stream_mutants_peer;

#endif
