/* SPDX-License-Identifier: MIT
 *
 * A client of gRPC that nghttp2 speaks for, as bytes: it makes requests and reads answers, without sockets. Its
 * memory is the C library's. */
#ifndef TEST_GRPC_PEER_H
#define TEST_GRPC_PEER_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GRPC_PEER_CALLS = 512, GRPC_PEER_TEXT = 1024, GRPC_PEER_FIELDS = 64 };

struct grpc_peer_call {
    int32_t id;
    /* Bytes with their prefixes, which are sent. */
    uint8_t *request;
    size_t request_size, request_at;
    bool open; /* the request is not ended behind the bytes so far */
    /* All below has come from the server. */
    int http, code; /* -1: none */
    char words[GRPC_PEER_TEXT], coding[32];
    char header[GRPC_PEER_TEXT], trailer[GRPC_PEER_TEXT]; /* "name=value;" of all other fields */
    uint8_t *reply;                                       /* messages with their prefixes */
    size_t reply_size;
    bool closed;
    uint32_t error; /* of its close */
    bool has_header;
};

struct grpc_peer {
    nghttp2_session *session;
    uint8_t *out; /* for the server */
    size_t out_size, out_cap;
    struct grpc_peer_call calls[GRPC_PEER_CALLS];
    size_t count;
    int goaways;
    uint32_t goaway_error;
    int32_t goaway_last;
    char goaway_words[64];
    int pings, ping_answers, settings;
    bool broken; /* the server broke a rule of HTTP/2 */
};

struct grpc_peer_field {
    const char *name, *value;
};

/* window: of each stream and of the connection; 0: as HTTP/2 has it. auto_window: it opens as bytes come. */
void grpc_peer_init(struct grpc_peer *peer, uint32_t window, bool auto_window);
void grpc_peer_fini(struct grpc_peer *peer);

/* Asks for path, with the usual header fields and further ones (NULL: none; else ended by a NULL name), where a field
 * replaces a usual one of its name, and a value NULL leaves it out. The request's bytes are as they are; `open`: more
 * may be added. Returns the call. */
struct grpc_peer_call *grpc_peer_ask(struct grpc_peer *peer, const char *path,
                                     const struct grpc_peer_field *fields, const void *bytes,
                                     size_t size, bool open);
/* Asks with one message, which gets its prefix. */
struct grpc_peer_call *grpc_peer_say(struct grpc_peer *peer, const char *path, const char *text);
/* Adds bytes to an open request. */
void grpc_peer_add(struct grpc_peer *peer, struct grpc_peer_call *call, const void *bytes,
                   size_t size, bool open);

/* Makes the bytes that are to be sent; they are in out until grpc_peer_sent. */
void grpc_peer_make(struct grpc_peer *peer);
void grpc_peer_sent(struct grpc_peer *peer);
void grpc_peer_hear(struct grpc_peer *peer, const uint8_t *data, size_t size);

/* Returns the size of a prefix and its message, written to dst. */
size_t grpc_prefixed(uint8_t *dst, const void *message, size_t size, bool compressed);
/* Returns the n-th message that a call was answered with, or NULL. */
const uint8_t *grpc_peer_message(const struct grpc_peer_call *call, size_t n, size_t *size,
                                 bool *compressed);

#endif
