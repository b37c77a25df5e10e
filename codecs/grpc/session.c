/* SPDX-License-Identifier: MIT
 *
 * The session of nghttp2: what it is told at its begin, and what it tells. */
#include <errno.h>

#include "core/base/mem.h"
#include "parts.h"

enum { STREAM_WINDOW = 256 << 10, CONNECTION_WINDOW = 1 << 20, CONTINUATIONS_MAX = 8 };

/* calm.c counts resets by the loop's clock, and nghttp2 by its own: this is out of its way. */
#define RESETS_MAX ((uint64_t)1 << 62)

static const uint8_t goodbye_ping[8] = {'w', 'e', 'f', 't', ' ', 'b', 'y', 'e'};

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags,
                       void *user)
{
    (void)session, (void)flags;
    struct grpc_conn *conn = user;
    if (weft_chain_append(conn->out, weft_view(data, size)) < 0) {
        conn->no_memory = true;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return (ssize_t)size;
}

/* True if we reset a stream because of what the peer has sent. A stream over the limit is none: a peer may have asked before
 * it knew the limit. */
static bool is_for_a_mistake(uint32_t error)
{
    return error != NGHTTP2_NO_ERROR && error != NGHTTP2_REFUSED_STREAM;
}

/* A peer that has its answer before it has sent all of its request need not send the rest (RFC 9113, 8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct grpc_conn *conn = user;
    if (frame->hd.type == NGHTTP2_RST_STREAM && is_for_a_mistake(frame->rst_stream.error_code))
        grpc_calm_reset(conn);
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    conn->pinged = false;
    conn->strikes = 0;
    if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    const struct grpc_stream *stream =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream && !stream->half_closed)
        return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                         NGHTTP2_NO_ERROR);
    return 0;
}

static void on_ping_answer(struct grpc_conn *conn, const nghttp2_ping *ping)
{
    if (grpc_keepalive_answered(conn, ping->opaque_data)) {
        conn->brought = true;
        return;
    }
    if (!conn->asked || memcmp(ping->opaque_data, goodbye_ping, sizeof goodbye_ping) != 0)
        return;
    /* The peer has read that it should make no new requests, so none is under way. */
    conn->brought = true;
    conn->asked = false;
    conn->said_goodbye = true;
    (void)nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(conn->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct grpc_conn *conn = user;
    struct grpc_stream *stream =
        frame->hd.stream_id > 0 ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id)
                                : NULL;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            grpc_request_head_done(conn, stream);
        /* fallthrough */
    case NGHTTP2_DATA:
        if (stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
            conn->brought = true;
            grpc_request_half_closed(conn, stream);
        }
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            on_ping_answer(conn, &frame->ping);
        else
            grpc_calm_ping(conn);
        break;
    case NGHTTP2_GOAWAY:
        conn->peer_goodbye = true;
        break;
    case NGHTTP2_RST_STREAM:
        grpc_calm_reset(conn);
        break;
    default:
        break;
    }
    return conn->no_memory ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    (void)error;
    struct grpc_conn *conn = user;
    struct grpc_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (!stream)
        return 0;
    stream->untold = stream->delivered && !stream->over && conn->message != stream;
    conn->untold += stream->untold;
    grpc_stream_close(conn, stream);
    return 0;
}

static void set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, grpc_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, grpc_on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, grpc_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, grpc_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}

int grpc_loop_init(struct grpc_loop *loop, const struct grpc_config *config)
{
    if (nghttp2_session_callbacks_new(&loop->callbacks) < 0)
        return -ENOMEM;
    if (nghttp2_option_new(&loop->option) < 0) {
        nghttp2_session_callbacks_del(loop->callbacks);
        return -ENOMEM;
    }
    set_callbacks(loop->callbacks);
    nghttp2_option_set_no_closed_streams(loop->option, 1);
    nghttp2_option_set_no_auto_window_update(loop->option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(loop->option, config->max_streams);
    nghttp2_option_set_stream_reset_rate_limit(loop->option, RESETS_MAX, RESETS_MAX);
    nghttp2_option_set_max_continuations(loop->option, CONTINUATIONS_MAX);
    return 0;
}

void grpc_loop_fini(struct grpc_loop *loop)
{
    nghttp2_option_del(loop->option);
    nghttp2_session_callbacks_del(loop->callbacks);
    weft__gzip_fini(&loop->gzip);
    weft__scratch_fini(&loop->inflated);
    weft__scratch_fini(&loop->deflated);
    while (loop->free) {
        struct grpc_stream *stream = loop->free;
        loop->free = stream->next;
        weft_free(stream);
    }
}

int grpc_session_begin(struct grpc_conn *conn)
{
    nghttp2_mem mem = grpc_memory(conn);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, conn->config->max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, conn->config->max_head},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    const struct grpc_loop *loop = conn->loop;
    grpc_calm_begin(conn);
    if (nghttp2_session_server_new3(&conn->session, loop->callbacks, conn, loop->option, &mem) <
        0) {
        conn->session = NULL;
        return -ENOMEM;
    }
    int err = nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings,
                                      sizeof settings / sizeof *settings);
    if (err == 0)
        err = nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0,
                                                    CONNECTION_WINDOW);
    return err < 0 ? -ENOMEM : 0;
}

/* The two of the drain: a first GOAWAY that still allows requests, and a question, whose answer says that the peer has read
 * it (RFC 9113, 6.8). */
void grpc_session_ask(struct grpc_conn *conn)
{
    if (conn->asked || conn->said_goodbye)
        return;
    if (nghttp2_submit_shutdown_notice(conn->session) == 0 &&
        nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, goodbye_ping) == 0)
        conn->asked = true;
}

void grpc_session_goodbye(struct grpc_conn *conn)
{
    conn->asked = false;
    if (conn->said_goodbye)
        return;
    conn->said_goodbye = true;
    (void)nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(conn->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
}
