/* SPDX-License-Identifier: MIT
 *
 * A client: one connection, any codec, many calls in flight, replies in the order of the calls. It
 * is asynchronous and lives on a loop of the caller's; use it on the loop's thread only. Callbacks
 * come from the loop's turn, never from within a function of this header. The exception is
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
    struct weft_registry *registry; /* borrowed for the client's life and frozen from now on; needs
                                       a codec and a transport */
    struct weft_loop *loop;         /* borrowed for the client's life */
    const char *url;                /* borrowed for the call; may name codec=NAME and its options */
    const char *codec;              /* for a URL that names none; borrowed for the call */
    bool codec_is_explicit;         /* a URL that names another codec is an error: WEFT_ECONFIG */
    struct weft_limits limits;      /* max_frame, max_message, max_pending, output_high are used */
    int64_t connect_timeout;        /* nanoseconds, 0: none */
    /* Nanoseconds, 0: none. If on_room is owed and no byte has moved in either direction for this long,
     * the connection ends with -ETIMEDOUT. A call's own timeout does not bound this wait, because a
     * call that was refused with -EAGAIN is not in flight. */
    int64_t room_timeout;
    /* Called once, unless the client is closed first. Status 0: the client is connected, and error is
     * NULL. Status -errno: it could not connect; *error says what failed, where, and what to try, and
     * the calls made so far fail after this returns. The callback may make calls and close the client.
     * It may be NULL. */
    void (*on_connect)(struct weft_client *client, int status, const struct weft_error *error);
    /* Called after weft_client_call has returned -EAGAIN, once even if several calls did, unless the
     * client is closed first. Either there is room again, or the connection has ended and all its calls
     * are completed; weft_client_status tells which. The callback may make calls and close the client;
     * if a call is refused again, on_room follows again. It may be NULL. */
    void (*on_room)(struct weft_client *client);
    void *data; /* the caller's; weft_client_data() */
};

/* Checks the options and begins to connect. Returns 0; or WEFT_ECONFIG for a mistake of the caller or
 * -errno, with one line in *error and *client NULL. Blocks while it resolves a host name. */
WEFT_MUST_USE int weft_client_new(struct weft_client **client,
                                  const struct weft_client_options *options,
                                  struct weft_error *error);
void *weft_client_data(const struct weft_client *client);

/* Returns the kind of payloads that the client's codec carries, "*" for any, as `speaks` of its struct
 * weft_codec. Static. */
const char *weft_client_speaks(const struct weft_client *client);

/* One call. The memory is the caller's; the client borrows it from weft_client_call until done is called
 * with `last` true. */
struct weft_call {
    /* Called with each reply (status 0; payload is valid until done returns), or once with the call's
     * failure (payload is empty and `last` true; weft_client_trouble() has the words):
     *   - -ETIMEDOUT: its timeout has passed. The client drops its replies when they come, and until
     *     then counts the call as pending.
     *   - WEFT_EMALFORMED, WEFT_ETOOBIG: the frame of a reply was bad; the connection lives.
     *   - -ECANCELED: weft_client_close.
     *   - any other: the connection has ended. WEFT_ETRUNCATED: inside a reply; WEFT_ELOST,
     *     WEFT_EFOREIGN, WEFT_EUNASKED: the peer broke the protocol or speaks another one.
     * The callback may make calls, close the client, and, if `last`, reuse or free *call. A reply may
     * come while part of the request is still unsent, because a server that refuses a frame for its
     * size answers once it has read the frame's header. */
    void (*done)(struct weft_call *call, int status, struct weft_view payload, bool last);
    int64_t timeout;  /* nanoseconds from weft_client_call, 0: none */
    uint32_t replies; /* the count of replies it gets, the last of which completes it; 0 means 1 */
    /* Set by the client once the transport has taken a byte of it: the peer may act on it even if no
     * reply comes. */
    bool sent;
};

/* Encodes body, which is borrowed until this returns, and sends it later: calls made within a
 * callback leave together when it returns, others in the same turn or the next, and all of them once
 * connected. Returns
 * 0 if done will be called. Otherwise done will not be called, and *error has one line:
 *   - WEFT_ETOOBIG: the request is over max_frame or max_message.
 *   - -EAGAIN: max_pending calls wait for replies (those timed out included), or output_high bytes
 *     wait to be sent. on_room follows, even if no call is in flight.
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

/* Returns one line for a person. Within a done whose status is not 0, it says why the call failed; after
 * the connection's end, how it ended ("tcp://127.0.0.1:9527 closed the connection inside a reply").
 * It is "" if nothing has failed so far. Valid until the next callback or close. */
const char *weft_client_trouble(const struct weft_client *client);

/* Returns 0 until the connection has ended, then the reason, as for done. */
int weft_client_status(const struct weft_client *client);
/* True if the peer has closed or reset the connection while weft_client_pending was 0. Every request
 * was answered then, so the caller can go on with a new client and nothing is done twice. */
bool weft_client_ended_idle(const struct weft_client *client);
/* Reads from the stream now rather than in the loop's next turn. If the peer has closed an idle
 * connection, weft_client_status says so afterwards, so a caller can reconnect before it makes its next
 * call. Calls nothing back. Does nothing if a call is pending or from within a callback. */
void weft_client_look(struct weft_client *client);

/* Ends everything at once: each pending call is done with -ECANCELED before this returns. The
 * client must not be used after it; its memory goes now or, within one of its own callbacks, when
 * that has returned. NULL is fine. */
void weft_client_close(struct weft_client *client);

#ifdef __cplusplus
}
#endif

#endif
