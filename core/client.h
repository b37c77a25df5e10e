/* SPDX-License-Identifier: MIT
 *
 * A client: one connection, any codec, many calls in flight, replies in the order of the calls. It
 * is asynchronous and lives on a loop of the caller's; use it on the loop's thread only. Callbacks
 * come from the loop's turn, never from within weft_client_new or weft_client_call. The exception
 * is weft_client_close, which completes the calls that are left before it returns. */
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
    struct weft_registry *registry; /* borrowed for the client's life and frozen from now on; needs
                                       a codec and a transport */
    struct weft_loop *loop;         /* borrowed for the client's life */
    const char *url;                /* borrowed for the call; may name codec=NAME and its options */
    const char *codec;              /* for a URL that names none; borrowed for the call */
    bool codec_is_explicit;         /* a URL that names another codec is an error: WEFT_ECONFIG */
    struct weft_limits limits;      /* max_frame, max_message, max_pending, output_high are used */
    int64_t connect_timeout;        /* nanoseconds, 0: none */
    /* Nanoseconds, 0: none. While a caller waits for room and no byte moves in either direction for
     * this long, the connection ends with -ETIMEDOUT. It bounds a wait that no call's own timeout
     * bounds, since none need be in flight. */
    int64_t room_timeout;
    /* Called once, unless the client is closed first: connected and able to send (status 0, error
     * NULL), or not (-errno; *error says what failed, where, and what to try; the calls made so far
     * are completed after it). May make calls and close the client. NULL: nobody asks. */
    void (*on_connect)(struct weft_client *client, int status, const struct weft_error *error);
    /* Called once after weft_client_call has returned -EAGAIN, however often it did: there is room
     * again, or the connection has ended and all its calls are completed. Unless the client is
     * closed first, one of the two comes. May make calls and close the client; a call that is
     * refused again brings on_room again. NULL: nobody asks. */
    void (*on_room)(struct weft_client *client);
    void *data; /* the caller's; weft_client_data() */
};

/* Checks, configures and begins to connect. Returns WEFT_ECONFIG or -errno with one line in *error;
 * *client is NULL then. Name resolution blocks. */
WEFT_MUST_USE int weft_client_new(struct weft_client **client,
                                  const struct weft_client_options *options,
                                  struct weft_error *error);
void *weft_client_data(const struct weft_client *client);

/* One call: the caller's memory, lent from weft_client_call until done was called with `last`. */
struct weft_call {
    /* Called with a reply (status 0; payload is valid until done returns) or with the call's
     * failure (payload is empty and `last` true; weft_client_trouble() has the words):
     *   - -ETIMEDOUT: its time ran out. It keeps its place and its late replies are dropped.
     *   - WEFT_EMALFORMED, WEFT_ETOOBIG: the frame of a reply was bad; the connection lives.
     *   - -ECANCELED: weft_client_close.
     *   - any other: the connection has ended. WEFT_ETRUNCATED: inside a reply; WEFT_ELOST,
     *     WEFT_EFOREIGN, WEFT_EUNASKED: the peer broke the protocol or speaks another one.
     * May make calls, close the client, and, when last, reuse or free *call. A reply may come
     * before the request has left whole: a server refuses a frame by its header. */
    void (*done)(struct weft_call *call, int status, struct weft_view payload, bool last);
    int64_t timeout;  /* nanoseconds from weft_client_call, 0: none */
    uint32_t replies; /* the number of replies that make it whole; 0 counts as 1 */
    bool sent;        /* out: the transport took some byte of it, so the peer may act on it even if
                         no reply comes */
};

/* Encodes body now (borrowed until this returns). The calls of one turn are sent together: those
 * made in callbacks before the turn ends, others in the next turn, or once connected. Returns 0:
 * done will be called. Otherwise done will not be called, and *error has one line:
 *   - WEFT_ETOOBIG: over max_frame or max_message.
 *   - -EAGAIN: max_pending calls wait for replies (those timed out included), or output_high bytes
 *     for the peer to read. on_room follows, also if no call is in flight.
 *   - -ENOTCONN: the connection has ended.
 *   - -ENOMEM. */
WEFT_MUST_USE int weft_client_call(struct weft_client *client, struct weft_call *call,
                                   const struct weft_body *body, struct weft_error *error);

/* Returns the number of calls whose replies have not all come, those timed out included. */
size_t weft_client_pending(const struct weft_client *client);
/* Returns the number of bytes that wait for the transport. */
size_t weft_client_unsent(const struct weft_client *client);

/* Bytes on the wire since the beginning. */
struct weft_client_counts {
    uint64_t bytes_in, bytes_out;
};
void weft_client_count(const struct weft_client *client, struct weft_client_counts *counts);

/* Returns one line for a person: within done, why the call failed; after the connection's end, how
 * it ended ("tcp://127.0.0.1:9527 closed the connection inside a reply"). "" while all is well.
 * Valid until the next callback or close. */
const char *weft_client_trouble(const struct weft_client *client);

/* Returns 0 until the connection has ended, then the reason, as for done. */
int weft_client_status(const struct weft_client *client);
/* True if the peer has closed or reset the connection while no call waited for its replies. Every
 * request was answered then, so a new connection can take over and nothing is done twice. */
bool weft_client_ended_idle(const struct weft_client *client);
/* Looks at the stream now rather than in the loop's next turn, so that an end which has come while
 * nothing was in flight is known before the next call is made. Calls nothing back. Does nothing if
 * a call is pending or from within a callback. */
void weft_client_look(struct weft_client *client);

/* Ends everything at once: each pending call is done with -ECANCELED before this returns. The
 * client must not be used after it; its memory goes now or, within one of its own callbacks, when
 * that has returned. NULL is fine. */
void weft_client_close(struct weft_client *client);

#ifdef __cplusplus
}
#endif

#endif
