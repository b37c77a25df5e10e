/* SPDX-License-Identifier: MIT
 *
 * The codec `grpc` (codecs/grpc.c) and its state: gRPC over HTTP/2, as PROTOCOL-HTTP2.md of the gRPC project says.
 * nghttp2 knows HTTP/2: frames, HPACK, windows, streams. It gets one frame at a time, so that a decode gives
 * at most one message. Private to codecs/grpc/. */
#ifndef WEFT__GRPC_PRIVATE_H
#define WEFT__GRPC_PRIVATE_H

#include <nghttp2/nghttp2.h>

#include "codecs/compress/gzip.h"
#include "codecs/compress/scratch.h"
#include "codecs/compress/settings.h"
#include "core/base/buf.h"
#include "core/codec.h"

enum {
    GRPC_PREFIX = 5,           /* bytes before a message: a flag and its length */
    GRPC_FRAME_HEADER = 9,     /* bytes before a frame of HTTP/2 */
    GRPC_FRAME_MAX = 16384,    /* the largest frame that we take, as HTTP/2 has it by default */
    GRPC_HEAD_ROOM = 416,      /* bytes of a request's fields that need no memory of their own */
    GRPC_STREAMS_KEPT = 256,   /* free streams per loop */
    GRPC_FIELDS_MAX = 48,      /* fields of a service's metadata that are sent */
    GRPC_MESSAGE_MAX = 1 << 10 /* bytes of words for people, once they are percent-encoded */
};

/* Codes of google.rpc.Code. */
enum grpc_code {
    GRPC_OK = 0,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16
};

struct grpc_config {
    uint64_t max_frame, max_message;
    struct weft__gzip_settings gzip;
    int64_t keepalive_time;    /* silence before a ping of ours; 0: none is sent */
    int64_t keepalive_timeout; /* silence after it that ends the connection */
    uint32_t max_streams;      /* that a peer may have open */
    uint32_t max_head;         /* the largest list of header fields, counted as HTTP/2 does */
    bool keepalive_idle;       /* pings are sent without calls, too */
};

struct grpc_stream;

struct grpc_loop {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    struct weft__gzip gzip;
    struct weft__scratch inflated; /* a message; valid until the next decode */
    struct weft__scratch deflated;
    struct grpc_stream *free; /* linked by next */
    size_t free_count;
};

/* A message on its way out that the peer's window has not had room for. */
struct grpc_piece {
    struct grpc_piece *next;
    struct weft_blob *blob; /* the message: counted */
    size_t at;              /* bytes of prefix and message that have left */
    uint8_t prefix[GRPC_PREFIX];
};

/* The number of times that a peer may yet do something: so often at once, and more as time passes. */
struct grpc_allowance {
    uint64_t left;
    int64_t since; /* when time was last counted */
};

struct grpc_conn;

/* A request, from its first header to the end of its answer. */
struct grpc_stream {
    struct grpc_stream *next, *prev; /* of its connection */
    struct grpc_conn *conn;
    uint32_t id;

    /* The request. The head is the target, and behind it the metadata. */
    uint8_t *head; /* owned unless it is `room` */
    size_t head_size, head_cap, target_size;
    size_t credentials_at, credentials_size; /* in head */
    size_t fields_size;                      /* as HTTP/2 counts them */
    uint64_t deadline;
    uint8_t *body; /* owned: the part of the message that has come in earlier frames */
    size_t body_size, body_cap;
    const uint8_t *borrowed; /* the whole message, in the view of this decode */
    uint32_t length;         /* of the message, if the prefix has come */
    uint8_t prefix[GRPC_PREFIX], prefix_size;
    uint8_t bad_code; /* not 0: what is wrong with the head, with the words `bad` */
    uint16_t bad_http;
    const char *bad;
    bool is_post, has_type, has_head; /* has_head: the target is complete */
    bool gzip_comes, gzip_goes;       /* what the request's messages have, and what it takes */
    bool other_coding;                /* the request's messages have a coding that we do not know */
    bool too_big, refused, half_closed, delivered;

