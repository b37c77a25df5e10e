/* SPDX-License-Identifier: MIT
 *
 * The keys of the opening handshake. The server proves with SHA-1 that it understood the client's key; this
 * keeps caches and servers of other protocols out, and is no cryptographic protection. Private to the
 * WebSocket filter. */
#ifndef WEFT_WEBSOCKET_ACCEPT_KEY_H
#define WEFT_WEBSOCKET_ACCEPT_KEY_H

#include "core/base/bytes.h"

enum {
    WEFT__WS_KEY_SIZE = 24,    /* of Sec-WebSocket-Key: 16 bytes in base64 */
    WEFT__WS_ACCEPT_SIZE = 28, /* of Sec-WebSocket-Accept: 20 bytes in base64 */
};

/* True if text is 16 bytes in base64. */
bool weft__ws_key_valid(struct weft_view text);

/* Writes the answer to a valid key, without a NUL. */
void weft__ws_accept(char dst[WEFT__WS_ACCEPT_SIZE], struct weft_view key);

/* Writes a fresh random key, without a NUL. Returns 0 or -errno of getrandom(2). */
WEFT_MUST_USE int weft__ws_key_new(char dst[WEFT__WS_KEY_SIZE]);

/* Fills dst with size random bytes, at most 256. Returns 0 or -errno. */
WEFT_MUST_USE int weft__ws_random(uint8_t *dst, size_t size);

#endif
