/* SPDX-License-Identifier: MIT
 *
 * The peer at the other end of a connection: what the transport has proven of the peer, and what a
 * service or a layer has learnt of it. */
#ifndef WEFT_PEER_H
#define WEFT_PEER_H

#include <stdint.h>

#include "base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_request;

/* Made when it is first asked for; lives until the connection's last request has ended. Everything
 * here is read on the connection's loop. Texts that nobody has set are NULL, numbers -1. */
struct weft_peer {
    uint64_t connection;   /* weft_request_connection's number */
    const char *address;   /* "127.0.0.1:51234" */
    const char *scheme;    /* the transport's name: "tcp" */
    int64_t uid, gid, pid; /* of the process at the other end of a Unix socket */
    const char *user;      /* set with weft_peer_set_user: who it has proven to be */
    const char *label;     /* set with weft_peer_set_label: what it calls itself */
};

/* Returns the peer of the request's connection. NULL: no memory. */
struct weft_peer *weft_request_peer(struct weft_request *request);

/* Copies the text, which replaces the one that was set before; an empty one takes it away. -ENOMEM:
 * nothing changed. */
WEFT_MUST_USE int weft_peer_set_user(struct weft_peer *peer, struct weft_view user);
WEFT_MUST_USE int weft_peer_set_label(struct weft_peer *peer, struct weft_view label);

#ifdef __cplusplus
}
#endif

#endif
