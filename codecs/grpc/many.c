/* SPDX-License-Identifier: MIT
 *
 * Requests with many messages. What comes of them is gathered with its prefixes, and decode gives a message when it is asked
 * for and whole. The peer's window opens as messages are taken: what nobody asks for is at most a window's. The window of
 * the connection opens at once, so that one stream holds up no other, until twice max-frame waits in all. */
#include <errno.h>

#include "core/base/bytes.h"
#include "parts.h"

static const char too_much[] = "the messages under way are over twice max-frame";

/* --- windows ------------------------------------------------------------------------------------------ */

static size_t most_buffered(const struct grpc_conn *conn)
{
    return 2 * (size_t)conn->config->max_frame;
}

void grpc_many_relax(struct grpc_conn *conn)
{
    const size_t size = conn->unconsumed;
    if (size == 0 || conn->no_memory || conn->partial + conn->buffered > most_buffered(conn))
        return;
    conn->unconsumed = 0;
    conn->no_memory |= nghttp2_session_consume_connection(conn->session, size) == NGHTTP2_ERR_NOMEM;
}

/* Opens the stream's window by up to `size` bytes that it is smaller by. */
static void open_window(struct grpc_conn *conn, struct grpc_stream *stream, size_t size)
{
    if (size > stream->unconsumed)
        size = stream->unconsumed;
    stream->unconsumed -= size;
    if (size == 0 || stream->half_closed || stream->closed || conn->no_memory)
        return;
    conn->no_memory |= nghttp2_session_consume_stream(conn->session, (int32_t)stream->id, size) ==
                       NGHTTP2_ERR_NOMEM;
}

/* --- messages ----------------------------------------------------------------------------------------- */

static uint32_t length_of(struct weft_view input)
{
    return weft_load_be32(input.data + 1);
}

/* True if the first message is whole, or will never be. */
static bool has_more(const struct grpc_conn *conn, const struct grpc_stream *stream)
{
    const struct weft_view input = weft_buf_view(&stream->input);
    bool is_too_big;
    if (stream->half_closed || stream->overflowed)
        return true;
    return input.size >= GRPC_PREFIX && (input.size - GRPC_PREFIX >= length_of(input) ||
                                         grpc_request_judge(conn, stream, input.data, &is_too_big));
}

/* Lists the stream if it has what is asked for. Otherwise the peer may send on. */
static void check_ready(struct grpc_conn *conn, struct grpc_stream *stream)
{
    if (!stream->wanted || stream->is_ready)
        return;
    if (!has_more(conn, stream)) {
        stream->overflowed = conn->partial + conn->buffered > most_buffered(conn);
        if (!stream->overflowed) {
            open_window(conn, stream, stream->unconsumed);
            return;
        }
    }
    struct grpc_stream **end = &conn->ready;
    while (*end)
        end = &(*end)->next_ready;
    *end = stream;
    stream->next_ready = NULL;
    stream->is_ready = true;
}

void grpc_many_want(struct grpc_conn *conn, struct grpc_stream *stream)
{
    stream->many = stream->delivered = stream->wanted = true;
    /* The message that the last decode gave is in use, and does not count. */
    if (stream->given == 0)
        check_ready(conn, stream);
}

bool grpc_many_take(struct grpc_conn *conn, struct grpc_stream *stream, const uint8_t *data,
                    size_t size)
{
    if (weft_buf_append(&stream->input, weft_view(data, size)) < 0)
        return false;
    conn->buffered += size;
    conn->unconsumed += size;
    stream->unconsumed += size;
    check_ready(conn, stream);
    grpc_many_relax(conn);
    return true;
}

void grpc_many_half_closed(struct grpc_conn *conn, struct grpc_stream *stream)
{
    check_ready(conn, stream);
}

