/* SPDX-License-Identifier: MIT
 *
 * The codec seam: a codec turns the bytes of a connection into messages, and messages into bytes. It
 * does no I/O: it sees bytes and limits, never a socket, a thread or a service. A codec is one
 * `const struct weft_codec`, and each function pointer of that is a slot. A slot that a codec does not
 * need is NULL; decode and encode are mandatory. examples/codec has a small codec.
 *
 * Threads: a config does not change after configure, and a server's loops share it. All other states
 * belong to one loop or one client, and are used on its thread. No slot may block or call back into the
 * core. The functions of base/ are allowed: the frame cache takes a lock, but only for a moment. */
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
    /* The peer wants no more of the request of `stream`. Nothing happens if that has ended or never was. */
    WEFT_MESSAGE_RESET,
    /* The next three are of requests that have many messages, which a codec gives if weft_codec_state.many is set and it has
     * the slot `want`. HEAD: a request has begun, and its messages are still to come; it has a stream and a head, and
     * an empty payload. If `want` is called for its stream before the next decode, its messages come one by one: each is
     * a PART, good or bad as with DATA, and END says that its peer has sent the last. Otherwise the request comes as one
     * DATA, as if there had been no HEAD. */
    WEFT_MESSAGE_HEAD,
    WEFT_MESSAGE_PART,
    WEFT_MESSAGE_END,
};

/* A message that is not OK is bad, but the codec knows where it ends. So the connection lives on: the
 * message keeps its place in the order of replies, and the service makes the text of the answer. */
enum weft_message_status { WEFT_MESSAGE_OK, WEFT_MESSAGE_MALFORMED, WEFT_MESSAGE_TOO_BIG };

/* A request says this of itself beside its payload, in protocols with a place for that, such as HTTP/2. */
struct weft_message_head {
    struct weft_view target;   /* what it is for: gRPC's ":path"; else empty */
    struct weft_view metadata; /* its fields, in the form of base/metadata.h */
    uint64_t deadline; /* nanoseconds from its receipt to when the peer waits no longer; 0: none */
};

struct weft_rejection;

/* An answer says this of itself beside its messages. The views are borrowed. */
struct weft_answer {
    /* Not NULL: the request was rejected for this (reject.h), or its deadline has passed. The codec finds its
     * own words for that, and nothing else here is set. */
    const struct weft_rejection *rejected;
    uint32_t code;            /* 0: it went well; otherwise a code of google.rpc.Code */
    struct weft_view words;   /* UTF-8 for people, to go with the code */
    struct weft_view header;  /* goes before the first message, in the form of base/metadata.h */
    struct weft_view trailer; /* goes behind the last one */
};

/* decode fills this in. */
struct weft_message {
    enum weft_message_kind kind;
    enum weft_message_status status;
    /* The message's bytes; empty if the status is not OK. They lie in the input view, and are then valid
     * as long as the view, or in the codec's loop state. There they must last until the next decode or
     * fini with that state, so an encode in between, for the reply, must not change them. */
    struct weft_view payload;
    /* With TOO_BIG: the size that was announced or counted so far, and the limit that it exceeds, both
     * in bytes. */
    uint64_t size, limit;
    /* Static text. With TOO_BIG it is the option name of the limit ("max-frame"), and a hint may follow;
     * with MALFORMED it says what is wrong. */
    const char *why;
    /* The sender's own claim of who it is, such as the value of an HTTP Authorization header. It is valid
     * as long as the payload, and empty if the protocol has no place for it. */
    struct weft_view credentials;
    /* With a stream: what it says of itself, valid as long as the payload; NULL: nothing. */
    const struct weft_message_head *head;
    /* True if this decode took so long, as inflating may, that the core should read the clock again. */
    bool heavy;
    /* Not 0: the request is answered out of the order of replies, under this number, which no other request
     * of the connection has whose answer is not over. A codec that uses it has the slot `backlog`. */
    uint32_t stream;
};

