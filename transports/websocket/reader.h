/* SPDX-License-Identifier: MIT
 *
 * Reads the frames of one direction. The payload of binary messages comes out as one stream of bytes, since
 * the boundaries of messages mean nothing here: the codec above has its own. A payload is passed on as it
 * arrives, so a length costs nothing, whatever it promises. Only the payload of a control frame is
 * collected, at most 125 bytes. It allocates nothing. Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_READER_H
#define WEFT_WEBSOCKET_READER_H

#include "frame.h"

/* Zeroed before use, except masked. */
struct weft__ws_reader {
    struct weft__ws_frame frame; /* the one whose payload comes */
    uint64_t done;               /* bytes of its payload that have come */
    bool masked;                 /* in: the peer is a client, so its frames must be masked */
    bool in_frame;               /* a header was read, and its payload is not complete */
    bool in_message;             /* a message was begun and its last fragment has not come */
    uint8_t header_size;         /* bytes of a header that is not complete */
    uint8_t header[WEFT__WS_HEADER_MAX];
    uint8_t control[WEFT__WS_CONTROL_MAX];
};

enum weft__ws_event {
    WEFT__WS_NEEDS_MORE, /* all of the input is taken */
    WEFT__WS_BYTES,      /* message bytes were written, and dst is full or the input is taken */
    WEFT__WS_GOT_PING,   /* reader->control has frame.size bytes, which the pong repeats */
    WEFT__WS_GOT_CLOSE,  /* what->code is the peer's, or WEFT__WS_NO_CODE */
    WEFT__WS_BROKEN,     /* the peer broke a rule: what->code is to be sent, what->why says why */
};

struct weft__ws_what {
    unsigned code;
    const char *why; /* static */
};

/* Goes on with the input until there is an event. *in is advanced by what was taken. At most size bytes are
 * written to dst, and *written says how many; with NEEDS_MORE that is 0. Not called again after CLOSE or
 * BROKEN. */
enum weft__ws_event weft__ws_read(struct weft__ws_reader *reader, struct weft_view *in,
                                  uint8_t *dst, size_t size, size_t *written,
                                  struct weft__ws_what *what);

/* True if the input ended inside a frame or a fragmented message. */
static inline bool weft__ws_inside(const struct weft__ws_reader *reader)
{
    return reader->in_frame || reader->header_size > 0;
}

#endif
