/* SPDX-License-Identifier: MIT
 *
 * The languages in which a set is served, and what they say. Private to this folder. */
#ifndef WEFT_RPC_FACE_H
#define WEFT_RPC_FACE_H

#include "core/service.h"
#include "rpc.h"
#include "services/payload/text.h"

/* Fields and details of an answer, in the form in which its face sends them. */
struct weft__rpc_beside {
    struct weft_text header, trailer, details;
    unsigned headers, trailers; /* their fields */
};

enum weft__rpc_part { WEFT__RPC_HEADER, WEFT__RPC_TRAILER };

/* A message on its way out. */
struct weft__rpc_reply {
    struct weft_body body; /* first: its write casts it back */
    const ProtobufCMessage *message;
    bool last;
    size_t size; /* of the message, packed */
    /* Fields that leave with it; empty if there are none. */
    struct weft_view header, trailer;
    /* Bytes that the body writes, if the face has made some. */
    char head[160];
    size_t head_size;
    struct weft_view view;
};

enum { WEFT__RPC_PIECES = 8 };

/* The end of an answer that is no message: pieces, one behind the other. */
struct weft__rpc_last {
    struct weft_body body; /* first: its write casts it back */
    struct weft_view pieces[WEFT__RPC_PIECES];
    size_t count;
    uint8_t text[WEFT_REJECT_MAX]; /* for pieces that the face writes */
};

/* The language of an endpoint. */
struct weft__rpc_face {
    const char *speaks;
    /* Reads the request's payload: sets target, message, timeout and metadata of the call. Returns OK, or
     * why it cannot, and sets call->words. */
    enum weft_rpc_code (*read)(struct weft_rpc_call *call);
    /* Makes the request's message, in memory of the arena. Returns NULL if it cannot, and sets *code and
     * call->words. */
    ProtobufCMessage *(*unpack)(struct weft_rpc_call *call, struct weft_arena *arena,
                                enum weft_rpc_code *code);
    /* Makes reply->body of its message; valid until the next message of the loop. -ENOMEM. */
    int (*write)(struct weft_rpc_call *call, struct weft__rpc_reply *reply);
    /* Makes the pieces that say how a call ends without a message. Returns 1, or 0: there is no message to say it.
     * -ENOMEM: it cannot be said. call is NULL for a frame that never became a call; then this allocates nothing, and
     * the pieces have at most WEFT_REJECT_MAX bytes. */
    int (*end)(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
               struct weft__rpc_last *last);
    bool (*metadata)(const struct weft_rpc_call *call, struct weft_view name,
                     struct weft_view *value);
    bool bytes_are_plain; /* "-bin" values are not base64 */
    bool has_streams;     /* requests may have many messages */
    /* Add a field of an answer, and a detail, to text, which may fail. */
    void (*put_field)(struct weft_text *text, enum weft__rpc_part part, struct weft_view name,
                      struct weft_view value);
    void (*put_detail)(struct weft_text *text, const ProtobufCMessage *detail);
};

/* The faces. */
extern const struct weft__rpc_face weft__rpc_frames;
extern const struct weft__rpc_face weft__rpc_http;
extern const struct weft__rpc_face
    weft__rpc_grpc; /* instead of frames, if a request has a target */

/* beside.c */
/* Return what leaves with the answer's first message, its last one, and a code; empty views if there is nothing. */
struct weft_view weft__rpc_header_of(const struct weft_rpc_call *call);
struct weft_view weft__rpc_trailer_of(const struct weft_rpc_call *call);
struct weft_view weft__rpc_details_of(const struct weft_rpc_call *call);
void weft__rpc_beside_free(struct weft_rpc_call *call);
/* True if the value of that name is bytes. */
bool weft__rpc_is_bin(struct weft_view name);
/* Adds bytes as base64. */
void weft__rpc_put_base64(struct weft_text *text, struct weft_view bytes);
/* Adds a detail as a field `number` that is a google.protobuf.Any. */
void weft__rpc_put_any(struct weft_text *text, uint32_t number, const ProtobufCMessage *detail);
/* Adds a piece to the end of an answer. */
static inline void weft__rpc_add_piece(struct weft__rpc_last *last, struct weft_view piece)
{
    last->pieces[last->count++] = piece;
    last->body.size += piece.size;
}

#endif
