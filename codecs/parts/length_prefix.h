/* SPDX-License-Identifier: MIT
 *
 * What codecs with four bytes of length in front have in common: frames over the limit, and frames
 * sent as they are. */
#ifndef WEFT_LENGTH_PREFIX_H
#define WEFT_LENGTH_PREFIX_H

#include "core/codec.h"

enum {
    WEFT__PREFIX_SIZE = 4,
    WEFT__PREFIX_SKIP = 4 /* frames of up to so many times max_frame are skipped */
};

/* The longest length: the top bit is not part of one in either codec. */
#define WEFT__PREFIX_MAX UINT32_C(0x7fffffff)

/* The state of one connection. */
struct weft__prefix {
    uint64_t skip; /* bytes of an oversize frame that are still to be dropped */
    uint8_t role;
    bool begun; /* a header has been taken: what comes is frames and no other protocol */
    bool lost;  /* the next decode says WEFT_ELOST */
};

/* The codecs' init slot; the connection's state must be (or begin with) a struct weft__prefix. */
void weft__prefix_init(const struct weft_codec_state *state, enum weft_role role);

/* True while the last frame was refused and decode is to return weft__prefix_resume(). */
static inline bool weft__prefix_refused(const struct weft__prefix *prefix)
{
    return prefix->skip > 0 || prefix->lost;
}

/* Goes on after weft__prefix_refuse: drops what is left of the frame as it arrives, or ends the
 * connection. Returns what decode returns. */
ssize_t weft__prefix_resume(struct weft__prefix *prefix, struct weft_view in,
                            struct weft_decode_io *io);

/* `in` begins with a header whose length is over max_frame. Refuses it as another protocol's first
 * bytes, or with a message; then skips the frame if it is of moderate size and the connection
 * lives, else ends it. `why` goes into the message, `codec` into the words for a foreign peer.
 * Returns what decode returns. */
ssize_t weft__prefix_refuse(struct weft__prefix *prefix, struct weft_view in, uint32_t length,
                            uint32_t max_frame, const char *why, const char *codec,
                            struct weft_message *msg, struct weft_decode_io *io);

/* Appends length and body: written in place, or a blob by reference. The size has been checked.
 * -ENOMEM: io->out is unchanged. */
WEFT_MUST_USE int weft__prefix_encode(const struct weft_body *body, struct weft_encode_io *io);

/* WEFT_ETOOBIG, and io says what was over which limit. */
WEFT_MUST_USE int weft__prefix_too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit,
                                       const char *why);

/* Reads max_frame, which must fit 31 bits. WEFT_ECONFIG. */
WEFT_MUST_USE int weft__prefix_configure(uint32_t *max_frame, const struct weft_limits *limits,
                                         struct weft_error *error);

#endif
