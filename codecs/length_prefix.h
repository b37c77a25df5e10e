/* SPDX-License-Identifier: MIT
 *
 * Parts for codecs whose frames begin with four bytes of length, big endian: frames over the limit,
 * frames sent as they are, and peers of other protocols. codecs/raw.c is made of them. */
#ifndef WEFT_LENGTH_PREFIX_H
#define WEFT_LENGTH_PREFIX_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_PREFIX_SIZE = 4,
    WEFT_PREFIX_SKIP = 4 /* frames of up to this many times max_frame are skipped */
};

/* The longest length. The top bit is never part of one: length-delimited-gzip uses it as a flag. */
#define WEFT_PREFIX_MAX UINT32_C(0x7fffffff)

/* The state of one connection. A codec's own state is this struct or begins with it. */
struct weft_prefix {
    uint64_t skip; /* bytes of an oversize frame that are still to be dropped */
    uint8_t role;  /* enum weft_role */
    bool begun;    /* a header was taken, so what follows is frames and no other protocol; decode
                      sets it */
    bool lost;     /* the next decode returns WEFT_ELOST */
};

/* The codec's init slot. */
void weft_prefix_init(const struct weft_codec_state *state, enum weft_role role);

/* Reads max_frame from limits, in configure. Returns 0, or WEFT_ECONFIG if it has more than 31 bits. */
WEFT_MUST_USE int weft_prefix_configure(uint32_t *max_frame, const struct weft_limits *limits,
                                        struct weft_error *error);

/* True while the rest of a refused frame is to be dropped, or the connection to be ended: decode
 * returns weft_prefix_resume() then. */
static inline bool weft_prefix_refused(const struct weft_prefix *prefix)
{
    return prefix->skip > 0 || prefix->lost;
}

/* Goes on after weft_prefix_refuse: drops what is left of the frame as it arrives, or ends the
 * connection. Returns what decode returns. */
ssize_t weft_prefix_resume(struct weft_prefix *prefix, struct weft_view in,
                           struct weft_decode_io *io);

/* Refuses the frame at the beginning of `in`, whose length is over max_frame. The first bytes of a
 * connection end it if they are another protocol's or, on a client, if the frame is too long to be
 * skipped. Otherwise a message says that the frame is too big,
 * and the frame is skipped, or ends the connection if it is over WEFT_PREFIX_SKIP times max_frame.
 * `why` goes into the message, and `codec`, this codec's name, into the answer for a foreign peer.
 * Returns what decode returns. */
ssize_t weft_prefix_refuse(struct weft_prefix *prefix, struct weft_view in, uint32_t length,
                           uint32_t max_frame, const char *why, const char *codec,
                           struct weft_message *msg, struct weft_decode_io *io);

/* Appends the length and the body, which is written in place or, if it is a blob, referred to. The
 * caller has checked the size. Returns 0, or -ENOMEM with io->out unchanged. */
WEFT_MUST_USE int weft_prefix_encode(const struct weft_body *body, struct weft_encode_io *io);

/* Notes in io which size is over which limit, and returns WEFT_ETOOBIG. `why` is static. */
WEFT_MUST_USE int weft_prefix_too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit,
                                      const char *why);

/* Recognises a peer of another protocol, such as a browser, a redis client or a port scanner, by the
 * first four bytes of a connection. Ask only if they are no legal length. Returns 0 if they are nothing
 * we know. WEFT_EFOREIGN: io->detail names the protocol as core/codec.h has it,
 * and a server's io->out has a line that such a peer can show to its user, which names `codec`, if
 * the protocol has room for one. */
WEFT_MUST_USE int weft_first_bytes_check(const uint8_t first[4], enum weft_role role,
                                         const char *codec, struct weft_decode_io *io);

#ifdef __cplusplus
}
#endif

#endif
