/* SPDX-License-Identifier: MIT */
#include "core/base/compiler.h"
#include "session.h"

size_t weft__yamux_unread(const struct weft__yamux_stream *stream)
{
    return weft_buf_size(&stream->in) + stream->fresh.size;
}

bool weft__yamux_is_broken(const struct weft__yamux_stream *stream)
{
    return stream->error != 0 || stream->flow.reset || !stream->session;
}

bool weft__yamux_is_readable(const struct weft__yamux_stream *stream)
{
    return weft__yamux_unread(stream) > 0 || stream->flow.got_end || weft__yamux_is_broken(stream);
}

bool weft__yamux_has_room(const struct weft__yamux_session *session)
{
    return session->state == WEFT__YAMUX_OPEN && session->connected &&
           session->protocol.out.bytes < session->protocol.config->output;
}

bool weft__yamux_can_write(const struct weft__yamux_stream *stream)
{
    return weft__yamux_has_room(stream->session) && stream->flow.may_send > 0;
}

unsigned weft__yamux_events(const struct weft__yamux_stream *stream)
{
    unsigned events = weft__yamux_is_readable(stream) ? WEFT_READABLE : 0;

    if (weft__yamux_is_broken(stream) || weft__yamux_can_write(stream))
        events |= WEFT_WRITABLE;
    return events & stream->wanted;
}

void weft__yamux_notify(struct weft__yamux_stream *stream)
{
    if (stream->stream.ops && ((stream->wanted & WEFT_READABLE) || weft__yamux_is_broken(stream)))
        weft_loop_defer(stream->loop, &stream->again);
}

void weft__yamux_again(struct weft_deferred *deferred)
{
    struct weft__yamux_stream *stream =
        weft_container_of(deferred, struct weft__yamux_stream, again);
    unsigned events = weft__yamux_events(stream);

    if (events == 0)
        return;
    /* Again in the next turn, until the owner has read all or wants no more. Room is told of by turns. */
    if (weft__yamux_is_broken(stream) || (events & WEFT_READABLE))
        weft_loop_defer(stream->loop, &stream->again);
    stream->stream.on_ready(&stream->stream, events);
}
