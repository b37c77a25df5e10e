/* SPDX-License-Identifier: MIT
 *
 * Requests with one message (request.c) and with many (many.c) have this in common: the judgement of a prefix, the
 * head, a payload that is compressed, and refusals. */
#include <errno.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "parts.h"

void grpc_request_drop(struct grpc_conn *conn, struct grpc_stream *stream)
{
    conn->partial -= stream->body_size;
    weft_free(stream->body);
    stream->body = NULL;
    stream->body_size = stream->body_cap = 0;
    stream->borrowed = NULL;
    if (conn->borrower == stream)
        conn->borrower = NULL;
}

void grpc_request_refuse(struct grpc_conn *conn, struct grpc_stream *stream, enum grpc_code code,
                         const char *words)
{
    grpc_request_drop(conn, stream);
    grpc_reply_refuse(conn, stream, 200, code, words);
}

void grpc_request_refuse_empty(struct grpc_conn *conn, struct grpc_stream *stream)
{
    grpc_request_refuse(conn, stream, GRPC_UNIMPLEMENTED,
                        "a request has one message here, and none came");
}

bool grpc_is_unknown(const struct grpc_conn *conn, const struct grpc_stream *stream)
{
    return conn->unknown && !(conn->let_in && stream->credentials_size > 0);
}

const char *grpc_request_judge(const struct grpc_conn *conn, const struct grpc_stream *stream,
                               const uint8_t *prefix, bool *is_too_big)
{
    *is_too_big = false;
    if (prefix[0] > 1)
        return "the flag before the message is neither 0 nor 1";
    if (prefix[0] == 1 && !stream->gzip_comes)
        return "the message is compressed, and grpc-encoding is not set";
    *is_too_big = weft_load_be32(prefix + 1) > conn->config->max_frame;
    return *is_too_big ? "max-frame" : NULL;
}

void grpc_make_bad(struct weft_message *msg, enum weft_message_status status, const char *why)
{
    msg->payload = weft_view(NULL, 0);
    msg->status = status;
    msg->why = why;
}

int grpc_request_inflate(struct grpc_conn *conn, const struct grpc_stream *stream,
                         struct weft_message *msg)
{
    struct grpc_loop *loop = conn->loop;
    struct weft__gzip_member member;
    const char *why = NULL;
    if (grpc_is_unknown(conn, stream)) {
        msg->size = msg->payload.size;
        grpc_make_bad(msg, WEFT_MESSAGE_TOO_BIG, "compressed, and nobody has logged in");
        return 0;
    }
    int err = weft__gzip_parse(msg->payload, conn->config->max_message, &member, &why);
    if (err == WEFT_ETOOBIG) {
        msg->size = member.size;
        msg->limit = conn->config->max_message;
        grpc_make_bad(msg, WEFT_MESSAGE_TOO_BIG, "max-message");
        return 0;
    }
    if (err == 0 && weft__scratch_reserve(&loop->inflated, member.size) < 0)
        return -ENOMEM;
    if (err == 0)
        err = weft__gzip_inflate(&loop->gzip, &member, loop->inflated.data, &why);
    if (err == -ENOMEM)
        return err;
    msg->heavy = true;
    if (err < 0)
        grpc_make_bad(msg, WEFT_MESSAGE_MALFORMED, why);
    else
        msg->payload = weft_view(loop->inflated.data, member.size);
    return 0;
}

void grpc_request_set_head(struct grpc_conn *conn, struct grpc_stream *stream,
                           struct weft_message *msg)
{
    conn->head = (struct weft_message_head){
        .target = weft_view(stream->head, stream->target_size),
        .metadata =
            weft_view(stream->head + stream->target_size, stream->head_size - stream->target_size),
        .deadline = stream->deadline,
    };
    msg->stream = stream->id;
    msg->head = &conn->head;
    msg->credentials = weft_view(stream->head + stream->credentials_at, stream->credentials_size);
    conn->current = stream;
}
