/* SPDX-License-Identifier: MIT
 *
 * The parts of the codec `grpc` (codecs/grpc.c): gRPC over HTTP/2, as PROTOCOL-HTTP2.md of the gRPC project says.
 * nghttp2 knows HTTP/2: frames, HPACK, windows, streams. It gets one frame at a time, so that a decode gives
 * at most one message. Private to codecs/grpc/. */
#ifndef WEFT__GRPC_PRIVATE_H
#define WEFT__GRPC_PRIVATE_H

#include <nghttp2/nghttp2.h>

#include "codecs/compress/gzip.h"
#include "codecs/compress/scratch.h"
#include "codecs/compress/settings.h"
#include "core/codec.h"
#include "core/reject.h"

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
    uint32_t max_streams; /* that a peer may have open */
    uint32_t max_head;    /* the largest list of header fields, counted as HTTP/2 does */
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

    /* The answer. */
    struct grpc_piece *first, *last;
    size_t queued; /* bytes of the pieces that have not left */
    bool begun;    /* the header was submitted */
    bool over;     /* the last encode has come */
    bool closed;   /* nghttp2 has forgotten it, and it lives until the next decode */
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
    struct grpc_stream *borrower;
    uint32_t reset;     /* the stream that this decode reports as reset, or 0 */
    size_t queued;      /* of all streams */
    size_t partial;     /* bytes of messages that have not come whole */
    int64_t last_ping;  /* when the last ping came that counts */
    uint8_t strikes;    /* pings that came too soon, since we have sent anything */
    uint32_t idle;      /* frames in a row that brought nothing */
    bool no_memory;     /* an allocation has failed: nghttp2 is not called any more */
    bool unknown;       /* io->unknown of this decode */
    bool let_in;        /* a call with credentials was not rejected */
    bool pinged;        /* since we have sent anything */
    bool begun;         /* the preface has come */
    bool in_head;       /* a header block has begun and not ended */
    bool asked;         /* a goodbye waits for its answer */
    bool said_goodbye;  /* the final GOAWAY was submitted */
    bool peer_goodbye;  /* the peer will make no more requests */
    const char *detail; /* why we end the connection, or NULL */
    /* The body that encode has been given, until it is sent or queued. */
    const struct weft_body *direct;
    struct grpc_stream *direct_of;
    uint8_t direct_prefix[GRPC_PREFIX];
    /* The head of the message that the last decode gave. */
    struct weft_message_head head;
};

/* session.c */
int grpc_loop_init(struct grpc_loop *loop, const struct grpc_config *config);
void grpc_loop_fini(struct grpc_loop *loop);
/* Makes the session and submits what it says first. Returns 0 or -ENOMEM. */
int grpc_session_begin(struct grpc_conn *conn);
/* Submits what a drain says first, and the last words. */
void grpc_session_ask(struct grpc_conn *conn);
void grpc_session_goodbye(struct grpc_conn *conn);

/* request.c: callbacks of nghttp2, and what becomes of a message */
int grpc_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user);
int grpc_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                   size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                   void *user);
/* Called when a request's header fields are complete. */
void grpc_request_head_done(struct grpc_conn *conn, struct grpc_stream *stream);
/* Called when the peer has ended its direction of the stream. */
void grpc_request_half_closed(struct grpc_conn *conn, struct grpc_stream *stream);
int grpc_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                 size_t size, void *user);
/* Copies a borrowed message that has not ended with its frame. Returns 0 or -ENOMEM. */
int grpc_request_own(struct grpc_conn *conn, struct grpc_stream *stream);
/* Makes *msg the message of stream, inflated if need be. Returns 0 or -ENOMEM. */
int grpc_request_deliver(struct grpc_conn *conn, struct grpc_stream *stream,
                         struct weft_message *msg);

/* memory.c */
/* Returns the allocator for the connection's session. It sets conn->no_memory if an allocation fails. */
nghttp2_mem grpc_memory(struct grpc_conn *conn);
/* Frees what the session has, without calling it. */
void grpc_memory_free(struct grpc_conn *conn);

/* wire.c */
/* Ends the connection: a GOAWAY is submitted. */
void grpc_session_end(struct grpc_conn *conn, uint32_t error, const char *detail);
/* Sends to conn->out what may be sent. Returns 0 or -ENOMEM. */
int grpc_session_send(struct grpc_conn *conn);

/* stream.c */
/* Frees what was received. */
void grpc_request_drop(struct grpc_conn *conn, struct grpc_stream *stream);
struct grpc_stream *grpc_stream_new(struct grpc_conn *conn, uint32_t id); /* NULL: no memory */
/* Frees it, or lets the next decode do so if its views are in use. */
void grpc_stream_close(struct grpc_conn *conn, struct grpc_stream *stream);
void grpc_stream_free(struct grpc_conn *conn, struct grpc_stream *stream);

/* answer.c */
ssize_t grpc_read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *user);
int grpc_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                   size_t length, nghttp2_data_source *source, void *user);
/* Answers a request that becomes no message. http: the status of HTTP. */
void grpc_reply_refuse(struct grpc_conn *conn, struct grpc_stream *stream, unsigned http,
                       enum grpc_code code, const char *words);
/* Does what encode does. */
int grpc_reply_encode(struct grpc_conn *conn, struct grpc_stream *stream,
                      const struct weft_body *body, struct weft_encode_io *io);

/* status.c */
enum grpc_code grpc_code_of(enum weft_reject_cause cause);
/* Writes words for a rejection to text. */
void grpc_words_of(const struct weft_rejection *rejection, char *text, size_t room);
/* Writes words as grpc-message has them. dst has 3 bytes for each byte of words. Returns the position behind. */
uint8_t *grpc_percent_encode(struct weft_view words, uint8_t *dst);
/* Reads a grpc-timeout. Returns false if it is none. */
bool grpc_read_timeout(struct weft_view text, uint64_t *nanoseconds);

#endif
