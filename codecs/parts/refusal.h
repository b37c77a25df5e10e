/* SPDX-License-Identifier: MIT
 *
 * Refuses frames whose length may have any form. length_prefix.h does this for a length of four bytes. The
 * state is a struct weft_prefix too: once a function here has refused a frame, weft_prefix_refused is true,
 * and the following decodes return weft_prefix_resume(). A frame is skipped if its bytes are dropped as
 * they arrive and the connection lives on. Private to codecs/. */
#ifndef WEFT__REFUSAL_H
#define WEFT__REFUSAL_H

#include "codecs/length_prefix.h"

/* A frame that is over a limit. All of its header has come. */
struct weft__oversize {
    size_t header;        /* bytes of the header */
    uint64_t rest;        /* bytes of the frame behind the header */
    uint64_t size, limit; /* these and `why` become those of struct weft_message */
    const char *why;
    bool beyond; /* true if the frame is too long to be skipped */
};

/* True if a frame of `size` bytes is too long to be skipped under a limit of `limit` bytes. */
static inline bool weft__is_beyond_skipping(uint64_t size, uint64_t limit)
{
    return size > WEFT_PREFIX_SKIP * limit;
}

/* Refuses a frame: *msg is TOO_BIG. The frame is skipped. If it is too long for that, the next decode ends
 * the connection. But if the first frame that a client receives is too long to be skipped, the server
 * probably speaks another protocol, and the result is WEFT_EFOREIGN without a message. decode returns the
 * result of this function. */
ssize_t weft__refuse_oversize(struct weft_prefix *prefix, const struct weft__oversize *frame,
                              struct weft_message *msg, struct weft_decode_io *io);

/* Refuses a header that is no length at all, such as a varint of more than 64 bits. *msg is MALFORMED with
 * the static text `why`. The next decode ends the connection, because nobody knows where the frame ends.
 * decode returns the result of this function. */
ssize_t weft__refuse_length(struct weft_prefix *prefix, const char *why, struct weft_message *msg);

#endif
