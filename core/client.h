/* SPDX-License-Identifier: MIT
 *
 * A client: one connection, any codec, many calls in flight, replies in the order of the calls.
 * Asynchronous, on a loop of the caller's; loop's thread only. Callbacks come from the loop's turn,
 * never from within weft_client_new or weft_client_call; weft_client_close alone completes calls
 * itself. */
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
    bool codec_is_explicit;         /* a URL that names another one contradicts it: WEFT_ECONFIG */
    struct weft_limits limits;      /* max_frame, max_message, max_pending, output_high are used */
    int64_t connect_timeout;        /* nanoseconds, 0: none */
    /* Connected and able to send (status 0, error NULL), or not (-errno, *error says what, where
     * and what to try; the calls made so far are completed after it). Exactly once, unless the
     * client is closed first. May make calls and close the client. NULL: nobody asks. */
    void (*on_connect)(struct weft_client *client, int status, const struct weft_error *error);
    void *data; /* the caller's; weft_client_data() */
};

/* Checks, configures and begins to connect. WEFT_ECONFIG or -errno with one line in *error; *client
 * is NULL then. Name resolution blocks. */
WEFT_MUST_USE int weft_client_new(struct weft_client **client,
                                  const struct weft_client_options *options,
                                  struct weft_error *error);
void *weft_client_data(const struct weft_client *client);

/* One call: the caller's memory, lent from weft_client_call until done was called with `last`. */
struct weft_call {
    /* A reply (status 0; payload is valid until done returns) or the call's failure (payload is
     * empty and `last` true; weft_client_trouble() has the words):
     *   - -ETIMEDOUT: its time ran out. It keeps its place and its late replies are dropped.
     *   - WEFT_EMALFORMED, WEFT_ETOOBIG: the frame of a reply was bad; the connection lives.
     *   - -ECANCELED: weft_client_close.
     *   - any other: the connection has ended. WEFT_ETRUNCATED: inside a reply; WEFT_ELOST,
     *     WEFT_EFOREIGN, WEFT_EUNASKED: the peer broke the protocol or speaks another one.
     * May make calls, close the client, and, when last, reuse or free *call. */
    void (*done)(struct weft_call *call, int status, struct weft_view payload, bool last);
    int64_t timeout;  /* nanoseconds from weft_client_call, 0: none */
    uint32_t replies; /* how many replies make it whole; 0 counts as 1 */
    bool sent; /* out: the transport took some byte of it, so the peer may act on it even if no
                  reply comes */
};

/* Encodes body now (borrowed until this returns); all that is called in one turn is sent together
 * at its end, or once connected. 0: done will be called. Otherwise it will not, and *error has one
 * line:
 *   - WEFT_ETOOBIG: over max_frame or max_message.
 *   - -EAGAIN: max_pending calls wait for replies (those timed out included), or output_high bytes
 *     for the peer to read; there is room again after some done.
 *   - -ENOTCONN: the connection has ended.
 *   - -ENOMEM. */
WEFT_MUST_USE int weft_client_call(struct weft_client *client, struct weft_call *call,
                                   const struct weft_body *body, struct weft_error *error);

/* Calls whose replies have not all come, those timed out included. */
size_t weft_client_pending(const struct weft_client *client);
/* Bytes of calls that the transport has not taken. */
size_t weft_client_unsent(const struct weft_client *client);

/* Bytes on the wire since the beginning. */
struct weft_client_counts {
    uint64_t bytes_in, bytes_out;
};
void weft_client_count(const struct weft_client *client, struct weft_client_counts *counts);

/* In words for a person, one line: within done, why the call failed; after the connection's end,
 * what it was ("tcp://127.0.0.1:9527 closed the connection inside a reply"). "" while all is well.
 * Valid until the next callback or close. */
const char *weft_client_trouble(const struct weft_client *client);

/* Ends everything at once: each pending call is done with -ECANCELED before this returns. The
 * client must not be used after it; its memory goes now or, within one of its own callbacks, when
 * that has returned. NULL is fine. */
void weft_client_close(struct weft_client *client);

#ifdef __cplusplus
}
#endif

#endif
