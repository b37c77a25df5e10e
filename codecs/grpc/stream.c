/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "core/base/mem.h"
#include "parts.h"

struct grpc_stream *grpc_stream_new(struct grpc_conn *conn, uint32_t id)
{
    struct grpc_loop *loop = conn->loop;
    struct grpc_stream *stream = loop->free;
    if (stream) {
        loop->free = stream->next;
        loop->free_count--;
    } else {
        stream = weft_malloc(sizeof *stream);
        if (!stream)
            return NULL;
    }
    memset(stream, 0, offsetof(struct grpc_stream, room));
    stream->conn = conn;
    stream->id = id;
    stream->head = stream->room;
    stream->head_cap = sizeof stream->room;
    stream->next = conn->streams;
    if (stream->next)
        stream->next->prev = stream;
    conn->streams = stream;
    return stream;
}

static void drop_pieces(struct grpc_conn *conn, struct grpc_stream *stream)
{
    while (stream->first) {
        struct grpc_piece *piece = stream->first;
        stream->first = piece->next;
        weft_blob_unref(piece->blob);
        weft_free(piece);
    }
    conn->queued -= stream->queued;
    stream->queued = 0;
    stream->last = NULL;
}

void grpc_stream_free(struct grpc_conn *conn, struct grpc_stream *stream)
{
    struct grpc_loop *loop = conn->loop;
    drop_pieces(conn, stream);
    grpc_request_drop(conn, stream);
    grpc_many_fini(conn, stream);
    if (stream->head != stream->room)
        weft_free(stream->head);
    weft_free(stream->trailer);
    *(stream->prev ? &stream->prev->next : &conn->streams) = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    if (loop->free_count >= GRPC_STREAMS_KEPT) {
        weft_free(stream);
        return;
    }
    stream->next = loop->free;
    loop->free = stream;
    loop->free_count++;
}

void grpc_stream_close(struct grpc_conn *conn, struct grpc_stream *stream)
{
    if (conn->message == stream)
        conn->message = NULL;
    if (conn->borrower == stream)
        conn->borrower = NULL;
    if (conn->opened == stream)
        conn->opened = NULL;
    if (conn->direct_of == stream)
        conn->direct_of = NULL;
    drop_pieces(conn, stream);
    stream->closed = true;
    if (conn->current == stream)
        return;
    if (stream->untold) {
        grpc_request_drop(conn, stream);
        grpc_many_fini(conn, stream);
    } else {
        grpc_stream_free(conn, stream);
    }
    grpc_many_relax(conn);
}

void grpc_stream_tell_reset(struct grpc_conn *conn, struct weft_message *msg)
{
    struct grpc_stream *stream = conn->streams;
    while (!stream->untold)
        stream = stream->next;
    msg->kind = WEFT_MESSAGE_RESET;
    msg->stream = stream->id;
    stream->untold = false;
    conn->untold--;
    grpc_stream_free(conn, stream);
}
