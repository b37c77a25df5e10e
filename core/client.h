/* SPDX-License-Identifier: MIT
 *
 * A client: one connection, any codec, many calls in flight, replies in the order of the calls. It is
 * asynchronous and lives on a loop of the caller's (loop.h); use it on that loop's thread only. Callbacks
 * come within a turn of the loop, never from within a function of this header. The exception is
 * weft_client_close, which completes the calls that are left before it returns. */
#ifndef WEFT_CLIENT_H
#define WEFT_CLIENT_H

#include "base/settings.h"
#include "codec.h"
#include "loop.h"
#include "registry.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_client;

struct weft_client_options {
    /* Borrowed for the client's life, and frozen by weft_client_new. It has to have the URL's codec and
     * transport. */
    struct weft_registry *registry;
    struct weft_loop *loop; /* borrowed for the client's life */
    const char *url;        /* borrowed for the call; may name codec=NAME and its options */
    /* Another client of the loop whose URL names a multiplexer, as "yamux://" does: this one opens one more stream of
     * its session instead of connecting, and has its own codec, calls and order of replies. The address in `url` is
     * not used then. `beside` has to be one that has no `beside` itself, and to be closed after this one. NULL: this
     * one connects. */
    struct weft_client *beside;
    const char *codec;         /* for a URL that names none; not NULL; borrowed for the call */
    bool codec_is_explicit;    /* if true, a URL that names another codec is an error */
    struct weft_limits limits; /* max_pending, output_high, and what the codec reads are used */
    int64_t connect_timeout;   /* nanoseconds, 0: none */
    /* Nanoseconds, 0: none. If on_room is owed and no byte has moved in either direction for this long,
     * the connection ends with -ETIMEDOUT. A timeout of a call does not bound this wait, because a call
     * that was refused with -EAGAIN is not in flight. */
    int64_t room_timeout;
    /* Called once, unless the client is closed first. With status 0 the client is connected, and error is
     * NULL. With -errno it could not connect: *error says what failed, where, and what to try, and the
     * calls made so far fail after this returns. The callback may make calls and close the client. The
     * slot may be NULL. */
    void (*on_connect)(struct weft_client *client, int status, const struct weft_error *error);
    /* Called after weft_client_call has returned -EAGAIN, once even if several calls did, unless the
     * client is closed first. Either there is room again, or the connection has ended and all its calls
     * are completed; weft_client_status tells which. The callback may make calls and close the client;
     * if a call is refused again, on_room follows again. The slot may be NULL. */
    void (*on_room)(struct weft_client *client);
    /* Called with each well-formed message before it is taken as a reply. True: it is none, such as a message of a
     * subscription, which comes outside of the order of replies. The payload is valid until this returns. The
     * callback may make calls and close the client. The slot may be NULL: every message is a reply. */
    bool (*on_push)(struct weft_client *client, struct weft_view payload);
    void *data; /* the caller's; weft_client_data returns it */
};

/* Checks the options and begins to connect. Calls may be made at once; they are sent once the client is
 * connected. Returns 0, and the caller owes a weft_client_close. On failure *client is NULL and *error has
 * one line: WEFT_ECONFIG is a mistake of the caller, -errno a refusal of the system. Blocks while it
 * resolves a host name. */
WEFT_MUST_USE int weft_client_new(struct weft_client **client,
                                  const struct weft_client_options *options,
                                  struct weft_error *error);
void *weft_client_data(const struct weft_client *client);

/* Returns the kind of payloads that the client's codec carries, which is the `speaks` of its struct
 * weft_codec; "*" stands for any. The text is static. */
const char *weft_client_speaks(const struct weft_client *client);

/* One call. The memory is the caller's; the client borrows it from weft_client_call until done is called
 * with `last` true. */
