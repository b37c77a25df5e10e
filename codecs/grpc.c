/* SPDX-License-Identifier: MIT
 *
 * grpc: gRPC over HTTP/2, for servers, with prior knowledge or by ALPN. The parts are in grpc/. */
#include "codecs.h"

#include <errno.h>

#include "core/base/units.h"
#include "grpc/parts.h"
#include "length_prefix.h"

enum { PREFACE = 24, STREAMS_MAX = 128, LEAST_HEAD = 1024, MOST_HEAD = 1 << 20 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static const struct weft_option options[] = {
    {"max-streams", "N", "most requests of a connection at once (default 128)"},
    {"max-head", "BYTES", "largest list of header fields (default 16KiB)"},
    {"threshold", "BYTES|off", "gzip larger replies, if the client takes that (default 1436)"},
    {"level", "1...9|auto", "how hard (default auto: by size, never for long)"},
    {"keepalive-time", "TIME|off", "silence before a ping of its own (default 2h)"},
    {"keepalive-timeout", "TIME", "silence after it that ends the connection (default 20s)"},
    {"keepalive-without-calls", "on|off", "ping a peer that has no call, too (default on)"},
    {0},
};

static int read_streams(const struct weft_option_set *set, uint64_t most, uint32_t *value,
                        struct weft_error *error)
{
    const char *text = weft_option_get(set, "max-streams");
    uint64_t number = most < STREAMS_MAX ? most : STREAMS_MAX;
    if (text && (weft_parse_count(text, &number) < 0 || number < 1 || number > most))
        return weft_error_set(error, WEFT_ECONFIG,
                              "max-streams=%s: it takes 1 to one less than max-pending", text);
    *value = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
    return 0;
}

static int read_head(const struct weft_option_set *set, uint32_t *value, struct weft_error *error)
{
    const char *text = weft_option_get(set, "max-head");
    uint64_t number = 16 << 10;
    if (text && (weft_parse_size(text, &number) < 0 || number < LEAST_HEAD || number > MOST_HEAD))
        return weft_error_set(error, WEFT_ECONFIG, "max-head=%s: it takes 1KiB to 1MiB", text);
    *value = (uint32_t)number;
    return 0;
}

static int configure(void *memory, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct grpc_config *config = memory;
    config->max_frame = limits->max_frame;
    config->max_message = limits->max_message;
    if (config->max_message > UINT32_MAX || config->max_frame > UINT32_MAX)
        return weft_error_set(error, WEFT_ECONFIG,
                              "codec grpc: a message has less than 4GiB; lower max-message");
    /* One less than max-pending, so that decoding, which brings the peer's windows, never has to stop. */
    uint64_t most = limits->max_pending > 1 ? limits->max_pending - 1 : 1;
    int err = read_streams(set, most, &config->max_streams, error);
    if (err == 0)
        err = read_head(set, &config->max_head, error);
    if (err == 0)
        err = weft__gzip_configure(&config->gzip, set, error);
    if (err == 0)
        err = grpc_keepalive_configure(config, set, error);
    return err;
}

static int loop_init(void *loop, const void *config)
{
    return grpc_loop_init(loop, config);
}

static void loop_fini(void *loop)
{
    grpc_loop_fini(loop);
}

static void init(const struct weft_codec_state *state, enum weft_role role)
{
    struct grpc_conn *conn = state->conn;
    (void)role;
    conn->config = state->config;
    conn->loop = state->loop;
    conn->now = state->now;
    conn->many = state->many;
}

static void fini(const struct weft_codec_state *state)
{
    struct grpc_conn *conn = state->conn;
    conn->current = NULL;
    if (!conn->no_memory)
        nghttp2_session_del(conn->session);
    grpc_memory_free(conn);
    while (conn->streams)
        grpc_stream_free(conn, conn->streams);
    weft__scratch_trim(&conn->loop->inflated);
}

/* The message that the last decode gave has been read. */
static void drop_current(struct grpc_conn *conn)
{
    struct grpc_stream *stream = conn->current;
    conn->current = NULL;
    weft__scratch_trim(&conn->loop->inflated);
    if (!stream)
        return;
    if (stream->closed) {
        grpc_stream_close(conn, stream);
    } else if (stream->offered) {
        grpc_many_settle(conn, stream);
    } else if (stream->many) {
        grpc_many_drop(conn, stream);
    } else {
        grpc_request_drop(conn, stream);
    }
}

/* Returns the bytes to hand to nghttp2: the preface, or a whole frame. 0: more are needed. */
static size_t find_frame(struct grpc_conn *conn, struct weft_view in, struct weft_decode_io *io)
{
    if (!conn->begun) {
        size_t size = in.size < PREFACE ? in.size : PREFACE;
        if (size == PREFACE || memcmp(in.data, preface, size) != 0)
            return size;
        io->need = PREFACE;
        return 0;
    }
    if (in.size < GRPC_FRAME_HEADER) {
        io->need = GRPC_FRAME_HEADER;
        return 0;
    }
    size_t size = GRPC_FRAME_HEADER + (weft_load_be32(in.data) >> 8);
    /* A larger one is for nghttp2 to refuse, by its header. */
    if (size > GRPC_FRAME_HEADER + GRPC_FRAME_MAX)
        return GRPC_FRAME_HEADER;
    if (in.size < size) {
        io->need = size;
        return 0;
    }
    return size;
}

/* Notes whether a header block goes on behind this frame. */
static void note_frame(struct grpc_conn *conn, const uint8_t *frame)
{
    uint8_t type = frame[3], flags = frame[4];
    if (type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION)
        conn->in_head = !(flags & NGHTTP2_FLAG_END_HEADERS);
}

/* Judges the connection behind the frames so far. Returns 0, or what decode returns for it. */
static int find_end(const struct grpc_conn *conn)
{
    if (conn->no_memory)
        return -ENOMEM;
    if (conn->detail)
        return WEFT_ELOST;
    if (!conn->session || nghttp2_session_want_read(conn->session) ||
        nghttp2_session_want_write(conn->session))
        return 0;
    if (conn->peer_goodbye)
        return WEFT_EOVER;
    return conn->said_goodbye ? 0 : WEFT_ELOST;
}

/* Judges a frame that nghttp2 may have skipped: PRIORITY belongs to a stream (RFC 9113, 6.3), and what brings nothing is
 * counted. */
static void check_frame(struct grpc_conn *conn, struct weft_view frame)
{
    if (frame.data[3] == NGHTTP2_PRIORITY && (weft_load_be32(frame.data + 5) & INT32_MAX) == 0)
        grpc_session_end(conn, NGHTTP2_PROTOCOL_ERROR, "PRIORITY without a stream");
    grpc_calm_frame(conn);
}

/* Hands a frame to nghttp2 and sends what it has to say. Returns 0 or what decode returns. */
static int feed(struct grpc_conn *conn, struct weft_view frame, struct weft_decode_io *io)
{
    if (!conn->session && grpc_session_begin(conn) < 0)
        return -ENOMEM;
    ssize_t n = nghttp2_session_mem_recv(conn->session, frame.data, frame.size);
    if (n == NGHTTP2_ERR_NOMEM || conn->no_memory)
        return -ENOMEM;
    if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
        if (frame.size >= WEFT_PREFIX_SIZE)
            conn->foreign =
                weft_first_bytes_check(frame.data, WEFT_SERVER, weft_codec_grpc.name, io) < 0;
        return WEFT_EFOREIGN;
    }
    if (n < 0) { /* too many CONTINUATION frames, or of answers that the peer does not read */
        grpc_session_end(conn, NGHTTP2_ENHANCE_YOUR_CALM, nghttp2_strerror((int)n));
        (void)grpc_session_send(conn);
        return WEFT_ELOST;
    }
    if (conn->borrower && conn->message != conn->borrower &&
        grpc_request_own(conn, conn->borrower) < 0)
        return -ENOMEM;
    if (conn->begun)
        check_frame(conn, frame);
    if (grpc_session_send(conn) < 0)
        return conn->no_memory ? -ENOMEM : WEFT_ELOST;
    return 0;
}

