/* SPDX-License-Identifier: MIT
 *
 * WebSocket (RFC 6455) as a filter over a stream, for both roles. Binary messages carry the frames of the
 * endpoint's codec, in pieces of any size: where a message ends means nothing. docs/websocket.md describes it
 * for users. */
#ifndef WEFT_WEBSOCKET_H
#define WEFT_WEBSOCKET_H

#include "core/filter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The filter's context in a registry. It holds the pages that servers' endpoints have read. The memory is the
 * caller's, zeroed. */
struct weft_websocket {
    struct weft__ws_page *pages; /* the filter's own */
};

/* Frees the pages. Call it after the last server whose registry had the context is gone. */
void weft_websocket_fini(struct weft_websocket *context);

/* Its name is "ws". A client may be registered with a NULL context. */
extern const struct weft_filter weft_filter_websocket;

#ifdef __cplusplus
}
#endif

#endif
