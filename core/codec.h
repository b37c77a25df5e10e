/* SPDX-License-Identifier: MIT
 *
 * The codec seam: a codec turns the bytes of a connection into messages, and messages into bytes. It
 * does no I/O: it sees bytes and limits, never a socket, a clock, a thread or a service. A plugin is one
 * `const struct weft_codec`. examples/codec has a small one.
 *
 * Threads: a config does not change after configure, and a server's loops share it. All other states
 * belong to one loop, or to one client, and are used on its thread. No slot may block or call back into
 * the core; the frame cache in weft_encode_io takes a lock for a moment, which is fine. A slot that a
 * codec does not need is NULL. */
#ifndef WEFT_CODEC_H
#define WEFT_CODEC_H

#include <sys/types.h>

#include "base/body.h"
#include "base/bytes.h"
#include "base/chain.h"
#include "base/frame_cache.h"
#include "base/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum weft_role { WEFT_SERVER, WEFT_CLIENT };

enum weft_message_kind {
    WEFT_MESSAGE_NONE, /* no message came with these bytes */
    WEFT_MESSAGE_DATA, /* one message came; its status says whether it is good */
};

/* Anything but OK marks a bad message. Its end is known, so the connection lives on: the message keeps
 * its place in the order of replies, and the service words the answer. */
enum weft_message_status { WEFT_MESSAGE_OK, WEFT_MESSAGE_MALFORMED, WEFT_MESSAGE_TOO_BIG };

struct weft_message {
    enum weft_message_kind kind;
    enum weft_message_status status;
    /* The message's bytes, in the input view or in the codec's loop state; empty if the status is not
     * OK. Bytes in the view live as long as the view; bytes in the loop state must last until the next
     * decode or fini with that state. An encode in between, for the reply, must leave them alone. */
    struct weft_view payload;
    /* With TOO_BIG: the size that was announced or counted so far, and the limit that it exceeds. */
    uint64_t size, limit;
    /* Static text. With TOO_BIG it is the option name of the limit ("max-frame"), and a hint may follow;
     * with MALFORMED it says what is wrong. */
    const char *why;
    /* The sender's own claim of who it is, such as the value of an HTTP Authorization header. It lives
     * as long as the payload; empty if the protocol has no place for it. */
    struct weft_view credentials;
    bool heavy; /* true if this took so long (inflating, say) that the clock should be read again */
};

/* The core hands these states to a slot. Each has the size that the codec declares and is zeroed before
 * its first use. A codec that declares a size of 0 must not use the pointer, which may be NULL. */
struct weft_codec_state {
    const void *config; /* one per distinct configuration of a server; each client has its own */
    void *loop;         /* one per configuration and loop, or per client: scratch, engines */
    void *conn;         /* one per connection */
    uint32_t config_id; /* a small number; equal for connections of one codec and equal configs */
};

struct weft_decode_io {
    bool eof; /* in: true if no byte will ever follow this view */
    /* Out, if decode returns 0 without a message: the size that the view must reach before another call
     * can help; 0 if that is unknown. */
    size_t need;
    /* Out, with every result: true if the bytes consumed so far end inside a frame, as while an oversize
     * frame is skipped. The core uses it for deadlines, and to tell a truncated end from a clean one.
     * If bytes are left in the view the core knows that it is inside a frame, whatever this says. */
    bool inside;
    /* In: takes bytes of the codec's own, as a preamble. They are sent after all earlier replies. */
    struct weft_chain *out;
    /* Out, if decode returns < 0: static text, or NULL. A server logs it about its peer ("looks like
     * HTTP"); a client tells it to its user about the server ("answered in HTTP"). */
    const char *detail;
};

struct weft_encode_io {
    struct weft_chain *out; /* in: takes the frame */
    /* In: keeps frames of lasting blobs, or NULL. base/frame_cache.h says which codecs may use it. */
    struct weft_frame_cache *frames;
    /* Out, with WEFT_ETOOBIG: the size of the message or frame, the limit that it exceeds, and static
     * text as in weft_message. */
    uint64_t size, limit;
    const char *why;
    bool heavy; /* out: true if this took so long that the clock should be read again */
    /* Out, with 0: true if by the protocol nothing may follow, as behind a body that only the end of
     * the connection delimits. What is in io->out still leaves, then the connection closes; no message
     * is encoded any more. */
    bool over;
    /* In: true if this is the last message of its answer. An answer has several if the service streams
     * it; a client's request always has one. See weft_codec.finish. */
    bool last;
};

/* Answers of weft_codec.probe. */
enum weft_probe {
    WEFT_PROBE_NO,   /* no peer of this codec begins like that */
    WEFT_PROBE_MORE, /* it may be one; more bytes will tell */
    WEFT_PROBE_YES   /* it is one, whatever follows */
};

enum { WEFT_PROBE_MAX = 64 }; /* bytes that a probe sees at most */

struct weft_codec {
    const char *name; /* for `?codec=NAME`: lower case, without spaces */
    /* The kind of payloads it carries, or "*" for any. An endpoint's codec and service must agree. */
    const char *speaks;
    const struct weft_option *options;        /* the options it declares, or NULL */
    size_t config_size, loop_size, conn_size; /* sizes of the three states; 0: it has none */

