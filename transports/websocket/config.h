/* SPDX-License-Identifier: MIT
 *
 * The configuration that a URL gives to the WebSocket filter. Private to the filter. */
#ifndef WEFT_WEBSOCKET_CONFIG_H
#define WEFT_WEBSOCKET_CONFIG_H

#include "core/base/bytes.h"
#include "core/base/url.h"
#include "core/codec.h"

struct weft_websocket;
struct weft__ws_page;

enum {
    WEFT__WS_PATH_MAX = 256,
    WEFT__WS_HOST_MAX = 272,
    WEFT__WS_ORIGINS_MAX = 512,
    WEFT__WS_PROTOCOLS_MAX = 512
};

/* Plain bytes, so that equal configurations can be shared. */
struct weft__ws_config {
    char path[WEFT__WS_PATH_MAX];       /* begins with a slash; has no query */
    char host[WEFT__WS_HOST_MAX];       /* a client's: the Host field */
    char origins[WEFT__WS_ORIGINS_MAX]; /* separated by commas; empty: none was given */
    /* The subprotocols that the endpoint speaks, in order of preference, each with its NUL; an empty one
     * ends them. */
    char protocols[WEFT__WS_PROTOCOLS_MAX];
    const struct weft__ws_page *pages; /* of the context; NULL: none */
};

/* Option names, as in a URL. */
extern const struct weft_option weft__ws_options[];

/* Reads a URL. context may be NULL for a client. codecs are the endpoint's, ended by NULL. */
WEFT_MUST_USE int weft__ws_configure(struct weft__ws_config *config, struct weft_websocket *context,
                                     const struct weft_url *url, enum weft_role role,
                                     const struct weft_codec *const *codecs,
                                     struct weft_error *error);

#endif
