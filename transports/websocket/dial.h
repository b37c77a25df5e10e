/* SPDX-License-Identifier: MIT
 *
 * The client's side of the opening handshake (RFC 6455, section 4.1). Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_DIAL_H
#define WEFT_WEBSOCKET_DIAL_H

#include "accept_key.h"
#include "config.h"
#include "core/base/chain.h"

/* Appends the request to out. key is one of weft__ws_key_new. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int weft__ws_dial(const struct weft__ws_config *config,
                                const char key[WEFT__WS_KEY_SIZE], struct weft_chain *out);

enum { WEFT__WS_TROUBLE_MAX = 160 };

/* Checks a whole response. Returns true if the connection is a WebSocket now. Otherwise why, which has room for
 * WEFT__WS_TROUBLE_MAX bytes, says why not. body is what has come behind the head. */
bool weft__ws_check_response(const struct weft__ws_config *config,
                             const char key[WEFT__WS_KEY_SIZE], struct weft_view response,
                             struct weft_view body, char *why);

#endif
