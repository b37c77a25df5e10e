/* SPDX-License-Identifier: MIT
 *
 * Parts for codecs whose frames begin with four bytes of length, big endian. The codec's decode reads
 * the length itself; these functions do the rest: they refuse and skip a frame that is over the limit,
 * send a frame as it is, and recognise a peer that speaks another protocol. codecs/raw.c is nothing but
 * these parts:
 *
 *     decode:  if (weft_prefix_refused(prefix))
 *                  return weft_prefix_resume(prefix, in, io);
 *              if (in.size < WEFT_PREFIX_SIZE) { io->need = WEFT_PREFIX_SIZE; return 0; }
 *              length = the first four bytes of in
 *              if (length > max_frame)
 *                  return weft_prefix_refuse(prefix, in, length, max_frame, ...);
 *              prefix->begun = true;
 *              the message is the `length` bytes behind the header, once they are there
 *     encode:  if (body->size > max_frame)
 *                  return weft_prefix_too_big(io, body->size, max_frame, "max-frame");
 *              return weft_prefix_encode(body, io);
 *
 * All of them run on the connection's loop, within a slot of the codec. */
#ifndef WEFT_LENGTH_PREFIX_H
#define WEFT_LENGTH_PREFIX_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_PREFIX_SIZE = 4,
    /* An oversize frame of up to this many times max_frame is skipped; a longer one ends the
     * connection. */
    WEFT_PREFIX_SKIP = 4
};

/* The longest length. The top bit is never part of one: length-delimited-gzip uses it as a flag. */
#define WEFT_PREFIX_MAX UINT32_C(0x7fffffff)

/* The state of one connection. A codec's own state is this struct or begins with it. */
struct weft_prefix {
    uint64_t skip; /* bytes of an oversize frame that are still to be dropped */
    uint8_t role;  /* enum weft_role */
    /* True once a header was taken for a frame's: no later one is checked for another protocol. The
     * codec's decode sets it, and so does weft_prefix_refuse. */
    bool begun;
    bool lost;      /* true if the next decode returns WEFT_ELOST */
    bool no_length; /* true if that is because a header said no length at all */
};

/* Serves as the codec's init slot. */
void weft_prefix_init(const struct weft_codec_state *state, enum weft_role role);

/* Sets *max_frame from limits; call it in configure. Returns 0, or WEFT_ECONFIG with *error set if the
 * limit has more than 31 bits. */
WEFT_MUST_USE int weft_prefix_configure(uint32_t *max_frame, const struct weft_limits *limits,
                                        struct weft_error *error);

/* True after weft_prefix_refuse, until the refused frame has been dropped, or for good if the connection
 * has to end. Check this first in decode, and return weft_prefix_resume() if it is true. */
static inline bool weft_prefix_refused(const struct weft_prefix *prefix)
{
    return prefix->skip > 0 || prefix->lost;
}

/* Drops what is left of a refused frame as it arrives, or ends the connection with WEFT_ELOST. Returns
 * a result for decode to return. */
ssize_t weft_prefix_resume(struct weft_prefix *prefix, struct weft_view in,
                           struct weft_decode_io *io);

/* Refuses the frame at the beginning of `in`, which has its whole header and whose length is over
 * max_frame. Returns a result for decode to return, in one of three cases:
 *
 * - The frame is not longer than WEFT_PREFIX_SKIP allows: *msg is TOO_BIG, and the frame is skipped.
 * - It is longer: *msg is TOO_BIG, and the next decode ends the connection with WEFT_ELOST.
 * - It is the first of the connection, and its bytes are another protocol's (weft_first_bytes_check),
 *   or this is a client and it is too long to be skipped: WEFT_EFOREIGN, without a message.
 *
 * `why` becomes msg->why. `codec` is the name of the calling codec, for weft_first_bytes_check. */
ssize_t weft_prefix_refuse(struct weft_prefix *prefix, struct weft_view in, uint32_t length,
                           uint32_t max_frame, const char *why, const char *codec,
                           struct weft_message *msg, struct weft_decode_io *io);

/* Appends the length and the body. The body writes itself in place, or is a blob and appended with
 * weft_chain_append_blob. The caller has checked the size. Returns 0, or -ENOMEM with io->out
 * unchanged. */
WEFT_MUST_USE int weft_prefix_encode(const struct weft_body *body, struct weft_encode_io *io);

/* Sets io->size, io->limit and io->why for an encode that fails, and returns WEFT_ETOOBIG. `why` is
 * static and as core/codec.h has it. */
WEFT_MUST_USE int weft_prefix_too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit,
                                      const char *why);

/* Recognises a peer of another protocol, such as a browser, a redis client or a port scanner, by the
 * first four bytes of a connection. Call it only if these are no length within max_frame, because a
 * legal length may look like text. Returns 0 if they fit no known protocol. WEFT_EFOREIGN: io->detail
 * names the protocol. For protocols in which a server can answer with text (HTTP, RESP), a server also
 * puts an answer into io->out, which names `codec` and which such a peer can show to its user. */
WEFT_MUST_USE int weft_first_bytes_check(const uint8_t first[4], enum weft_role role,
                                         const char *codec, struct weft_decode_io *io);

#ifdef __cplusplus
}
#endif

#endif
