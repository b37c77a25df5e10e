/* SPDX-License-Identifier: MIT */
#include "core/peer.h"

#include <errno.h>

#include "conn.h"
#include "core/base/compiler.h"

/* The stream's text goes with the stream, but the peer may outlive that. */
static int keep_credentials(struct weft__peer *peer)
{
    const char *text = peer->public.credentials;

    if (!text)
        return 0;
    peer->credentials = weft_malloc(strlen(text) + 1);
    peer->public.credentials = peer->credentials;
    if (!peer->credentials)
        return -ENOMEM;
    memcpy(peer->credentials, text, strlen(text) + 1);
    return 0;
}

/* Copies what a transport has proven likewise, into one block. */
static int keep_proven(struct weft__peer *peer)
{
    const char **const texts[] = {&peer->public.subject, &peer->public.names,
                                  &peer->public.server_name, &peer->public.protocol};
    const size_t count = sizeof texts / sizeof *texts;
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
    if (size == 0)
        return 0;
    char *copy = weft_malloc(size);
    if (!copy)
        return -ENOMEM;
    peer->proven = copy;
    for (size_t i = 0; i < count; i++) {
        size_t length = *texts[i] ? strlen(*texts[i]) + 1 : 0;
        if (length == 0)
            continue;
        memcpy(copy, *texts[i], length);
        *texts[i] = copy;
        copy += length;
    }
    return 0;
}

static void drop_pass(struct weft__peer *peer)
{
    static const unsigned never = 0;

    peer->pass.stamp = &never;
    peer->pass.made = 1;
    peer->pass.denied = ~0u;
}

static struct weft__peer *make_peer(struct weft__conn *conn)
{
    struct weft__peer *peer = weft_calloc(1, sizeof *peer);

    if (peer) {
        peer->public = (struct weft_peer){
            .connection = conn->id,
            .address = conn->address,
            .scheme = conn->binding->scheme,
            .uid = -1,
            .gid = -1,
            .pid = -1,
        };
        if (conn->state != WEFT__CONN_CLOSED && conn->stream->ops->identify)
            conn->stream->ops->identify(conn->stream, &peer->public);
        if (keep_proven(peer) < 0 || keep_credentials(peer) < 0) {
            weft_free(peer->proven);
            weft_free(peer);
            return NULL;
        }
        peer->conn = conn;
        drop_pass(peer);
        conn->peer = peer;
    }
    return peer;
}

struct weft__peer *weft__conn_peer(struct weft__conn *conn)
{
    return conn->peer ? conn->peer : make_peer(conn);
}

struct weft_peer *weft_request_peer(struct weft_request *public)
{
    struct weft__conn *conn = weft_container_of(public, struct weft__request, public)->conn;
    struct weft__peer *peer = weft__conn_peer(conn);

    return peer ? &peer->public : NULL;
}

static int replace(char **text, struct weft_view with)
{
    char *copy = NULL;

    if (with.size > 0) {
        copy = weft_malloc(with.size + 1);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, with.data, with.size);
        copy[with.size] = '\0';
    }
    weft_free(*text);
    *text = copy;
    return 0;
}

void weft_peer_set_pass(struct weft_peer *public, const struct weft_pass *pass)
{
    struct weft__peer *peer = weft_container_of(public, struct weft__peer, public);

    drop_pass(peer);
    if (!pass || (!pass->any && pass->object.size > sizeof peer->pass.object))
        return;
    peer->pass.stamp = pass->stamp;
    peer->pass.made = pass->made;
    peer->pass.denied = ~(pass->flags | WEFT__PASS_NONE);
    peer->pass.any = pass->any;
    peer->pass.size = pass->any ? 0 : (uint8_t)pass->object.size;
    if (peer->pass.size > 0)
        memcpy(peer->pass.object, pass->object.data, peer->pass.size);
}

int weft_peer_set_user(struct weft_peer *public, struct weft_view user)
{
    struct weft__peer *peer = weft_container_of(public, struct weft__peer, public);
    int err = replace(&peer->user, user);

    drop_pass(peer);
    public->user = peer->user;
    peer->conn->unknown = peer->conn->binding->layers.guarded && !peer->user;
    return err;
}

int weft_peer_set_label(struct weft_peer *public, struct weft_view label)
{
    struct weft__peer *peer = weft_container_of(public, struct weft__peer, public);
    int err = replace(&peer->label, label);

    public->label = peer->label;
    return err;
}

void weft_peer_set_grant(struct weft_peer *public, void *grant, void (*release)(void *grant))
{
    struct weft__peer *peer = weft_container_of(public, struct weft__peer, public);

    drop_pass(peer);
    if (public->grant)
        peer->release(public->grant);
    public->grant = grant;
    peer->release = release;
}

void weft__peer_free(struct weft__peer *peer)
{
    if (!peer)
        return;
    weft_peer_set_grant(&peer->public, NULL, NULL);
    weft_free(peer->user);
    weft_free(peer->label);
    if (peer->credentials)
        explicit_bzero(peer->credentials, strlen(peer->credentials));
    weft_free(peer->credentials);
    weft_free(peer->proven);
    weft_free(peer);
}
