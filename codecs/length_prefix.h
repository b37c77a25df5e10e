/* SPDX-License-Identifier: MIT
 *
 * Parts for codecs whose frames begin with four bytes of length, big endian. The codec's decode reads
 * the length itself, and these functions do the rest. They refuse a frame that is over the limit and drop
 * its bytes as they arrive (it is skipped), append a frame, and recognise a peer that speaks another
 * protocol. codecs/raw.c is little more than these parts:
 *
 *     decode:  if (weft_prefix_refused(prefix))
 *                  return weft_prefix_resume(prefix, in, io);
 *              if (in.size < WEFT_PREFIX_SIZE) { io->need = WEFT_PREFIX_SIZE; return 0; }
 *              length = the first four bytes of in
 *              if (length > max_frame)
 *                  return weft_prefix_refuse(prefix, in, length, max_frame, ...);
 *              prefix->begun = true;
 *              the message is the `length` bytes behind the header, once they are there; if they are
 *              not: set io->need, and return weft_prefix_cut_off(prefix, in, msg, io)
 *     encode:  if (body->size > max_frame)
 *                  return weft_prefix_too_big(io, body->size, max_frame, "max-frame");
 *              return weft_prefix_encode(body, io);
 *
 * The slots of a codec call them, on the thread of the connection's loop or client. */
#ifndef WEFT_LENGTH_PREFIX_H
#define WEFT_LENGTH_PREFIX_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_PREFIX_SIZE = 4,
    /* A frame over the limit is skipped if its length is at most this many times max_frame. A longer one
     * ends the connection. */
    WEFT_PREFIX_SKIP = 4
};

/* The largest length. The top bit is never part of one, because length-delimited-gzip uses it as a flag. */
#define WEFT_PREFIX_MAX UINT32_C(0x7fffffff)

/* The state of one connection, zeroed at first. A codec's own connection state is this struct, or begins
 * with it. The codec sets no field but `begun`. */
struct weft_prefix {
    uint64_t skip; /* bytes of a refused frame that are still to be dropped */
    uint8_t role;  /* enum weft_role */
    /* True once a header was accepted as that of a frame. From then on no header is checked for another
     * protocol. The codec's decode sets it, and so does weft_prefix_refuse. */
    bool begun;
    bool lost;      /* true if the next decode returns WEFT_ELOST */
    bool no_length; /* true if the reason for that is a header that is no length at all */
};

/* A codec whose connection state begins with struct weft_prefix can use this as its init slot. */
void weft_prefix_init(const struct weft_codec_state *state, enum weft_role role);

/* Sets *max_frame from limits. Call it in the configure slot. Returns 0, or WEFT_ECONFIG with *error set
 * if max_frame is over WEFT_PREFIX_MAX. */
WEFT_MUST_USE int weft_prefix_configure(uint32_t *max_frame, const struct weft_limits *limits,
                                        struct weft_error *error);

/* True after weft_prefix_refuse has refused a frame: until all of that frame has been dropped, or for good
 * if the connection has to end. Check this first in decode, and return weft_prefix_resume() if it is true. */
static inline bool weft_prefix_refused(const struct weft_prefix *prefix)
{
    return prefix->skip > 0 || prefix->lost;
}

/* Drops the bytes of a refused frame that have come, or ends the connection with WEFT_ELOST. decode
 * returns the result of this function. */
ssize_t weft_prefix_resume(struct weft_prefix *prefix, struct weft_view in,
                           struct weft_decode_io *io);

/* Refuses the frame at the beginning of `in`, which has the whole header. `length` is over max_frame.
 * decode returns the result of this function. A frame is too long to be skipped if its length is over
 * WEFT_PREFIX_SKIP * max_frame or over WEFT_PREFIX_MAX. The first of these cases that applies decides:
 *
 * - No frame of the connection has begun, and the header is the beginning of another protocol
 *   (weft_first_bytes_check): the result is WEFT_EFOREIGN, without a message.
 * - No frame has begun, this is a client, and the frame is too long to be skipped: WEFT_EFOREIGN too.
 * - The frame is too long to be skipped: *msg is TOO_BIG, and the next decode returns WEFT_ELOST.
 * - Otherwise *msg is TOO_BIG, and the frame is skipped.
 *
 * `why` becomes msg->why. `codec` is the name of the calling codec, for weft_first_bytes_check. */
ssize_t weft_prefix_refuse(struct weft_prefix *prefix, struct weft_view in, uint32_t length,
                           uint32_t max_frame, const char *why, const char *codec,
                           struct weft_message *msg, struct weft_decode_io *io);

/* Judges `in`, which ends inside a frame. decode returns the result of this function: 0, or WEFT_EFOREIGN with io->detail
 * set, because io->eof says that nothing follows and a client got the last words of yamux, or the first ones of HTTP/2,
 * from a server whose endpoint speaks that. *msg is not changed: it is here so that decode hands on all that it got, in the registers where
 * it lies. */
ssize_t weft_prefix_cut_off(const struct weft_prefix *prefix, struct weft_view in,
                            struct weft_message *msg, struct weft_decode_io *io);

/* Appends the length and the body to io->out. A blob is appended with weft_chain_append_blob; any other
 * body writes itself in place. The caller has checked that its size is within max_frame. Returns 0, or
 * -ENOMEM with io->out unchanged. */
WEFT_MUST_USE int weft_prefix_encode(const struct weft_body *body, struct weft_encode_io *io);

/* Sets io->size, io->limit and io->why for an encode that fails, and returns WEFT_ETOOBIG. `why` is static
 * text, in the form that weft_encode_io.why has. */
WEFT_MUST_USE int weft_prefix_too_big(struct weft_encode_io *io, uint64_t size, uint64_t limit,
                                      const char *why);

/* Recognises a peer of another protocol, such as a browser, a redis client or a port scanner, by the
 * first four bytes of a connection. Call it only if these are not a length within max_frame, because a
 * valid length may look like text. Returns 0 if they fit no known protocol, or WEFT_EFOREIGN, and then
 * io->detail names the protocol. On a server, a peer of HTTP or RESP also gets an answer of text in
 * io->out, which names `codec` and which the peer can show to its user. It is left out if there is no
 * memory. */
WEFT_MUST_USE int weft_first_bytes_check(const uint8_t first[4], enum weft_role role,
                                         const char *codec, struct weft_decode_io *io);

#ifdef __cplusplus
}
#endif

#endif
