/* SPDX-License-Identifier: MIT
 *
 * Adds and removes the endpoints of a server while it runs. */
#ifndef WEFT_ENDPOINTS_H
#define WEFT_ENDPOINTS_H

#include "server.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes the endpoints of a server that has listened, in two steps like the limits: prepare does all that can fail, and
 * commit puts it into force. Call all of this within one turn of the first loop, or before weft_server_run.
 *
 * `urls` are those of weft_server_options: all that the server is to have from now on, in their new order. An address
 * whose URL and variants are written as before stays as it is, whatever its place. Every other one is new, and an old
 * one that is not named any more is removed. If a new one listens where a removed one does, as when options have
 * changed, it takes over the socket, with the peers that wait there: no one is refused.
 *
 * A removed address listens no more. Those who still wait to be accepted are told that the server is draining; its
 * connections drain, as weft_server_stop has them, and drain-timeout cuts what is left. Then the states that its
 * layers have on the loops are stopped. Its counters go into the sums of weft_server_count.
 *
 * prepare has each loop start the new endpoints' plugins in a turn of its own, one loop after the other, and waits for
 * that. It returns 0. On failure nothing has changed, *change is NULL, and *error has one line: WEFT_ECONFIG for a
 * mistake, or a service with a context that no endpoint had at the start, whose plugin may not meet the loops late;
 * -ESHUTDOWN if the server drains; or -errno, as of an address that is in use. */
struct weft_server_change;
WEFT_MUST_USE int weft_server_prepare_endpoints(struct weft_server *server, const char *const *urls,
                                                size_t url_count,
                                                struct weft_server_change **change,
                                                struct weft_error *error);

/* Returns the URL, without options, of the i-th address that the change is about, and sets *kind; or returns NULL beyond
 * the last: there is none if nothing changes. CHANGED: other options or variants. Valid until commit or abandon. */
enum weft_endpoint_change { WEFT_ENDPOINT_ADDED, WEFT_ENDPOINT_REMOVED, WEFT_ENDPOINT_CHANGED };
const char *weft_server_change_row(const struct weft_server_change *change, size_t i,
                                   enum weft_endpoint_change *kind);
/* Returns the i-th listener that commit closes and whose socket nobody takes over, or NULL beyond the last. */
const struct weft_listener *weft_server_change_closes(const struct weft_server_change *change,
                                                      size_t i);

/* Puts the change into force and frees it; cannot fail. */
void weft_server_commit_endpoints(struct weft_server_change *change);
/* Frees a change that is not wanted. Does nothing with NULL. */
void weft_server_abandon_endpoints(struct weft_server_change *change);

#ifdef __cplusplus
}
#endif

#endif