/* Makes *msg the first message of the input, or what is wrong with it. */
static int read_message(struct grpc_conn *conn, struct grpc_stream *stream,
                        struct weft_message *msg)
{
    const struct weft_view input = weft_buf_view(&stream->input);
    bool is_too_big = false;
    const char *why = input.size >= GRPC_PREFIX
                          ? grpc_request_judge(conn, stream, input.data, &is_too_big)
                          : NULL;
    msg->kind = WEFT_MESSAGE_PART;
    if (is_too_big) {
        msg->size = length_of(input);
        msg->limit = conn->config->max_frame;
        grpc_make_bad(msg, WEFT_MESSAGE_TOO_BIG, "max-frame");
    } else if (why) {
        grpc_make_bad(msg, WEFT_MESSAGE_MALFORMED, why);
    } else if (stream->overflowed) {
        msg->size = conn->partial + conn->buffered;
        msg->limit = most_buffered(conn);
        grpc_make_bad(msg, WEFT_MESSAGE_TOO_BIG, too_much);
    } else if (input.size < GRPC_PREFIX || input.size - GRPC_PREFIX < length_of(input)) {
        grpc_make_bad(msg, WEFT_MESSAGE_MALFORMED, "the request ends within a message");
    } else {
        msg->payload = weft_view(input.data + GRPC_PREFIX, length_of(input));
        stream->given = GRPC_PREFIX + msg->payload.size;
        return input.data[0] == 1 ? grpc_request_inflate(conn, stream, msg) : 0;
    }
    return 0;
}

int grpc_many_deliver(struct grpc_conn *conn, struct weft_message *msg)
{
    struct grpc_stream *stream = conn->ready;
    int err = 0;
    conn->ready = stream->next_ready;
    stream->is_ready = stream->wanted = false;
    msg->stream = stream->id;
    conn->current = stream;
    if (stream->half_closed && weft_buf_size(&stream->input) == 0 && !stream->overflowed)
        msg->kind = WEFT_MESSAGE_END;
    else
        err = read_message(conn, stream, msg);
    if (err < 0)
        *msg = (struct weft_message){.kind = WEFT_MESSAGE_NONE};
    return err;
}

void grpc_many_drop(struct grpc_conn *conn, struct grpc_stream *stream)
{
    const size_t size = stream->given;
    stream->given = 0;
    if (stream->over) {
        grpc_many_end(conn, stream);
        return;
    }
    weft_buf_consume(&stream->input, size);
    if (weft_buf_size(&stream->input) == 0)
        weft_buf_fini(&stream->input);
    conn->buffered -= size;
    open_window(conn, stream, size);
    grpc_many_relax(conn);
    check_ready(conn, stream);
}

/* --- heads -------------------------------------------------------------------------------------------- */

void grpc_many_offer(struct grpc_conn *conn, struct grpc_stream *stream, struct weft_message *msg)
{
    grpc_request_set_head(conn, stream, msg);
    msg->kind = WEFT_MESSAGE_HEAD;
    stream->offered = true;
}

void grpc_many_settle(struct grpc_conn *conn, struct grpc_stream *stream)
{
    stream->offered = false;
    if (!stream->many && stream->half_closed && !stream->over)
        grpc_request_refuse_empty(conn, stream);
}

static void unlist(struct grpc_conn *conn, struct grpc_stream *stream)
{
    struct grpc_stream **at = &conn->ready;
    stream->wanted = false;
    if (!stream->is_ready)
        return;
    while (*at != stream)
        at = &(*at)->next_ready;
    *at = stream->next_ready;
    stream->is_ready = false;
}

void grpc_many_end(struct grpc_conn *conn, struct grpc_stream *stream)
{
    unlist(conn, stream);
    if (stream->given > 0)
        return; /* the message is in use until the next decode */
    conn->buffered -= weft_buf_size(&stream->input);
    weft_buf_fini(&stream->input);
    open_window(conn, stream, stream->unconsumed);
    grpc_many_relax(conn);
}

void grpc_many_fini(struct grpc_conn *conn, struct grpc_stream *stream)
{
    unlist(conn, stream);
    conn->buffered -= weft_buf_size(&stream->input);
    weft_buf_fini(&stream->input);
    stream->given = 0;
}