/* Reports what a frame has brought. */
static int report(struct grpc_conn *conn, struct weft_message *msg)
{
    if (conn->message)
        return grpc_request_deliver(conn, conn->message, msg);
    if (conn->opened) {
        grpc_many_offer(conn, conn->opened, msg);
        return 0;
    }
    if (conn->untold > 0)
        grpc_stream_tell_reset(conn, msg);
    return 0;
}

static int decode_frame(struct grpc_conn *conn, struct weft_view frame, struct weft_message *msg,
                        struct weft_decode_io *io)
{
    conn->brought = false;
    int err = feed(conn, frame, io);
    if (err == 0)
        err = report(conn, msg);
    conn->message = conn->opened = NULL;
    conn->borrower = NULL;
    conn->no_memory |= err == -ENOMEM;
    return err;
}

/* Drops the message that the last decode gave, and sends what that makes possible: windows, or a refusal. */
static int go_on(struct grpc_conn *conn)
{
    const bool may_send = conn->current != NULL && conn->session != NULL;
    drop_current(conn);
    if (conn->no_memory)
        return -ENOMEM;
    return may_send && nghttp2_session_want_write(conn->session) ? grpc_session_send(conn) : 0;
}

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    struct grpc_conn *conn = state->conn;
    conn->out = io->out;
    conn->unknown = io->unknown;
    int err = go_on(conn);
    if (err == 0)
        err = find_end(conn);
    const bool is_ready = err == 0 && (conn->ready || conn->untold > 0);
    size_t size = err == 0 && !is_ready && in.size > 0 ? find_frame(conn, in, io) : 0;
    if (is_ready && conn->untold > 0) {
        grpc_stream_tell_reset(conn, msg);
    } else if (is_ready) {
        err = grpc_many_deliver(conn, msg);
        conn->no_memory |= err == -ENOMEM;
    }
    if (size > 0) {
        err = decode_frame(conn, weft_view(in.data, size), msg, io);
        if (err == 0 && conn->begun)
            note_frame(conn, in.data);
        conn->begun = true;
    }
    conn->out = NULL;
    if (err < 0) {
        if (!io->detail)
            io->detail = conn->detail;
        return err;
    }
    io->inside = conn->partial > 0 || conn->in_head;
    return (ssize_t)size;
}

