/* SPDX-License-Identifier: MIT
 *
 * The head of an HTTP request (RFC 9112): where it ends, and what it says of the message behind it.
 *
 * The scan finds the end of the head and refuses everything that two readers of HTTP could understand
 * differently: lines that do not end with CR LF, lines that go on in the next one, a NUL. It looks at each
 * byte once, however the head arrives. When all of the head is there, llhttp reads it in one go, so no state
 * of a parser has to be kept for a connection. */
#ifndef WEFT_HTTP_HEAD_H
#define WEFT_HTTP_HEAD_H

#include "accept.h"
#include "core/codec.h"

/* The limits of a head, in bytes, and the number of its fields. */
struct weft__http_limits {
    uint32_t line, head, fields;
};

/* The state of a scan. A zeroed one has seen nothing. */
struct weft__http_scan {
    uint32_t line; /* where the line begins whose end has not been found */
    uint32_t seen; /* bytes that were searched; once the head is whole, its size */
    uint32_t fields;
    uint32_t credentials,
        credentials_size;   /* the value of Authorization, from the head's first byte */
    uint8_t hosts, codings; /* fields of these names, up to 2 */
    bool strange_coding;    /* a transfer coding that is not exactly "chunked" */
    bool expects;           /* Expect: 100-continue */
    bool twice;             /* Authorization came more than once */
    struct weft__http_accepts accepts;
};

/* Goes on with the scan. `in` begins with the head. Returns 1 if the head is whole, 0 if more bytes are
 * needed. -1: the head is refused, and *msg says why; where the message ends is then not known. */
int weft__http_scan(struct weft__http_scan *scan, struct weft_view in,
                    const struct weft__http_limits *limits, struct weft_message *msg);

struct weft__http_head {
    uint64_t length; /* of the body; 0 with chunked */
    bool chunked;
    bool is_head; /* the method is HEAD, so the reply has no body */
    bool is_old;  /* HTTP/1.0 */
    bool keeps;   /* the connection stays open behind the reply */
};

/* Reads a head that the scan found whole. Returns NULL, or static text that says why it is refused. */
const char *weft__http_read_head(const struct weft__http_scan *scan, struct weft_view head,
                                 struct weft__http_head *out);

/* Makes *msg a bad message. `size` is for TOO_BIG alone. */
void weft__http_refuse(struct weft_message *msg, enum weft_message_status status, const char *why,
                       uint64_t size, uint64_t limit);

#endif
