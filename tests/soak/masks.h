/* SPDX-License-Identifier: MIT
 *
 * This is a client's half of WebSocket (RFC 6455). It shakes hands with the RFC's sample key, and sends masked
 * fragments with pings between them. */
#ifndef SOAK_MASKS_H
#define SOAK_MASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv_frames.h"

struct masks {
    char head[512]; /* the answer to the handshake, until it is whole */
    size_t head_size;
    bool open;

    uint8_t frame[10]; /* the head of the frame that is coming */
    size_t frame_size;
    uint64_t left; /* of its payload */

    unsigned sent; /* frames */
    bool said_close, got_close;
    const char *wrong; /* what the server may not do; NULL: nothing */
};

/* Appends the request of the handshake. */
void masks_ask(struct bytes *up);

/* Appends a frame of the bytes, masked, and now and then a ping. */
void masks_seal(struct masks *masks, struct bytes *up, const uint8_t *data, size_t size);

/* Appends a close frame, once. */
void masks_close(struct masks *masks, struct bytes *up);

/* Takes what the server says, and appends the bytes of its messages. */
void masks_open(struct masks *masks, struct bytes *down, const uint8_t *data, size_t size);

#endif