struct weft_call {
    /* Called with each reply: status is 0, payload is valid until done returns, and `last` is true with
     * the last one. Or called once with the failure of the call: payload is empty, `last` is true, no
     * more replies are reported, and weft_client_trouble has the words. The status is then:
     *   - -ETIMEDOUT: the call's timeout has passed. The client drops its replies when they come, and
     *     until then counts the call as pending.
     *   - WEFT_EMALFORMED, WEFT_ETOOBIG: the frame of a reply was bad; the connection lives.
     *   - -ECANCELED: weft_client_close was called.
     *   - any other: the connection has ended. WEFT_ETRUNCATED: inside a reply. WEFT_ELOST,
     *     WEFT_EFOREIGN, WEFT_EUNASKED: the peer broke the protocol or speaks another one.
     * The callback may make calls, close the client, and, if `last` is true, reuse or free *call.
     *
     * A reply may come before its request is sent. A server that refuses a frame for its size answers
     * once it has read the header; one that turns the connection away answers the oldest call, unasked,
     * and the other calls fail. */
    void (*done)(struct weft_call *call, int status, struct weft_view payload, bool last);
    int64_t timeout;  /* nanoseconds from weft_client_call, 0: none */
    uint32_t replies; /* the number of replies that the server sends for this call; 0 means 1 */
    /* The request has a secret, so the client's copy of it is overwritten as soon as the transport has taken it, or the
     * connection has ended. A filter or multiplexer below may have a copy of its own for longer. */
    bool is_secret;
    /* Set to false by weft_client_call, and to true once the transport has taken a byte of the request:
     * the peer may act on it even if no reply comes. */
    bool sent;
};

/* Encodes body, which is borrowed until this returns, and sends it later, so that calls made together leave
 * together: those made within a callback of the client when it returns, others in this turn or the next,
 * and all of them once connected. Returns 0 if done will be called. Otherwise done will not be called, and
 * *error has one line:
 *   - WEFT_ETOOBIG: the request is over max_frame or max_message.
 *   - -EAGAIN: max_pending calls wait for replies (those timed out included), or output_high bytes
 *     wait to be sent. on_room follows, even if no call is in flight.
 *   - -ENOTCONN: the connection has ended.
 *   - -ENOMEM. */
WEFT_MUST_USE int weft_client_call(struct weft_client *client, struct weft_call *call,
                                   const struct weft_body *body, struct weft_error *error);

/* Returns the number of calls whose replies have not all come, those that timed out included. It is 0 once
 * the connection has ended. */
size_t weft_client_pending(const struct weft_client *client);
/* Returns the number of bytes that wait for the transport. */
size_t weft_client_unsent(const struct weft_client *client);

/* Bytes on the wire since the client was made. */
struct weft_client_counts {
    uint64_t bytes_in, bytes_out;
};
void weft_client_count(const struct weft_client *client, struct weft_client_counts *counts);

/* Returns one line for a person. Within a done whose status is not 0, it says why the call failed. After
 * the connection's end, it says how it ended ("tcp://127.0.0.1:9527 closed the connection inside a
 * reply"). It is "" if nothing has failed so far. Valid until the next callback or close. */
const char *weft_client_trouble(const struct weft_client *client);

/* Returns 0 until the connection has ended, and from then on the status with which it ended, which is one
 * that done may have. */
int weft_client_status(const struct weft_client *client);
/* True if the peer has closed or reset the connection while weft_client_pending was 0. Every request was
 * answered then, so the caller can go on with a new client, and no request is done twice. */
bool weft_client_ended_idle(const struct weft_client *client);
/* Reads from the stream now rather than in the loop's next turn. If the peer has closed an idle
 * connection, weft_client_status says so afterwards, so a caller can reconnect before it makes its next
 * call. Calls nothing back. Does nothing before the client is connected, while a call is pending, or
 * within a callback. */
void weft_client_look(struct weft_client *client);

/* Ends the connection at once, and calls done with -ECANCELED for each call that is not completed before it
 * returns. The client must not be used afterwards. Its memory goes at once or, if this is called within one
 * of its callbacks, when that has returned. Does nothing with NULL. */
void weft_client_close(struct weft_client *client);

#ifdef __cplusplus
}
#endif

#endif
