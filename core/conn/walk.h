/* SPDX-License-Identifier: MIT
 *
 * The walk over all connections (core/connections.h). Private to the core. */
#ifndef WEFT_CONN_WALK_H
#define WEFT_CONN_WALK_H

#include "worker.h"

struct weft__conn;
struct weft__session;

/* Begins a walk at the worker `first`. It is told as done on the loop `home`. asker is the connection that asks, or
 * NULL. */
void weft__walk_begin(struct weft__worker *first, struct weft_loop *home, struct weft__conn *asker,
                      struct weft_walk *walk);

/* Makes walks that would visit the connection next pass over it. Called before it is unlinked, while a walk
 * is at its worker. */
void weft__walks_pass(struct weft__conn *conn);
/* Does that for a session. */
void weft__walks_pass_session(struct weft__session *session);

#endif
