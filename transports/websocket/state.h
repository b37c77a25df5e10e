/* SPDX-License-Identifier: MIT
 *
 * The state of one WebSocket. Private to the filter. */
#ifndef WEFT_WEBSOCKET_STATE_H
#define WEFT_WEBSOCKET_STATE_H

#include "accept_key.h"
#include "config.h"
#include "core/filter.h"
#include "reader.h"

enum weft__ws_phase {
    WEFT__WS_SHAKING, /* the opening handshake */
    WEFT__WS_OPEN,
    WEFT__WS_ENDED,  /* the peer said Close, or was given a page: nothing more is read */
    WEFT__WS_FAILED, /* the peer broke a rule, or the handshake failed */
};

enum { WEFT__WS_KEYS = 64 }; /* random bytes for masks that are fetched at once */

struct weft__ws {
    const struct weft__ws_config *config;
    enum weft_role role;
    enum weft__ws_phase phase;
    struct weft__ws_reader reader;
    unsigned code;   /* what our Close frame will say; 0: nothing special */
    bool opened;     /* the handshake succeeded */
    bool said_close; /* our Close frame was written */
    bool pong_owed;  /* reader.control has pong_size bytes of a ping that waits for room */
    uint8_t pong_size;
    const char *why;      /* of FAILED: static, or trouble */
    const char *protocol; /* the subprotocol, of the configuration; NULL: there is none */
    /* The bytes of a head whose end has not come. Wiped when freed, since it may hold a password. */
    uint8_t *head;
    size_t head_size, head_capacity;
    struct weft_bytes credentials; /* a NUL is behind them */
    /* These belong to a client. */
    struct weft__ws_client *client;
};

struct weft__ws_client {
    bool asked;
    char key[WEFT__WS_KEY_SIZE];
    uint8_t masks_left;
    uint8_t masks[WEFT__WS_KEYS];
    char trouble[160];
};

/* Goes on with the handshake. Returns 0 if all of the input is taken and more is needed, or the phase has
 * changed. -ENOMEM, -errno of getrandom(2). */
WEFT_MUST_USE int weft__ws_shake(struct weft__ws *ws, struct weft_filter_io *io);

/* Wipes and frees the bytes of the head. */
void weft__ws_drop_head(struct weft__ws *ws);

/* Appends one final frame. Returns 0 or -ENOMEM, and then the chain is unchanged, or an error of getrandom(2). */
WEFT_MUST_USE int weft__ws_put(struct weft__ws *ws, struct weft_chain *down,
                               enum weft__ws_opcode opcode, struct weft_view payload);

#endif
