/* SPDX-License-Identifier: MIT
 *
 * Bytes that came and that nobody has read yet, and what becomes of them when there are too many. */
#include "session.h"

static bool is_attached(const struct weft__yamux_stream *stream)
{
    return stream->stream.ops != NULL;
}

void weft__yamux_drop_input(struct weft__yamux_stream *stream)
{
    stream->session->buffered -= weft_buf_size(&stream->in);
    weft_buf_fini(&stream->in);
    stream->fresh = weft_view(NULL, 0);
}

void weft__yamux_lose(struct weft__yamux_stream *stream)
{
    if (!is_attached(stream) && !stream->handed) {
        weft__yamux_drop_waiting(stream);
        return;
    }
    weft__yamux_drop_input(stream);
    weft__yamux_unqueue_writer(stream);
    weft__yamux_notify(stream);
}

static void reset(struct weft__yamux_stream *stream)
{
    weft__yamux_forget(&stream->session->protocol, &stream->flow, true);
    weft__yamux_lose(stream);
}

/* Resets the stream that holds the most. */
static void relieve(struct weft__yamux_session *session)
{
    struct weft__yamux_stream *most = session->streams;

    for (struct weft__yamux_stream *at = most->next; at; at = at->next)
        if (weft_buf_size(&at->in) > weft_buf_size(&most->in))
            most = at;
    reset(most);
}

void weft__yamux_keep(struct weft__yamux_stream *stream, struct weft_view bytes)
{
    struct weft__yamux_session *session = stream->session;

    if (bytes.size == 0)
        return;
    if (weft_buf_append(&stream->in, bytes) < 0) {
        reset(stream);
        return;
    }
    session->buffered += bytes.size;
    weft__yamux_notify(stream);
    if (session->buffered > session->protocol.config->memory)
        relieve(session);
}
