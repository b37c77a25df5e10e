/* SPDX-License-Identifier: MIT
 *
 * This is a client's half of yamux with one stream, written from hashicorp's specification (github.com/hashicorp/yamux,
 * spec.md) and from no code of the library. It keeps to the window, grants what it has read, and sends pings. */
#ifndef SOAK_MUXED_H
#define SOAK_MUXED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv_frames.h"

struct muxed {
    uint8_t head[12]; /* of the frame that is coming */
    size_t head_size;
    uint32_t left;     /* bytes of its data */
    uint32_t room;     /* bytes that the server takes */
    unsigned sent;     /* data frames */
    bool got_end;      /* FIN or RST */
    const char *wrong; /* what the server may not do; NULL: nothing */
};

/* Appends the frame that opens the stream. */
void muxed_begin(struct muxed *muxed, struct bytes *up);

/* Appends a frame of the bytes, at most `room`, and now and then a ping. */
void muxed_seal(struct muxed *muxed, struct bytes *up, const uint8_t *data, size_t size);

/* Appends the end of the client's direction. */
void muxed_end(struct bytes *up);

/* Takes what the server says, and appends the bytes of the stream to down, and answers to up. */
void muxed_open(struct muxed *muxed, struct bytes *down, struct bytes *up, const uint8_t *data,
                size_t size);

#endif