    /* A request with many messages (many.c). */
    struct grpc_stream *next_ready; /* in its connection's list, if is_ready */
    struct weft_buf input;          /* what has come of its messages, with their prefixes */
    size_t given;                   /* bytes of input that the last decode gave */
    size_t unconsumed;              /* bytes of input that its window is smaller by */
    bool offered;                   /* its head was given, and nobody has asked for a message yet */
    bool many;                      /* somebody has */
    bool wanted, is_ready;
    bool overflowed; /* no memory is allowed for the rest of its message */

    /* The answer. */
    struct grpc_piece *first, *last;
    size_t queued; /* bytes of the pieces that have not left */
    bool begun;    /* the header was submitted */
    bool over;     /* the last encode has come */
    bool closed;   /* nghttp2 has forgotten it, and it lives until the next decode */
    bool untold;   /* its peer has reset it, and no decode has said so yet; closed, too */
    uint32_t code;
    uint8_t *trailer; /* owned, or NULL: words, already encoded, and behind them metadata */
    size_t words_size, trailer_size;

    uint8_t room[GRPC_HEAD_ROOM]; /* last, since it is not zeroed */
};

/* A list of blocks, without its end in the other direction. */
struct grpc_blocks {
    struct grpc_blocks *next, *prev;
};

struct grpc_conn {
    nghttp2_session *session;  /* NULL until the first decode */
    struct grpc_blocks blocks; /* the session's memory */
    const struct grpc_config *config;
    struct grpc_loop *loop;
    const int64_t *now;
    struct weft_chain *out; /* during a call of nghttp2 */
    struct grpc_stream *streams;
    struct grpc_stream *current; /* what the last decode gave: its views are in use */
    struct grpc_stream *message; /* what this decode gives */
    struct grpc_stream *opened;  /* the stream whose head this decode gives */
    struct grpc_stream *ready;   /* streams with a message that is asked for, the longest first */
    struct grpc_stream *borrower;
    uint32_t keepalive_open; /* keepalive pings that have no answer */
    size_t untold;           /* streams that are: one frame, such as SETTINGS, may reset several */
    size_t queued;           /* of all streams */
    size_t partial;          /* bytes of messages that have not come whole */
    size_t buffered;         /* bytes of the input of requests with many messages */
    size_t unconsumed;       /* bytes that the connection's window is smaller by */
    int64_t last_ping;       /* when the last ping came that counts */
    int64_t keepalive_at;    /* when the last keepalive ping was sent */
    struct grpc_allowance frames; /* that bring nothing */
    struct grpc_allowance resets;
    uint8_t strikes;      /* pings that came too soon, since we have sent anything */
    bool brought;         /* the frame that is read brings something, or is counted elsewhere */
    bool no_memory;       /* an allocation has failed: nghttp2 is not called any more */
    bool many;            /* heads are given */
    bool unknown;         /* io->unknown of this decode */
    bool let_in;          /* a call with credentials was not rejected */
    bool pinged;          /* since we have sent anything */
    bool keepalive_waits; /* nothing has come since the last keepalive ping */
    bool begun;           /* the preface has come */
    bool foreign;         /* the peer speaks another protocol, and is told so in that */
    bool in_head;         /* a header block has begun and not ended */
    bool asked;           /* a goodbye waits for its answer */
    bool said_goodbye;    /* the final GOAWAY was submitted */
    bool peer_goodbye;    /* the peer will make no more requests */
    const char *detail;   /* why we end the connection, or NULL */
    /* The body that encode has been given, until it is sent or queued. */
    const struct weft_body *direct;
    struct grpc_stream *direct_of;
    uint8_t direct_prefix[GRPC_PREFIX];
    /* The head of the message that the last decode gave. */
    struct weft_message_head head;
};

#endif
