/* SPDX-License-Identifier: MIT
 *
 * The walk over all connections (core/connections.h). Private to the core. */
#ifndef WEFT_CONN_WALK_H
#define WEFT_CONN_WALK_H

struct weft__conn;

/* Makes walks that would visit the connection next pass over it. Called before it is unlinked, while a walk
 * is at its worker. */
void weft__walks_pass(struct weft__conn *conn);

#endif
