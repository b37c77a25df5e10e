/* SPDX-License-Identifier: MIT
 *
 * A request's body in chunks (RFC 9112, 7.1). The walk goes from one chunk's head to the next and does not
 * read what lies between. When the last chunk has come, the body is copied together once. */
#ifndef WEFT_HTTP_CHUNKS_H
#define WEFT_HTTP_CHUNKS_H

#include "head.h"

/* The place of the walk. A zeroed one stands at the body's first byte. */
struct weft__http_chunks {
    uint64_t
        at; /* where the next chunk's head begins; once the walk is over, the size on the wire */
    uint64_t data; /* bytes of the chunks before it */
    uint32_t trailers, trailer_bytes;
    bool behind; /* the last chunk has been passed, and its trailers are read */
};

/* Goes on with the walk. `in` begins with the body. max is the most bytes that the body may have, and its
 * chunks' heads and trailers may have limits->head bytes more than the body. Returns 1 if the body is whole;
 * 0 if more bytes are needed, and *need is the size of `in` at which to call again, or 0 if it is not known.
 * -1: the body is refused, and *msg says why; where it ends is then not known. */
int weft__http_walk_chunks(struct weft__http_chunks *chunks, struct weft_view in, uint64_t max,
                           const struct weft__http_limits *limits, struct weft_message *msg,
                           size_t *need);

/* Copies the data of the chunks, which the walk has found whole, to dst: chunks->data bytes. */
void weft__http_copy_chunks(struct weft_view in, uint8_t *dst);

#endif