    /* Called once per endpoint, and once per client when that is made, which may be while loops run. Reads
     * the options into the zeroed config, and the limits it has to keep: max_frame and max_message,
     * which bind both directions. The core compares configs with memcmp to share equal ones, and frees
     * nothing that they point to; so a config is plain values, and its padding stays zero.
     * WEFT_ECONFIG: *error says which values are taken. */
    int (*configure)(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* Called once per configuration and loop, before the server's loops run, on the thread that makes
     * the server; and once per client when that is made. If it fails (-ENOMEM), loop_fini is not called;
     * otherwise that is called after the fini of the last connection. */
    int (*loop_init)(void *loop, const void *config);
    void (*loop_fini)(void *loop);

    /* Called once per connection, before its first byte. It cannot fail: do a step that can fail in
     * decode or encode. */
    void (*init)(const struct weft_codec_state *state, enum weft_role role);
    /* Called once per connection, after its last byte, perhaps directly after init. */
    void (*fini)(const struct weft_codec_state *state);

    /* Mandatory. Takes a frame, or part of one, from the beginning of `in`. The core hands in *msg with
     * the kind NONE, and *io zeroed but for eof and out. Returns:
     *
     * - n > 0: n bytes are consumed, and msg->kind says whether a message came with them. decode is
     *   called again with the rest, even if that is empty.
     * - 0 with DATA: a message that consumes no byte. decode is called again from the same byte.
     * - 0 with NONE: more bytes are needed; io->need may say how many. The next view begins with the
     *   bytes of this one, perhaps at another address, and is longer, or eof has become true. Bytes that
     *   are left at eof are a truncated frame, which the core handles.
     * - < 0: by the protocol nothing follows (WEFT_EOVER), as behind a request with `Connection: close`;
     *   the end of the frame cannot be known (WEFT_ELOST), the peer speaks another protocol
     *   (WEFT_EFOREIGN), or there is no memory (-ENOMEM); nothing else. decode is not called again for this
     *   connection. Earlier requests are still answered, io->out is sent, then the connection closes.
     *   WEFT_EOVER is an orderly end, with the reason peer-closed; detached requests do not outlive it.
     *
     * To answer a message and then close, return the message first and < 0 from the next call. Limits
     * are checked from the header, before the body has come. A skipped frame is consumed as it comes. */
    ssize_t (*decode)(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io);

    /* Mandatory. Appends one frame that carries body to io->out. Frames are encoded in the order in
     * which they are sent. The core hands in *io zeroed but for out and frames. Returns:
     *
     * - 0: the whole frame is in io->out, as a copy or by references; body is no longer needed.
     * - WEFT_ETOOBIG: over max_frame or max_message, as io says; io->out is unchanged.
     * - -ENOMEM: io->out is unchanged.
     *
     * A small body is best written once, directly behind its header: weft_chain_reserve for both, then
     * body->write, then weft_chain_commit. */
    int (*encode)(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io);

    /* For a codec that frames a reply by the request it answers, as HTTP does: a reply to HEAD has no
     * body. Such a codec notes in its connection's state what it has to know of each message that decode
     * gave, and drops the oldest note when that message's answer is over. NULL: it need not know, and
     * requests may leave the order of replies (weft_request_detach).
     *
     * A codec with this slot can rely on three promises. Answers come in the order of the messages.
     * Each message that decode gave, good or bad, has exactly one call with io->last, either encode or
     * finish, behind any number of encodes without it; unless the connection ends first. At most
     * max_pending messages are without one. One message stands outside of this: a connection that is
     * turned away gets its refusal by one encode with io->last before the first decode, and nothing else.
     *
     * On a server finish is called in place of encode if an answer ends without another message:
     * io->last is true, and the answer may have had no message at all. It appends what the end of an
     * answer takes, such as the last chunk. Returns 0, or -ENOMEM with io->out unchanged. A client never
     * calls it. */
    int (*finish)(const struct weft_codec_state *state, struct weft_encode_io *io);

    /* The two below let endpoints of several codecs share an address (server.h). `alpn` is the protocol's
     * name in TLS (RFC 7301), such as "http/1.1", or NULL. */
    const char *alpn;
    /* Says whether a peer that begins with the bytes of `in` speaks the codec's protocol. `in` has 1 to
     * WEFT_PROBE_MAX bytes, the first of a connection; nothing is consumed, so decode sees them
     * again. The result depends on config and these bytes alone. NO and YES are final: the answer to
     * any longer view that begins with these bytes is the same. MORE counts as NO once
     * WEFT_PROBE_MAX bytes have come, or the peer's end.
     *
     * Codecs that share an address are asked in order, and the first to say YES has the connection.
     * Claim no more than the protocol's own first bytes: a codec behind this one may have a better
     * claim. NULL: the codec cannot tell; it may be only the first, which also takes what none claims. */
    enum weft_probe (*probe)(const void *config, struct weft_view in);
};

#ifdef __cplusplus
}
#endif

#endif