/* The core hands these states to a slot. The core allocates and frees them: each has the size that the
 * codec declares, aligned for any object, and is zeroed before its first use. A codec that declares a
 * size of 0 must not use the pointer, which may be NULL. */
struct weft_codec_state {
    const void *config; /* one per distinct configuration of a server; each client has its own */
    void *loop;         /* one per configuration and loop, or per client: scratch, engines */
    void *conn;         /* one per connection */
    uint32_t config_id; /* for the frame cache: the number of config in this server */
    bool many; /* requests may have many messages: the service takes such (service.h: streams) */
    /* Shows the time of the connection's loop (task.h: weft_loop_now), for the slot tick and for limits per time, such as of
     * pings. NULL: nobody tells the time, as in a client. */
    const int64_t *now;
};

struct weft_decode_io {
    bool eof; /* in: true if no byte will ever follow this view */
    /* In: true if the peer has yet to say who it is. A codec that inflates then reports a compressed
     * message as TOO_BIG, with a limit of 0, and consumes it without inflating. */
    bool unknown;
    /* Out, if decode returns 0 without a message: the size that the view must reach before another call
     * can help, or 0 if that is unknown. The core may call earlier all the same. A server gives a frame
     * that needs many bytes more time. */
    size_t need;
    /* Out, if decode returns 0 without a message: the credentials (weft_message) of the message that has begun to
     * come, if its head is there and they lie in the view. The core can then look at them before the rest of a
     * large message has come. */
    struct weft_view credentials;
    /* Out, with every result >= 0: true if the bytes consumed so far end inside a frame, as while an
     * oversize frame is skipped. The core uses it for deadlines, and to tell a truncated end from a clean
     * one. Bytes that are left in the view are inside a frame in any case. */
    bool inside;
    /* In: the codec may append bytes of its own, such as a pong. They are sent after all earlier replies. */
    struct weft_chain *out;
    /* Out, if decode returns < 0: static text about the peer, or NULL. A server logs it ("looks like
     * HTTP"). A client puts it into the error for its user ("answered in HTTP"). */
    const char *detail;
};

struct weft_encode_io {
    struct weft_chain *out; /* in: the codec appends the frame to it */
    /* In: the server's cache of frames, or NULL, as in every client. base/frame_cache.h says which codecs
     * may use it. */
    struct weft_frame_cache *frames;
    /* Out, with WEFT_ETOOBIG: the size of the message or frame, the limit that it exceeds, and static
     * text as in weft_message. */
    uint64_t size, limit;
    const char *why;
    bool heavy; /* out: true if this took so long that the core should read the clock again */
    /* Out, with 0: true if nothing may follow by the protocol, as behind a body that only the end of the
     * connection delimits. A server encodes no further message, sends what is in io->out, and then closes
     * the connection. A client ignores it. */
    bool over;
    /* In: true if this is the last message of its answer (see the slot finish). An answer has several
     * messages if the service streams it. A client's request has one, so there it is always true. */
    bool last;
    uint32_t stream; /* in: the request's own, if it has one */
    /* In: what a request with a stream says beside its messages, or NULL. The header is the same in each
     * call of an answer, and belongs before its first message. The rest comes with `last`. */
    const struct weft_answer *answer;
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
    /* The kind of payloads that it carries, or "*" for any. The endpoint's service must speak it or "*". */
    const char *speaks;
    const struct weft_option *options;        /* the options it declares, or NULL */
    size_t config_size, loop_size, conn_size; /* sizes of the three states; 0: it has none */

