/* SPDX-License-Identifier: MIT
 *
 * The server's side of the opening handshake (RFC 6455, section 4.2): reads a request and answers it, with
 * the upgrade, a page or an error. Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_UPGRADE_H
#define WEFT_WEBSOCKET_UPGRADE_H

#include "config.h"
#include "core/base/chain.h"
#include "head.h"

struct weft__ws_answer {
    int status; /* 101 if the connection is a WebSocket now; otherwise it ends after the answer */
    /* Why it is not, for the log: static text. NULL for 101 and for a page. */
    const char *why;
    /* The value of the request's Authorization field; it lies in the request. Empty if there is none. */
    struct weft_view credentials;
    const char *protocol; /* the subprotocol, of the configuration; NULL: none was offered */
};

/* Reads a whole request and appends the answer to out. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int weft__ws_upgrade(const struct weft__ws_config *config, struct weft_view request,
                                   struct weft_chain *out, struct weft__ws_answer *answer);

/* Appends an answer without a request that could be read: status is 400, 405 or 431. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int weft__ws_refuse(int status, const char *why, struct weft_chain *out);

/* Returns why a page of this origin may not use the endpoint, or NULL. host is the value of the Host field. Exposed
 * for its test. */
const char *weft__ws_check_origin(const char *origins, struct weft_view origin,
                                  struct weft_view host);

#endif
