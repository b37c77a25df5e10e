/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "session.h"
#include "transports/transports.h"

static struct weft__yamux_session *from_listener(struct weft_listener *listener)
{
    return weft_container_of(listener, struct weft__yamux_session, listener);
}

static int configure(void *config, const struct weft_url *url, struct weft_error *error)
{
    const struct weft_option_set set = weft_url_option_set(url);
    return weft__yamux_config_read(config, &set, error);
}

static void begin(struct weft_listener *listener, struct weft_loop *loop, struct weft_stream *below,
                  const struct weft_session_setup *setup)
{
    weft__yamux_session_begin(from_listener(listener), loop, below, setup);
}

static void refuse_waiting(struct weft__yamux_session *session)
{
    struct weft__yamux_stream *stream;

    while ((stream = weft__yamux_take_waiting(session)))
        weft__yamux_drop(stream, true);
}

static void enable(struct weft_listener *listener, bool on)
{
    struct weft__yamux_session *session = from_listener(listener);

    if (on && !session->protocol.said_away)
        session->protocol.takes_streams = true;
    else if (session->state == WEFT__YAMUX_OPEN)
        weft__yamux_go_away(&session->protocol, WEFT__YAMUX_NORMAL);
    session->enabled = on;
    if (!on)
        refuse_waiting(session);
    weft__yamux_session_settle(session);
    weft__yamux_session_flush_soon(session);
}

static int accept_stream(struct weft_listener *listener, struct weft_accepted *accepted, bool shed)
{
    struct weft__yamux_session *session = from_listener(listener);
    struct weft__yamux_stream *stream = weft__yamux_take_waiting(session);

    (void)shed; /* a stream takes no descriptor */
    if (stream) {
        stream->handed = true;
        accepted->handle = (intptr_t)stream;
        snprintf(accepted->peer, sizeof accepted->peer, "%.50s#%u", session->peer, stream->flow.id);
        return 0;
    }
    return session->state == WEFT__YAMUX_OVER ? session->result : -EAGAIN;
}

static void unlisten(struct weft_listener *listener)
{
    weft__yamux_session_close(from_listener(listener));
}

static void drop(const struct weft_accepted *accepted)
{
    struct weft__yamux_stream *stream = (struct weft__yamux_stream *)accepted->handle;
    struct weft__yamux_session *session = stream->session;

    weft__yamux_drop(stream, true);
    if (session) {
        weft__yamux_session_settle(session);
        weft__yamux_session_flush_soon(session);
    }
}

static void make_stream(struct weft__yamux_stream *stream, struct weft_loop *loop)
{
    stream->stream.ops = &weft__yamux_stream_ops;
    stream->loop = loop;
    stream->again.run = weft__yamux_again;
}

static int attach(struct weft_stream *base, struct weft_loop *loop,
                  const struct weft_accepted *accepted)
{
    struct weft__yamux_stream *from = (struct weft__yamux_stream *)accepted->handle;
    struct weft__yamux_stream *stream = weft_container_of(base, struct weft__yamux_stream, stream);
    struct weft__yamux_session *session = from->session;
    int err = 0;

    stream->in = from->in;
    stream->flow = from->flow;
    stream->error = from->error;
    stream->why = from->why;
    make_stream(stream, loop);
    if (session) {
        weft__yamux_move(&session->protocol, &stream->flow, &from->flow);
        weft__yamux_unlink(from);
        weft__yamux_link(session, stream);
        if (!stream->flow.reset)
            err = weft__yamux_answer(&session->protocol, &stream->flow);
        weft__yamux_session_flush_soon(session);
    }
    weft_free(from);
    if (err < 0)
        weft__yamux_stream_ops.close(base);
    return err;
}

static int dial(struct weft_listener *listener, struct weft_stream *base)
{
    struct weft__yamux_session *session = from_listener(listener);
    struct weft__yamux_stream *stream = weft_container_of(base, struct weft__yamux_stream, stream);
    int err = session->state == WEFT__YAMUX_OPEN
                  ? weft__yamux_open(&session->protocol, &stream->flow)
                  : -ECONNREFUSED;

    if (err < 0)
        return err;
    make_stream(stream, session->loop);
    weft__yamux_link(session, stream);
    weft__yamux_session_flush_soon(session);
    return 0;
}

static const char *trouble(const struct weft_listener *listener)
{
    const struct weft__yamux_session *session =
        (const struct weft__yamux_session *)(const void *)listener;
    return session->protocol.why;
}

const struct weft_transport weft_transport_yamux = {
    .name = "yamux",
    .options = weft__yamux_options,
    .listener_size = sizeof(struct weft__yamux_session),
    .stream_size = sizeof(struct weft__yamux_stream),
    .enable = enable,
    .accept = accept_stream,
    .unlisten = unlisten,
    .attach = attach,
    .drop = drop,
    .config_size = sizeof(struct weft__yamux_config),
    .configure = configure,
    .begin = begin,
    .dial = dial,
    .trouble = trouble,
};
