/* SPDX-License-Identifier: MIT
 *
 * A session: what was accepted at an endpoint with a multiplexer (transport.h). Each stream of it is a connection of
 * the same worker and binding, with a codec of its own, so everything that holds for connections holds for streams.
 * A session counts as a connection as well, in max-connections and in the endpoint's counters, because it has a
 * descriptor and may end for a reason of its own. A walk visits it if asked to. Private to the core. */
#ifndef WEFT_SESSION_H
#define WEFT_SESSION_H

#include "worker.h"

/* One allocation holds this, the multiplexer's listener, the stream below it and the address. */
struct weft__session {
    struct weft__binding *binding; /* the first one at the address */
    struct weft_listener *listener;
    struct weft_stream *below;
    struct weft_timer timer;     /* for the handshake below, then for idling */
    struct weft_deferred ending; /* ends it behind all that its connections still do in this turn */
    struct weft__session *next, *prev; /* in the worker's list */
    uint64_t id;
    int64_t opened;      /* when it was accepted */
    const char *address; /* the peer's */
    uint8_t reason;      /* enum weft_reason; NONE: that which the multiplexer says */
    bool shaking;        /* the handshake of a filter may go on */
    bool used;           /* a stream has come since the timer was set */
};

/* Makes a session of an accepted handle, which the session owns from now on. On failure the handle is dropped and
 * counted as a closed connection. */
void weft__session_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                        uint64_t id);

/* Takes no more streams, and ends once those that there are have gone. */
static inline void weft__session_drain(struct weft__session *session)
{
    session->binding->stack->mux->enable(session->listener, false);
}

/* Ends the session in this turn or the next, behind the pumps of its connections. The first reason wins. */
static inline void weft__session_break(struct weft__session *session, enum weft_reason reason)
{
    if (session->reason == WEFT_REASON_NONE)
        session->reason = (uint8_t)reason;
    weft_loop_defer(session->binding->worker->loop, &session->ending);
}

#endif
