/* SPDX-License-Identifier: MIT
 *
 * The header of a yamux frame, as hashicorp's specification has it (github.com/hashicorp/yamux, spec.md: "Framing"):
 *
 *      0        1        2        4            8           12
 *      | version | type  | flags  | stream id  | length    |     all in network byte order
 *
 * Everything here is pure. Private to yamux. */
#ifndef WEFT_YAMUX_FRAME_H
#define WEFT_YAMUX_FRAME_H

#include "core/base/bytes.h"

enum {
    WEFT__YAMUX_HEADER = 12, /* bytes; spec.md, "Framing" */
    WEFT__YAMUX_VERSION = 0, /* spec.md, "Version Field" */
    WEFT__YAMUX_SESSION = 0, /* the id of no stream; spec.md, "StreamID Field" */
    WEFT__YAMUX_FLAGS = 0xF, /* all flags that there are */
    WEFT__YAMUX_TELLING = 4, /* bytes of a header that tell if it is one: version, type and flags */
    /* The window with which each stream begins, in bytes: spec.md, "Flow Control". */
    WEFT__YAMUX_WINDOW = 256 * 1024,
};

/* spec.md, "Type Field". */
enum weft__yamux_type {
    WEFT__YAMUX_DATA = 0,    /* length: bytes behind the header */
    WEFT__YAMUX_UPDATE = 1,  /* length: bytes that the window grows by */
    WEFT__YAMUX_PING = 2,    /* length: a value, which is echoed */
    WEFT__YAMUX_GO_AWAY = 3, /* length: an enum weft__yamux_code */
};

/* spec.md, "Flag Field". */
enum weft__yamux_flag {
    WEFT__YAMUX_SYN = 1, /* begins a stream; a ping that wants an answer */
    WEFT__YAMUX_ACK = 2, /* accepts a stream; the answer to a ping */
    WEFT__YAMUX_FIN = 4, /* ends the sender's direction */
    WEFT__YAMUX_RST = 8, /* ends the stream at once */
};

/* spec.md, "Session termination". */
enum weft__yamux_code {
    WEFT__YAMUX_NORMAL = 0,
    WEFT__YAMUX_PROTOCOL_ERROR = 1,
    WEFT__YAMUX_INTERNAL_ERROR = 2,
};

struct weft__yamux_header {
    uint8_t version, type;
    uint16_t flags;
    uint32_t id, length;
};

/* Writes a header of this version to dst, which has WEFT__YAMUX_HEADER bytes. */
void weft__yamux_put_header(uint8_t *dst, enum weft__yamux_type type, unsigned flags, uint32_t id,
                            uint32_t length);

/* Returns the fields of a header, which nobody has checked. */
struct weft__yamux_header weft__yamux_get_header(const uint8_t *src);

/* Judges the first bytes that a peer sends, WEFT__YAMUX_TELLING of them. Returns NULL if a session can begin with them,
 * else static words about the peer, which name its protocol if the bytes show it. by_client: a client has sent them. */
const char *weft__yamux_find_other_protocol(const uint8_t *first, bool by_client);

#endif
