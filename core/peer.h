/* SPDX-License-Identifier: MIT
 *
 * The peer is whoever is at the other end of a connection. This struct holds the facts that the
 * transport has proven about it, and those that a service or a layer has learnt. */
#ifndef WEFT_PEER_H
#define WEFT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_request;

/* There is one per connection, which the core makes at the first weft_request_peer and owns. It lives
 * until the connection is closed and its last request has ended, so a request may keep a pointer to it
 * until its own end. Use it on the connection's loop only. Services and layers read the fields, and change
 * only user, label and grant, with the functions below. A text that nobody has set is NULL, a number -1. */
struct weft_peer {
    uint64_t connection;   /* weft_request_connection's number */
    const char *address;   /* for the log: "127.0.0.1:51234", or "unix" */
    const char *scheme;    /* the transport's name: "tcp" */
    int64_t uid, gid, pid; /* of the process at the other end of a Unix socket */
    /* The claim of who it is that came when the connection was opened: the value of the Authorization field of a
     * WebSocket's handshake. Nobody has checked it. */
    const char *credentials;
    const char *user;    /* the name it has proven to have, by weft_peer_set_user */
    const char *label;   /* the name it gives itself, by weft_peer_set_label */
    const char *subject; /* the common name (CN) of a certificate that the transport has verified */
    const char *names;   /* that certificate's alternative names, with a newline between them */
    const char *server_name; /* what the peer calls this server (SNI) */
    const char *protocol;    /* that both have agreed on (ALPN) */
    void *grant; /* what a layer that guards knows of the user, by weft_peer_set_grant */
};

/* Returns the peer of the request's connection, or NULL if there is no memory. If the first call comes
 * after the connection has closed, uid, gid and pid stay -1. */
struct weft_peer *weft_request_peer(struct weft_request *request);

/* Each sets a text to a copy and frees the one that was set before, so a pointer read earlier is no longer
 * valid. An empty text sets NULL. Returns 0, or -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft_peer_set_user(struct weft_peer *peer, struct weft_view user);
WEFT_MUST_USE int weft_peer_set_label(struct weft_peer *peer, struct weft_view label);

/* Sets what a layer has decided about the peer. The peer owns it: `release` is called with it once, when
 * another one is set or the peer goes. NULL: none. At most one layer of an endpoint uses this. */
void weft_peer_set_grant(struct weft_peer *peer, void *grant, void (*release)(void *grant));

enum { WEFT_PASS_OBJECT_MAX = 32 };

/* A layer that guards gives a peer a pass for what it would allow again, so that it is not asked each time. The pass
 * is valid while *stamp == made. Then requests of the peer that bring no credentials reach the service without the
 * layer's begin, and an action whose flags are all in `flags` and whose object is `object`, or any, is allowed. If such
 * a request needs more than that, ask and end are called for it, with a zeroed state. */
struct weft_pass {
    const unsigned *stamp; /* read with acquire order; lives as long as the server */
    unsigned made;
    unsigned flags; /* of struct weft_action */
    bool any;       /* for any object */
    struct weft_view object;
};

/* Gives the peer a pass in place of the one that it had. NULL, or an object of more than WEFT_PASS_OBJECT_MAX bytes:
 * none. Another user or grant of the peer takes it away. It has no effect if the endpoint has several layers. */
void weft_peer_set_pass(struct weft_peer *peer, const struct weft_pass *pass);

#ifdef __cplusplus
}
#endif

#endif
