/* SPDX-License-Identifier: MIT
 *
 * One end of a WebSocket, driven as core/filter.h says, but meaner: each piece of input is a block of its own
 * size, so that AddressSanitizer sees a byte read too far. */
#ifndef TEST_WS_FIXTURE_H
#define TEST_WS_FIXTURE_H

#include "core/base/buf.h"
#include "transports/websocket/websocket.h"

struct ws_end {
    struct weft_websocket context;
    void *config, *state;
    struct weft_chain down;
    struct weft_buf got; /* message bytes */
    uint8_t *left;       /* input that the filter has left */
    size_t left_size;
    ssize_t result; /* of the last open, or 0 */
    bool is_open;
    size_t room; /* of dst; 0 after init: there is always enough */
};

/* query is what would stand behind the ? of a URL. Returns what configure or init returned; on failure nothing
 * is held. */
int ws_end_init(struct ws_end *end, enum weft_role role, const char *query,
                struct weft_error *error);
void ws_end_fini(struct ws_end *end);

/* More bytes have come from below. Calls open until it wants more or ends. Returns its last result. */
ssize_t ws_end_feed(struct ws_end *end, const void *bytes, size_t size);
ssize_t ws_end_text(struct ws_end *end, const char *text);
ssize_t ws_end_pieces(struct ws_end *end, struct weft_view bytes, size_t piece);
ssize_t ws_end_eof(struct ws_end *end);

/* Bytes from above, or the end of them. */
int ws_end_seal(struct ws_end *end, const void *bytes, size_t size);
int ws_end_finish(struct ws_end *end);
const char *ws_end_trouble(const struct ws_end *end);

/* Takes what goes below out of the chain: a copy with a NUL behind it, to be freed with free(). */
uint8_t *ws_end_take(struct ws_end *end, size_t *size);

/* The opening handshake of RFC 6455, section 1.3, and its answer. */
extern const char ws_hello[], ws_welcome[];
/* A server that has accepted it; nothing is left in down. */
void ws_end_open_server(struct ws_end *end);

/* A frame that is masked as a client's. The memory is the caller's (free()). */
uint8_t *ws_frame(unsigned first, const void *payload, size_t size, size_t *frame_size);

#endif
