/* SPDX-License-Identifier: MIT
 *
 * Refuses frames whose length is of any form, as length_prefix.h does for those with four bytes of
 * length. The state is a struct weft_prefix: after both functions here weft_prefix_refused is true, and
 * weft_prefix_resume goes on. Private to codecs/. */
#ifndef WEFT__REFUSAL_H
#define WEFT__REFUSAL_H

#include "codecs/length_prefix.h"

/* A frame over a limit, whose whole header has come. */
struct weft__oversize {
    size_t header;        /* bytes of the header */
    uint64_t rest;        /* bytes of the frame behind it */
    uint64_t size, limit; /* as in struct weft_message, and so is `why` */
    const char *why;
    bool beyond; /* it is too long to be skipped */
};

/* True if a frame of `size` bytes is too long to be skipped where `limit` is allowed. */
static inline bool weft__is_beyond_skipping(uint64_t size, uint64_t limit)
{
    return size > WEFT_PREFIX_SKIP * limit;
}

/* Refuses a frame: *msg is TOO_BIG. The frame is skipped or, if it is beyond that, the next decode ends
 * the connection. A client whose first frame is beyond skipping takes its server for one that speaks
 * something else: WEFT_EFOREIGN, without a message. Returns a result for decode to return. */
ssize_t weft__refuse_oversize(struct weft_prefix *prefix, const struct weft__oversize *frame,
                              struct weft_message *msg, struct weft_decode_io *io);

/* Refuses a header that says no length at all: *msg is MALFORMED with the static text `why`, and the next
 * decode ends the connection, since nobody knows where the frame does. Returns a result for decode to
 * return. */
ssize_t weft__refuse_length(struct weft_prefix *prefix, const char *why, struct weft_message *msg);

#endif
