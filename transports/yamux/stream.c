/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/base/compiler.h"
#include "core/peer.h"
#include "session.h"

static struct weft__yamux_stream *from_stream(struct weft_stream *stream)
{
    return weft_container_of(stream, struct weft__yamux_stream, stream);
}

/* Moves bytes to dst, those that were kept first. */
static size_t take(struct weft__yamux_stream *stream, uint8_t *dst, size_t size)
{
    size_t kept = weft_buf_size(&stream->in), part = kept < size ? kept : size;

    if (part > 0) {
        memcpy(dst, weft_buf_view(&stream->in).data, part);
        weft_buf_consume(&stream->in, part);
        stream->session->buffered -= part;
        if (part == kept)
            weft_buf_fini(&stream->in);
    }
    size_t rest = size - part < stream->fresh.size ? size - part : stream->fresh.size;
    if (rest > 0) {
        memcpy(dst + part, stream->fresh.data, rest);
        stream->fresh = weft_view_skip(stream->fresh, rest);
    }
    return part + rest;
}

/* Returns what a read says when no byte is left. */
static ssize_t end_of(struct weft__yamux_stream *stream)
{
    bool soft = stream->error == -EPROTO || stream->error == WEFT_ETRUNCATED;

    if (stream->error != 0 && !(soft && stream->told)) {
        stream->told = true;
        return stream->error;
    }
    if (soft || (stream->flow.got_end && !stream->flow.reset))
        return 0;
    return weft__yamux_is_broken(stream) ? -ECONNRESET : -EAGAIN;
}

static ssize_t read_stream(struct weft_stream *base, uint8_t *dst, size_t size)
{
    struct weft__yamux_stream *stream = from_stream(base);

    if (weft__yamux_unread(stream) == 0 && !weft__yamux_is_readable(stream))
        weft__yamux_session_pull(stream->session);
    size_t n = weft__yamux_unread(stream) > 0 ? take(stream, dst, size) : 0;
    if (n > 0) {
        weft__yamux_count_read(&stream->session->protocol, &stream->flow, n);
        if (stream->flow.read == 0)
            weft__yamux_session_flush_soon(stream->session);
    }
    if (!weft__yamux_is_readable(stream))
        weft_deferred_cancel(&stream->again);
    return n > 0 ? (ssize_t)n : end_of(stream);
}

static ssize_t write_stream(struct weft_stream *base, const struct iovec *vec, int count)
{
    struct weft__yamux_stream *stream = from_stream(base);
    struct weft__yamux_session *session = stream->session;

    if (stream->error != 0 && !stream->told && stream->error != -EPROTO)
        return stream->error;
    if (weft__yamux_is_broken(stream))
        return stream->error != 0 ? -EPIPE : -ECONNRESET;
    if (stream->flow.sent_end)
        return -EPIPE;
    if (!weft__yamux_can_write(stream))
        return -EAGAIN;
    ssize_t n = weft__yamux_send(&session->protocol, &stream->flow, vec, count);
    if (n > 0)
        weft__yamux_session_flush_soon(session);
    return n == 0 ? -EAGAIN : n;
}

static void want(struct weft_stream *base, unsigned interest)
{
    struct weft__yamux_stream *stream = from_stream(base);

    stream->wanted = (uint8_t)interest;
    if (((interest & WEFT_READABLE) && weft__yamux_is_readable(stream)) ||
        (interest && weft__yamux_is_broken(stream)))
        weft_loop_defer(stream->loop, &stream->again);
    else
        weft_deferred_cancel(&stream->again);
    if (!stream->session || stream->error != 0)
        return;
    if (!(interest & WEFT_WRITABLE) || stream->flow.may_send == 0) {
        weft__yamux_unqueue_writer(stream);
        return;
    }
    weft__yamux_queue_writer(stream);
    if (weft__yamux_can_write(stream))
        weft__yamux_session_flush_soon(stream->session);
}

static int shut(struct weft_stream *base)
{
    struct weft__yamux_stream *stream = from_stream(base);

    if (weft__yamux_is_broken(stream))
        return -EPIPE;
    weft__yamux_end(&stream->session->protocol, &stream->flow);
    weft__yamux_session_flush_soon(stream->session);
    return 0;
}

/* Does as a socket: an owner that closes with bytes unread resets the stream, and any other one ends it. */
static void close_stream(struct weft_stream *base)
{
    struct weft__yamux_stream *stream = from_stream(base);
    struct weft__yamux_session *session = stream->session;
    bool has_unread = weft__yamux_unread(stream) > 0;

    weft_deferred_cancel(&stream->again);
    if (session) {
        weft__yamux_unqueue_writer(stream);
        session->buffered -= weft_buf_size(&stream->in);
        if (session->current == stream)
            session->current = NULL;
        if (!has_unread)
            weft__yamux_end(&session->protocol, &stream->flow);
        weft__yamux_forget(&session->protocol, &stream->flow, has_unread);
        weft__yamux_unlink(stream);
        weft__yamux_session_settle(session);
        weft__yamux_session_flush_soon(session);
    }
    weft_buf_fini(&stream->in);
}

static void identify(struct weft_stream *base, struct weft_peer *peer)
{
    struct weft__yamux_stream *stream = from_stream(base);

    if (stream->session && stream->session->below->ops->identify)
        stream->session->below->ops->identify(stream->session->below, peer);
}

static const char *trouble(const struct weft_stream *base)
{
    const struct weft__yamux_stream *stream = (const struct weft__yamux_stream *)(const void *)base;
    const struct weft__yamux_session *session = stream->session;

    /* A server of yamux answers a stream's SYN. One of another protocol may wait for the rest of a long message. */
    if (!stream->why && session && session->connected && !session->protocol.begun)
        return "nothing of yamux has come back, so this may be the address of another protocol";
    return stream->why;
}

const struct weft_stream_ops weft__yamux_stream_ops = {
    .read = read_stream,
    .writev = write_stream,
    .want = want,
    .shutdown = shut,
    .close = close_stream,
    .identify = identify,
    .trouble = trouble,
};
