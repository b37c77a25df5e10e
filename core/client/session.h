/* SPDX-License-Identifier: MIT
 *
 * A client's end of a session (transport.h: what makes a transport a multiplexer). The client whose URL names the
 * multiplexer has it, and opens the first stream; others of its loop may open more. */
#ifndef WEFT_CLIENT_SESSION_H
#define WEFT_CLIENT_SESSION_H

#include "core/stack/stack.h"

struct weft__client_session;

/* Begins to connect. The stack has a multiplexer; stack, pool and url outlive the session. Returns 0, or -errno or
 * WEFT_ECONFIG with *session NULL and one line in *error. */
WEFT_MUST_USE int weft__client_session_new(struct weft__client_session **session,
                                           const struct weft__stack *stack, struct weft_loop *loop,
                                           struct weft_piece_pool *pool, const struct weft_url *url,
                                           struct weft_error *error);
/* Ends it at once. May be called from within a callback of a stream. Does nothing with NULL. */
void weft__client_session_free(struct weft__client_session *session);

/* Opens a stream, as the multiplexer's dial does. */
WEFT_MUST_USE int weft__client_session_dial(struct weft__client_session *session,
                                            struct weft_stream *stream, struct weft_error *error);

#endif