    /* Called once per endpoint, when its server is made or the endpoint is added to one that runs; and once per client
     * when that is made. Loops may run on other threads meanwhile. The config is zeroed at first. Copy to it what you need of
     * the options, and the limits max_frame and max_message, which you enforce in both directions. The core
     * compares configs with memcmp to share equal ones, and frees nothing that they point to. So a config
     * has plain values only, and its padding stays zero. Returns 0, or WEFT_ECONFIG, and *error says what is
     * wrong with the option or the limit. */
    int (*configure)(void *config, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* Called once per configuration and loop: on the thread that makes the server, before its loops run, or on the
     * loop's thread if an endpoint is added later; and once per client when that is made. Returns 0 or -ENOMEM. If
     * it fails, loop_fini is not called. Otherwise loop_fini is called after the fini of the last connection, when
     * the server is freed. */
    int (*loop_init)(void *loop, const void *config);
    void (*loop_fini)(void *loop);

    /* Called once per connection, before its first byte. It cannot fail, so a step that can fail belongs
     * in decode or encode. */
    void (*init)(const struct weft_codec_state *state, enum weft_role role);
    /* Called once per connection, after its last byte, perhaps directly after init. */
    void (*fini)(const struct weft_codec_state *state);

    /* Mandatory. Takes a frame, or part of one, from the beginning of `in`, which may be empty. The core
     * hands in *msg and *io zeroed (the kind is NONE), except io->eof and io->out. Returns:
     *
     * - n > 0: n bytes are consumed, and msg->kind says whether a message came with them. decode is called
     *   again with the rest, even if that is empty.
     * - 0 with a message: it consumes no byte. decode is called again from the same byte.
     * - 0 with NONE: more bytes are needed, and io->need may say how many. The next view begins with the
     *   bytes of this one, perhaps at another address; and it is longer, or eof has become true. Bytes
     *   that are left at eof are a truncated frame, which the core handles.
     * - < 0: the connection ends, and decode is not called for it again. WEFT_EOVER: by the protocol
     *   nothing follows, as behind a request with `Connection: close`. WEFT_ELOST: nobody can know where
     *   the frame ends. WEFT_EFOREIGN: the peer speaks another protocol. -ENOMEM. No other error is
     *   allowed. A server still answers earlier requests, sends io->out, and then closes. WEFT_EOVER is
     *   an orderly end, with the reason peer-closed, but detached requests do not outlive it. A client
     *   closes at once and fails its calls.
     *
     * To answer a message and then close, return the message first and < 0 from the next call. Check the
     * limits as soon as the header has come, and consume a frame that is to be skipped as it comes. */
    ssize_t (*decode)(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io);

    /* Mandatory. Appends one frame that carries body to io->out. Frames are encoded in the order in
     * which they are sent. The core hands in *io zeroed, except out, frames and last. Returns:
     *
     * - 0: the whole frame is in io->out, as a copy or by references; body is no longer needed.
     * - WEFT_ETOOBIG: the message is over the limit that io names; io->out is unchanged. A server then
     *   encodes a refusal in its place, with the same io->last.
     * - -ENOMEM: io->out is unchanged.
     *
     * A small body is best written once, directly behind its header: weft_chain_reserve for both, then
     * body->write, then weft_chain_commit. */
    int (*encode)(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io);

    /* The next three are for a codec of streams, as HTTP/2 has them. Each message that decode gave with a stream
     * gets any number of encodes, and then exactly one with io->last that returns 0, unless the connection
     * ends first. body is NULL in that one if no message is left to send. No PART and no END of the stream comes
     * after it. The codec remembers the stream until then, even if the peer has reset it; encodes for a stream that
     * was reset are successes without effect. A service's words for a rejection are not asked for: see weft_answer.
     *
     * Returns how many bytes of messages that encode has taken wait in the codec until the peer lets it send
     * them: of one stream, or of all if stream is 0. The codec sends them (decode_io.out) as decode learns
     * that they may leave. So a backlog never stops the decoding. The core refuses further messages of a stream
     * with output-low bytes in it, starts no new requests while output-high bytes wait in all, and counts them
     * towards output-hard and write-timeout. A codec whose goodbye asks the peer for an answer counts the
     * question too. */
    size_t (*backlog)(const struct weft_codec_state *state, uint32_t stream);
    /* Asks for one more message of the request of `stream`, whose HEAD decode has given: a later decode gives it as a PART, or
     * says END, once per call. It may do so with an empty view, and then consumes nothing. What has come of messages that
     * nobody asks for waits in the codec, which does not let its peer send more than a window of it. The codec may append
     * bytes to out, such as windows. An allocation that fails makes the next decode return -ENOMEM. Does nothing for a
     * stream whose answer is over. NULL: each request has one message. */
    void (*want)(const struct weft_codec_state *state, uint32_t stream, struct weft_chain *out);
    /* Appends the codec's last words, such as GOAWAY, to out. Called with final false at most once, when the
     * server begins to drain: the peer should make no new requests, but those that it makes still count. Called
     * with final true once, before our direction ends: no message will be taken any more. Without memory the
     * words are left out. A connection that is turned away gets the latter alone, without a decode. */
    void (*goodbye)(const struct weft_codec_state *state, bool final, struct weft_chain *out);

    /* For a codec that has something to do as time passes, such as a keepalive ping. The time is *state->now, and `heard` is
     * when the peer's last byte came. Silence says nothing while the core does not read, or while output waits that the
     * peer has not taken, for which there is write-timeout; then heard is the time now. Whole frames that the codec
     * appends to out leave at once, perhaps before the replies to earlier requests. They are no part of an answer, so
     * backlog does not change.
     *
     * A server calls it after init, and again at the time that the last call has returned, or sooner. Once the connection has
     * begun to close it is not called any more. A client never calls it. Returns the time of the next call, which is later
     * than now, or 0: none is needed. A result < 0 ends the connection. -ETIMEDOUT: the peer was asked for a sign of life
     * and gave none; the reason is peer-vanished. -ENOMEM. */
    int64_t (*tick)(const struct weft_codec_state *state, int64_t heard, struct weft_chain *out);

    /* For a codec whose frame of a reply depends on the request: in HTTP the reply to HEAD has no body.
     * Such a codec notes in the connection's state what it must know of each message that decode gave,
     * and drops the oldest note when that message's answer is over. If the slot is NULL, requests may
     * leave the order of replies (weft_request_detach).
     *
     * A server calls finish in place of encode if an answer ends without another message. io->last is
     * true, and the answer may have had no message at all. finish appends what ends an answer, such as
     * the last chunk. Returns 0, or -ENOMEM with io->out unchanged. A client never calls it.
     *
     * A codec with this slot can rely on three promises. Answers come in the order of the messages. Each
     * message that decode gave, good or bad, gets any number of encodes and then exactly one call with
     * io->last that returns 0, encode or finish, unless the connection ends first. At most max_pending
     * messages wait for that call. There is one exception: a connection that is turned away, since there
     * are too many or the server drains, gets no decode and at most one encode, with io->last. */
    int (*finish)(const struct weft_codec_state *state, struct weft_encode_io *io);

    /* The last two let endpoints of several codecs share an address (server.h). `alpn` is the protocol's
     * name in TLS (RFC 7301), such as "http/1.1", or NULL. */
    const char *alpn;
    /* Says whether a peer that begins with the bytes of `in` speaks the codec's protocol. `in` has 1 to
     * WEFT_PROBE_MAX bytes, the first of a connection. Nothing is consumed, so decode sees them again. The
     * result depends on config and these bytes alone. NO and YES are final: the result for any longer view
     * that begins with these bytes is the same. MORE counts as NO once WEFT_PROBE_MAX bytes have come, or
     * the peer's end.
     *
     * Codecs that share an address are asked in order, and the first that says YES gets the connection.
     * Claim only what begins like your protocol, because a codec behind this one may have a better claim.
     * The first codec also gets what none claims, and only the first may be without this slot. If it is,
     * the server makes sure that no other codec takes its connections: when it is made, it encodes messages
     * of zeros with the first codec as a client, between an init and a fini, and refuses the address if
     * another codec says YES to one of the frames. */
    enum weft_probe (*probe)(const void *config, struct weft_view in);
};

#ifdef __cplusplus
}
#endif

#endif
