/* SPDX-License-Identifier: MIT
 *
 * Several endpoints may share an address, each with a codec and a service of its own. A connection there
 * begins undecided: it counts for the first endpoint, and no plugin has seen it yet. Its first bytes stay
 * where they are until one codec claims them, so the chosen codec decodes all of them. They are an
 * unfinished frame as far as deadlines are concerned. */
#include <errno.h>

#include "conn_private.h"
#include "core/loop/turn.h"

void weft__conn_bind(struct weft__conn *conn, struct weft__binding *binding)
{
    conn->undecided = false;
    conn->binding = binding;
    conn->codec.config = binding->codec_config;
    conn->codec.loop = binding->codec_loop;
    conn->codec.config_id = binding->config_id;
    conn->codec.many = binding->codec->want && binding->service->streams;
    conn->codec.now = &binding->worker->loop->now;
    conn->unknown = binding->layers.guarded;
    conn->streaming = binding->codec->backlog != NULL;
    if (binding->codec->init)
        binding->codec->init(&conn->codec, WEFT_SERVER);
    weft__conn_tick(conn);
}

static enum weft_reason reason_of_open(int err)
{
    switch (err) {
    case -ENOMEM:
        return WEFT_REASON_NO_MEMORY;
    case -EMFILE:
    case -ENFILE:
        return WEFT_REASON_NO_DESCRIPTOR;
    default:
        return WEFT_REASON_INTERNAL;
    }
}

void weft__conn_open_service(struct weft__conn *conn)
{
    const struct weft__binding *binding = conn->binding;
    int err = binding->service->open
                  ? binding->service->open(conn->service_conn, binding->service_loop)
                  : 0;

    conn->service_open = err == 0;
    if (err < 0)
        weft__conn_break(conn, reason_of_open(err));
}

/* True if the protocol is the codec's in TLS (ALPN) or, as weft.NAME, in a WebSocket. */
static bool is_protocol_of(const struct weft_codec *codec, const char *protocol)
{
    if (codec->alpn && strcmp(codec->alpn, protocol) == 0)
        return true;
    return strncmp(protocol, "weft.", 5) == 0 && strcmp(protocol + 5, codec->name) == 0;
}

/* Returns the endpoint whose protocol the transport has negotiated, or NULL. */
static struct weft__binding *find_negotiated(const struct weft__conn *conn)
{
    const struct weft_stream_ops *ops = conn->stream->ops;
    const char *protocol = ops->protocol ? ops->protocol(conn->stream) : NULL;

    for (size_t i = 0; protocol && i < conn->binding->variants; i++) {
        if (is_protocol_of(conn->binding[i].codec, protocol))
            return &conn->binding[i];
    }
    return NULL;
}

/* Asks the codecs in order, of which each has to say no before the next one may say yes. Returns NULL if
 * one of them needs more bytes. The first takes what none claims. */
static struct weft__binding *find_claimant(const struct weft__conn *conn, struct weft_view view)
{
    struct weft__binding *first = conn->binding;
    bool is_all = conn->eof || view.size >= WEFT_PROBE_MAX;
    struct weft_view in =
        weft_view(view.data, view.size < WEFT_PROBE_MAX ? view.size : WEFT_PROBE_MAX);

    for (size_t i = 0; i < first->variants; i++) {
        const struct weft_codec *codec = first[i].codec;
        enum weft_probe answer =
            codec->probe ? codec->probe(first[i].codec_config, in) : WEFT_PROBE_NO;
        if (answer == WEFT_PROBE_YES)
            return &first[i];
        if (answer == WEFT_PROBE_MORE && !is_all)
            return NULL;
    }
    return first;
}

/* Moves what the connection has counted for the first endpoint to the chosen one. */
static void move_counts(struct weft__binding *from, struct weft__binding *to, uint64_t bytes)
{
    weft__count(&from->counts.accepted, (uint64_t)-1);
    weft__count(&from->counts.open, (uint64_t)-1);
    weft__count(&from->counts.bytes_in, -bytes);
    weft__count(&to->counts.accepted, 1);
    weft__count(&to->counts.open, 1);
    weft__count(&to->counts.bytes_in, bytes);
}

WEFT_NOINLINE bool weft__conn_decide(struct weft__conn *conn, struct weft_view view)
{
    struct weft__binding *chosen;

    if (view.size == 0 || conn->state != WEFT__CONN_OPEN)
        return false;
    chosen = find_negotiated(conn);
    if (!chosen)
        chosen = find_claimant(conn, view);
    if (!chosen)
        return false;
    move_counts(conn->binding, chosen, view.size);
    weft__conn_bind(conn, chosen);
    weft__conn_open_service(conn);
    return conn->state == WEFT__CONN_OPEN;
}
