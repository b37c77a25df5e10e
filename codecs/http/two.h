/* SPDX-License-Identifier: MIT
 *
 * Sends clients that begin with HTTP/2 back to HTTP/1.1. TLS settles that before the first byte, since the codec offers
 * http/1.1 alone there (ALPN). Without TLS a client may begin with the preface of HTTP/2 ("prior knowledge"). It hears
 * HTTP_1_1_REQUIRED for each request (RFC 9113, 7), for which curl sends the request again in HTTP/1.1. No header field
 * is read for that: a frame's header says all. */
#ifndef WEFT_HTTP_TWO_H
#define WEFT_HTTP_TWO_H

#include "core/codec.h"

/* The state of a connection. A zeroed one has seen nothing. */
struct weft__http_two {
    uint32_t skip;  /* bytes of a frame that are still to be dropped */
    uint8_t frames; /* that have come, up to a limit */
    bool begun;     /* the preface has come: the connection is weft__http_two_decode's */
    bool asked;     /* a request has been refused */
};

/* Looks for the preface in the first bytes of a connection. Returns its size, and our first frame is in io->out; 0 if more
 * bytes are needed; 1 if it is none; or -ENOMEM. */
ssize_t weft__http_two_begin(struct weft__http_two *two, struct weft_view in,
                             struct weft_decode_io *io);

/* The decode of a connection that has begun so. */
ssize_t weft__http_two_decode(struct weft__http_two *two, struct weft_view in,
                              struct weft_decode_io *io);

#endif