static struct grpc_stream *find_stream(const struct grpc_conn *conn, uint32_t id)
{
    if (!conn->session || conn->no_memory)
        return NULL;
    return nghttp2_session_get_stream_user_data(conn->session, (int32_t)id);
}

/* Drops what came of a request with many messages whose answer is over. The stream may be gone. */
static void end_request(struct grpc_conn *conn, uint32_t id, struct weft_chain *out)
{
    struct grpc_stream *stream = find_stream(conn, id);
    if (!stream)
        return;
    conn->out = out;
    grpc_many_end(conn, stream);
    if (!conn->no_memory && nghttp2_session_want_write(conn->session))
        (void)!grpc_session_send(conn);
    conn->out = NULL;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    struct grpc_conn *conn = state->conn;
    if (conn->no_memory)
        return -ENOMEM;
    struct grpc_stream *stream = find_stream(conn, io->stream);
    if (!stream)
        return 0; /* it was reset */
    const bool ends_many = io->last && stream->many;
    int err = grpc_reply_encode(conn, stream, body, io);
    if (err == 0 && ends_many)
        end_request(conn, io->stream, io->out);
    return err;
}

static void want(const struct weft_codec_state *state, uint32_t id, struct weft_chain *out)
{
    struct grpc_conn *conn = state->conn;
    struct grpc_stream *stream = find_stream(conn, id);
    if (!stream || stream->over)
        return;
    conn->out = out;
    grpc_many_want(conn, stream);
    if (!conn->no_memory && nghttp2_session_want_write(conn->session))
        (void)!grpc_session_send(conn);
    conn->out = NULL;
}

static size_t backlog(const struct weft_codec_state *state, uint32_t id)
{
    const struct grpc_conn *conn = state->conn;
    if (id == 0)
        return conn->queued + conn->asked;
    const struct grpc_stream *stream = find_stream(conn, id);
    return stream ? stream->queued : 0;
}

static void goodbye(const struct weft_codec_state *state, bool final, struct weft_chain *out)
{
    /* An empty SETTINGS, which is what a connection has to begin with, and a GOAWAY: no request was seen. */
    static const uint8_t turned_away[] = {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7,
                                          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct grpc_conn *conn = state->conn;
    if (conn->no_memory || conn->foreign)
        return;
    if (!conn->session) {
        if (final)
            (void)!weft_chain_append(out, weft_view(turned_away, sizeof turned_away));
        return;
    }
    conn->out = out;
    if (final)
        grpc_session_goodbye(conn);
    else
        grpc_session_ask(conn);
    (void)!grpc_session_send(conn);
    conn->out = NULL;
}

static int64_t tick(const struct weft_codec_state *state, int64_t heard, struct weft_chain *out)
{
    return grpc_keepalive_tick(state->conn, heard, out);
}

static enum weft_probe probe(const void *config, struct weft_view in)
{
    (void)config;
    size_t size = in.size < PREFACE ? in.size : PREFACE;
    if (memcmp(in.data, preface, size) != 0)
        return WEFT_PROBE_NO;
    return size == PREFACE ? WEFT_PROBE_YES : WEFT_PROBE_MORE;
}

const struct weft_codec weft_codec_grpc = {
    .name = "grpc",
    .speaks = "*",
    .options = options,
    .config_size = sizeof(struct grpc_config),
    .loop_size = sizeof(struct grpc_loop),
    .conn_size = sizeof(struct grpc_conn),
    .configure = configure,
    .loop_init = loop_init,
    .loop_fini = loop_fini,
    .init = init,
    .fini = fini,
    .decode = decode,
    .encode = encode,
    .backlog = backlog,
    .want = want,
    .goodbye = goodbye,
    .tick = tick,
    .alpn = "h2",
    .probe = probe,
};
