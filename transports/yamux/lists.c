/* SPDX-License-Identifier: MIT */
#include "core/base/mem.h"
#include "session.h"

void weft__yamux_link(struct weft__yamux_session *session, struct weft__yamux_stream *stream)
{
    stream->session = session;
    stream->next = session->streams;
    stream->link = &session->streams;
    if (stream->next)
        stream->next->link = &stream->next;
    session->streams = stream;
    session->listener.streams++;
}

void weft__yamux_unlink(struct weft__yamux_stream *stream)
{
    *stream->link = stream->next;
    stream->session->listener.streams--;
    if (stream->next)
        stream->next->link = stream->link;
    stream->session = NULL;
}

void weft__yamux_queue_writer(struct weft__yamux_stream *stream)
{
    struct weft__yamux_session *session = stream->session;

    if (stream->writer_link)
        return;
    stream->next_writer = NULL;
    stream->writer_link = session->writers_end;
    *session->writers_end = stream;
    session->writers_end = &stream->next_writer;
}

void weft__yamux_unqueue_writer(struct weft__yamux_stream *stream)
{
    if (!stream->writer_link)
        return;
    *stream->writer_link = stream->next_writer;
    if (stream->next_writer)
        stream->next_writer->writer_link = stream->writer_link;
    else
        stream->session->writers_end = stream->writer_link;
    stream->writer_link = NULL;
}

struct weft__yamux_stream *weft__yamux_take_waiting(struct weft__yamux_session *session)
{
    struct weft__yamux_stream *stream = session->waiting;

    if (!stream)
        return NULL;
    session->waiting = stream->next_waiting;
    if (!session->waiting)
        session->waiting_end = &session->waiting;
    session->waiting_count--;
    return stream;
}

void weft__yamux_add_waiting(struct weft__yamux_stream *stream)
{
    struct weft__yamux_session *session = stream->session;

    *session->waiting_end = stream;
    session->waiting_end = &stream->next_waiting;
    session->waiting_count++;
}

void weft__yamux_drop(struct weft__yamux_stream *stream, bool with_reset)
{
    struct weft__yamux_session *session = stream->session;

    if (session) {
        weft__yamux_forget(&session->protocol, &stream->flow, with_reset);
        session->buffered -= weft_buf_size(&stream->in);
        weft__yamux_unlink(stream);
    }
    weft_buf_fini(&stream->in);
    weft_free(stream);
}

void weft__yamux_drop_waiting(struct weft__yamux_stream *stream)
{
    struct weft__yamux_session *session = stream->session;
    struct weft__yamux_stream **link = &session->waiting;

    while (*link != stream)
        link = &(*link)->next_waiting;
    *link = stream->next_waiting;
    if (!*link)
        session->waiting_end = link;
    session->waiting_count--;
    weft__yamux_drop(stream, false);
}
