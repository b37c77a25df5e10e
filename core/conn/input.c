/* SPDX-License-Identifier: MIT
 *
 * stream -> buf -> decode -> call
 *
 * A read goes into the loop's buffer, and frames are decoded where they lie. What is left over becomes
 * conn->in: the beginning of a frame, or whole frames that may not be decoded yet. Decoding stops, and
 * with it the reading, for one of these reasons:
 *
 *   paused     too much waits: output, requests in flight, or the memory that they keep. The pump goes on
 *              once that has gone down (conn.c: resumable).
 *   yielded    the connection has used its share of this turn, 64 frames or about 1 ms, or was put off so
 *              that connections with little input need not wait for it. It goes on in the next turn.
 *   not OPEN   the connection is about to end, and nothing more may be decoded.
 *
 * A connection that drains goes on decoding, but executes only what had come by the time the drain began:
 * drain_mark counts those bytes down, and later frames are refused in the service's words. Bytes that the
 * codec itself wants to send (decode writes them to worker->codec_bytes) take a place in the order of
 * replies. */
#include <errno.h>

#include "conn_private.h"
#include "probes.h"
#include "streams.h"
#include "core/base/compiler.h"

enum {
    LIGHT_SIZE = 4 * 1024,   /* input up to this size is never deferred */
    PUT_OFF_MAX = 250,       /* turns in a row that a connection may be deferred */
    LINGER_SIZE = 16 * 1024, /* of a read that is dropped, of a peer that broke the protocol */
    LINGER_READ = 128,       /* bytes that the read itself counts as */
    LINGER_MAX = 256 * 1024, /* bytes of all such reads */
    HEAVY_SIZE = 64 * 1024, /* frames from this size on may have taken long: the clock is re-read */
    MIN_READ = 16 * 1024,   /* room for the next read into conn->in */
    BUFFER_KEPT = 32 * 1024, /* a buffer up to this size is not worth shrinking */
    FRAME_EXTRA = 4 * 1024,  /* what a frame may have around a message of WEFT_UNKNOWN_MAX bytes */
};

static void call_service(struct weft__conn *conn, const struct weft_message *message)
{
    struct weft__binding *binding = conn->binding;
    struct weft__worker *worker = binding->worker;
    struct weft__request *request = weft__request_take(&worker->requests, conn);

    if (!request) {
        struct weft_rejection rejection = {.cause = WEFT_REJECT_NO_MEMORY};
        weft__conn_reject(conn, &rejection);
        return;
    }
    request->public.payload = message->payload;
    request->public.credentials = message->credentials;
    if (conn->order.first)
        weft__order_add(&conn->order, request);
    conn->order.calling = request;
    weft__probe_call(conn->id, request, request->public.payload.size);
    binding->call(binding->service_loop, conn->service_conn, &request->public);
    conn->order.calling = NULL;
    if (worker->arena.used > 0)
        weft_arena_reset(&worker->arena);
    if (request->place == WEFT__NOWHERE && request->ended && !request->detached) {
        weft__request_give(&worker->requests, request);
        return;
    }
    if (request->place == WEFT__NOWHERE)
        weft__order_add(&conn->order, request);
    if ((request->ended || request->detached) && conn->order.first == request)
        weft__conn_advance(conn);
}

/* The rejection of what an unknown peer may not send. why: static text if it was not its size. */
static struct weft_rejection unknown_rejection(uint64_t size, const char *why)
{
    return (struct weft_rejection){
        .cause = why ? WEFT_REJECT_NOT_KNOWN : WEFT_REJECT_TOO_BIG,
        .what = why ? why : "the limit before login",
        .size = size,
        .limit = WEFT_UNKNOWN_MAX,
    };
}

/* True if an unknown peer may not send this. A codec that would have to inflate it says so. A message with
 * credentials makes the peer known, or is refused. */
static bool is_beyond_unknown(const struct weft_message *message)
{
    return (message->payload.size > WEFT_UNKNOWN_MAX && message->credentials.size == 0) ||
           (message->status == WEFT_MESSAGE_TOO_BIG && message->limit == 0);
}

/* True if the message may not become a request. *bad: it counts as a bad one. */
static bool is_refused(const struct weft__conn *conn, const struct weft_message *message,
                       bool past_mark, struct weft_rejection *why, bool *bad)
{
    *bad = true;
    if ((past_mark && !conn->streaming) || conn->state != WEFT__CONN_OPEN) {
        *why = (struct weft_rejection){.cause = WEFT_REJECT_DRAINING};
        *bad = false;
    } else if (conn->unknown && is_beyond_unknown(message)) {
        *why = unknown_rejection(message->payload.size, message->why);
    } else if (message->status != WEFT_MESSAGE_OK) {
        *why = weft__rejection_of(message);
    } else {
        return false;
    }
    return true;
}

/* Handles what is no request of its own. Returns false if the message is one. */
static bool dispatch_part(struct weft__conn *conn, const struct weft_message *message)
{
    if (message->kind == WEFT_MESSAGE_DATA ||
        (message->kind == WEFT_MESSAGE_HEAD && weft__stream_has_many(conn, message)))
        return false;
    /* It is a frame of this turn, but no request. */
    weft__count(&conn->binding->counts.requests, (uint64_t)-1);
    conn->requests--;
    if (message->kind == WEFT_MESSAGE_RESET)
        weft__stream_reset(conn, message->stream);
    else if (message->kind != WEFT_MESSAGE_HEAD)
        weft__stream_go_on(conn, message);
    if (message->status != WEFT_MESSAGE_OK)
        weft__conn_count_bad(conn, true);
    return true;
}

/* Handles a message of a connection that is not like most, or one that is bad. Returns true if it is left to be
 * called, as most messages are. */
WEFT_NOINLINE static bool dispatch_special(struct weft__conn *conn,
                                           const struct weft_message *message, bool past_mark)
{
    struct weft_rejection why;
    bool bad;

    if (conn->streaming && dispatch_part(conn, message)) {
        /* That was all. */
    } else if (!is_refused(conn, message, past_mark, &why, &bad)) {
        if (!message->stream)
            return true;
        weft__stream_begin(conn, message);
    } else {
        if (message->stream)
            weft__stream_reject(conn, message->stream, &why);
        else
            weft__conn_reject(conn, &why);
        if (bad)
            weft__conn_count_bad(conn, true);
    }
    if (conn->streaming)
        weft__conn_note_backlog(conn);
    return false;
}

static void dispatch(struct weft__conn *conn, const struct weft_message *message, bool past_mark)
{
    bool is_special =
        past_mark || conn->unknown || conn->streaming || message->status != WEFT_MESSAGE_OK;

    if (!is_special || dispatch_special(conn, message, past_mark))
        call_service(conn, message);
}

static void end_input(struct weft__conn *conn, ssize_t error, const char *detail)
{
    enum weft_reason reason = error == WEFT_EOVER      ? WEFT_REASON_PEER_CLOSED
                              : error == WEFT_EFOREIGN ? WEFT_REASON_FOREIGN
                              : error == -ENOMEM       ? WEFT_REASON_NO_MEMORY
                                                       : WEFT_REASON_FRAME_LOST;
    conn->detail = detail;
    conn->over = error == WEFT_EOVER;
    conn->lost = true;
    weft__conn_codec_bytes(conn);
    weft__conn_close_soon(conn, reason);
}

static bool may_decode(struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;

    if (!weft__conn_decodes(conn) || conn->paused || conn->yielded)
        return false;
    conn->paused = conn->out.bytes + conn->order.held_bytes >= limits->output_high ||
                   conn->order.pending >= limits->max_pending ||
                   conn->order.kept_bytes >= limits->pending_bytes;
    return !conn->paused;
}

/* True once the connection has used its share of this turn. Elapsed time is compared only if the clock
 * was re-read, which happens after expensive work. */
static bool share_is_used_up(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;

    if (conn->turn_frames >= WEFT__TURN_FRAMES)
        return true;
    if (!worker->refreshed)
        return false;
    worker->refreshed = false;
    return weft_loop_now(worker->loop) - worker->pump_began > WEFT__TURN_NS;
}

/* True if the connection is deferred to the next turn. After a long turn this happens to connections
 * with more than LIGHT_SIZE of input, so that small requests are not stuck behind large ones; a deferred
 * connection then runs before newcomers. Inputs that are small but inflate to something expensive could
 * make every turn long, so a connection is deferred at most PUT_OFF_MAX times in a row. */
static bool is_put_off(struct weft__conn *conn, size_t size)
{
    struct weft__worker *worker = conn->binding->worker;
    bool waits = weft__worker_is_late(worker) || (worker->others_waited && conn->put_off == 0);

    if (size <= LIGHT_SIZE || !waits || conn->put_off >= PUT_OFF_MAX) {
        conn->put_off = 0;
        return false;
    }
    conn->put_off++;
    worker->others_wait = true;
    return true;
}

static uint32_t saturate(uint64_t size)
{
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* Notes how far decode has come with a frame that is not complete, for its deadline. */
static void note_frame(struct weft__conn *conn, const struct weft_message *message,
                       const struct weft_decode_io *io)
{
    if (message->kind == WEFT_MESSAGE_DATA) {
        conn->frame_start = 0;
        conn->frame_size = io->inside ? saturate(message->size) : 0;
    } else if (conn->inside && !io->inside) {
        conn->frame_start = 0;
        conn->frame_size = 0;
    } else if (conn->frame_size < io->need) {
        conn->frame_size = saturate(io->need);
    }
    conn->inside = io->inside;
}

/* Prepares for the bytes of a peer of which an endpoint, or its user, is not known. False: they cannot be
 * decoded yet. */
WEFT_NOINLINE static bool prepare(struct weft__conn *conn, struct weft_view view)
{
    if (conn->undecided && !weft__conn_decide(conn, view))
        return false;
    if (conn->unknown && view.size > 0)
        weft__layers_meet(conn);
    return true;
}

/* Makes *message the announcement of a message that has begun to come: its credentials, which the layers judge
 * before the rest is read. They are copied, because a layer may overwrite them and the message has them again. */
static bool announce(struct weft__conn *conn, struct weft_view credentials,
                     struct weft_message *message)
{
    struct weft__worker *worker = conn->binding->worker;
    uint8_t *copy;

    if (credentials.size == 0 || !conn->peer || conn->peer->announced)
        return false;
    copy = weft_arena_alloc(&worker->arena, credentials.size);
    if (!copy)
        return false;
    memcpy(copy, credentials.data, credentials.size);
    *message = (struct weft_message){.kind = WEFT_MESSAGE_DATA,
                                     .credentials = weft_view(copy, credentials.size)};
    conn->peer->announcing = conn->peer->announced = true;
    return true;
}

/* Judges an unfinished frame of an unknown peer once it is, or says that it will be, too long: what has come of it
 * would have to be kept. Returns true if its credentials are to be judged as *message. Otherwise the frame is short
 * or has ended the connection. */
WEFT_NOINLINE static bool check_unfinished(struct weft__conn *conn, const struct weft_decode_io *io,
                                           size_t rest, struct weft_message *message)
{
    size_t size = io->need > rest ? io->need : rest;

    if (size <= WEFT_UNKNOWN_MAX || conn->state != WEFT__CONN_OPEN)
        return false;
    if (announce(conn, io->credentials, message))
        return true;
    if (size <= WEFT_UNKNOWN_MAX + FRAME_EXTRA)
        return false;
    struct weft_rejection why = unknown_rejection(size, NULL);
    weft__conn_reject(conn, &why);
    weft__conn_count_bad(conn, true);
    weft__conn_close_soon(conn, WEFT_REASON_NOT_KNOWN);
    return false;
}

/* Reads the clock again after a message that may have taken long, and counts one that was inflated. */
WEFT_NOINLINE static void note_heavy(struct weft__binding *binding,
                                     const struct weft_message *message, size_t size)
{
    weft__worker_refresh(binding->worker);
    if (!message->heavy)
        return;
    weft__count(&binding->counts.inflated, 1);
    weft__count(&binding->counts.inflated_from, size);
    weft__count(&binding->counts.inflated_to, message->payload.size);
}

/* Decodes from the beginning of view until more bytes are needed or decoding has to stop. Returns the
 * bytes consumed. */
static size_t decode(struct weft__conn *conn, struct weft_view view)
{
    struct weft__binding *binding;
    struct weft__worker *worker;
    uint16_t frames = conn->turn_frames;
    size_t at = 0;

    if ((conn->undecided || conn->unknown) && !prepare(conn, view))
        return 0;
    binding = conn->binding;
    worker = binding->worker;
    if (is_put_off(conn, view.size)) {
        conn->yielded = true;
        return 0;
    }
    conn->wanted = false;
    while (may_decode(conn)) {
        struct weft_message message = {.kind = WEFT_MESSAGE_NONE};
        struct weft_decode_io io = {
            .eof = conn->eof, .unknown = conn->unknown, .out = &worker->codec_bytes};
        bool past_mark = conn->drain_marked && conn->drain_mark == 0;
        ssize_t n = binding->codec->decode(&conn->codec, weft_view_skip(view, at), &message, &io);

        if (n < 0) {
            end_input(conn, n, io.detail);
            break;
        }
        at += (size_t)n;
        if (conn->drain_marked)
            conn->drain_mark -= conn->drain_mark < (uint64_t)n ? conn->drain_mark : (uint64_t)n;
        if (worker->codec_bytes.bytes > 0)
            weft__conn_codec_bytes(conn);
        note_frame(conn, &message, &io);
        weft__probe_decode(conn->id, n, message.payload.size);
        if (message.kind == WEFT_MESSAGE_NONE) {
            if (conn->streaming)
                weft__conn_note_backlog(conn);
            if (n > 0)
                continue;
            if (!conn->unknown || !check_unfinished(conn, &io, view.size - at, &message))
                break;
        }
        conn->turn_frames++;
        dispatch(conn, &message, past_mark);
        if (message.heavy || (size_t)n >= HEAVY_SIZE)
            note_heavy(binding, &message, (size_t)n);
        /* If all of the view is consumed, the next turn would find nothing to decode. */
        if ((at < view.size || n == 0) && share_is_used_up(conn))
            conn->yielded = true;
    }
    frames = (uint16_t)(conn->turn_frames - frames);
    weft__count(&binding->counts.requests, frames);
    conn->requests += frames;
    return at;
}

/* Copies the rest of a view, which does not lie in conn->in, to conn->in. */
static void keep_rest(struct weft__conn *conn, struct weft_view rest)
{
    if (rest.size == 0)
        weft_buf_fini(&conn->in);
    else
        weft_buf_consume(&conn->in, weft_buf_size(&conn->in));
    if (weft_buf_append(&conn->in, rest) < 0)
        weft__conn_close_soon(conn, WEFT_REASON_NO_MEMORY);
}

/* Ends the input as a filter has found it to be at an end: what came before is answered. */
WEFT_NOINLINE static void end_stream(struct weft__conn *conn, ssize_t result)
{
    const struct weft_stream_ops *ops = conn->stream->ops;

    conn->over = true;
    if (result != WEFT_EOVER)
        conn->detail = ops->trouble ? ops->trouble(conn->stream) : NULL;
    weft__conn_close_soon(conn, result == WEFT_EOVER        ? WEFT_REASON_PEER_CLOSED
                                : result == WEFT_ETRUNCATED ? WEFT_REASON_TRUNCATED
                                                            : WEFT_REASON_PROTOCOL);
}

static void after_read(struct weft__conn *conn, ssize_t n)
{
    if (n > 0) {
        weft__count(&conn->binding->counts.bytes_in, (uint64_t)n);
        conn->bytes_in += (uint64_t)n;
        conn->heard = weft_loop_now(conn->binding->worker->loop);
    } else if (n == 0) {
        conn->eof = true;
    } else if (n == -EPROTO || n == WEFT_EOVER || n == WEFT_ETRUNCATED) {
        end_stream(conn, n);
    } else if (n != -EAGAIN) {
        weft__conn_break(conn, weft_reason_of_stream((int)n));
    }
}

/* The usual read. It goes into the loop's buffer, and the unfinished tail of conn->in is copied in front
 * of it. So only the tail is ever copied, and frames are decoded where they were read. */
static ssize_t read_shared(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;
    struct weft_view tail = weft_buf_view(&conn->in);
    uint8_t *fresh = worker->read_buffer + WEFT__TAIL_SIZE;
    /* The bytes behind a login are kept while it is judged, so they are few. */
    size_t size = conn->unknown ? WEFT_UNKNOWN_MAX + FRAME_EXTRA : WEFT__READ_SIZE;
    ssize_t n = conn->stream->ops->read(conn->stream, fresh, size);
    struct weft_view view;

    after_read(conn, n);
    if (n <= 0)
        return n;
    if (tail.size > 0)
        memcpy(fresh - tail.size, tail.data, tail.size);
    view = weft_view(fresh - tail.size, tail.size + (size_t)n);
    keep_rest(conn, weft_view_skip(view, decode(conn, view)));
    return n;
}

/* Reads behind a long unfinished tail, in conn->in itself. The buffer grows with the bytes that arrive,
 * not with the size that the header declares, so that a declaration alone costs no memory. */
static ssize_t read_own(struct weft__conn *conn)
{
    uint8_t *dst = weft_buf_reserve(&conn->in, MIN_READ);
    size_t room = dst ? conn->in.cap - conn->in.end : 0;
    ssize_t n;

    if (!dst) {
        weft__conn_close_soon(conn, WEFT_REASON_NO_MEMORY);
        return -ENOMEM;
    }
    if (room > WEFT__READ_SIZE)
        room = WEFT__READ_SIZE;
    n = conn->stream->ops->read(conn->stream, dst, room);
    after_read(conn, n);
    if (n <= 0)
        return n;
    weft_buf_commit(&conn->in, (size_t)n);
    weft__conn_decode_buffered(conn);
    return n;
}

bool weft__conn_read(struct weft__conn *conn)
{
    ssize_t n = weft_buf_size(&conn->in) < WEFT__TAIL_SIZE ? read_shared(conn) : read_own(conn);

    return n == -EAGAIN;
}

static bool is_oversized(const struct weft_buf *buf, size_t size)
{
    return buf->cap > BUFFER_KEPT && size < buf->cap / 4;
}

/* Moves a small rest to a buffer of its own size, so that the large one can be freed. Without memory for
 * that it stays where it is. */
static void shrink(struct weft_buf *buf)
{
    struct weft_buf small = {0};

    if (weft_buf_append(&small, weft_buf_view(buf)) < 0)
        return;
    weft_buf_fini(buf);
    *buf = small;
}

void weft__conn_decode_buffered(struct weft__conn *conn)
{
    weft_buf_consume(&conn->in, decode(conn, weft_buf_view(&conn->in)));
    if (weft_buf_size(&conn->in) == 0)
        weft_buf_fini(&conn->in);
    else if (is_oversized(&conn->in, weft_buf_size(&conn->in)))
        shrink(&conn->in);
}

/* False for a peer that was turned away in words, which may have a large message on its way. */
static bool has_broken_protocol(const struct weft__conn *conn)
{
    return conn->reason == WEFT_REASON_FRAME_LOST || conn->reason == WEFT_REASON_FOREIGN ||
           conn->reason == WEFT_REASON_PROTOCOL;
}

/* Counts a read of a peer that broke the protocol. Each opens the window for more, so a flood that goes on behind our last
 * words would cost more than all before. Returns false once LINGER_MAX is used up. */
static bool may_go_on(struct weft__conn *conn, size_t size)
{
    conn->dropped += LINGER_READ + (uint32_t)size;
    return conn->dropped <= LINGER_MAX;
}

void weft__conn_linger_read(struct weft__conn *conn)
{
    bool is_bounded = has_broken_protocol(conn);
    size_t size = is_bounded ? LINGER_SIZE : WEFT__READ_SIZE;
    ssize_t n = conn->stream->ops->read(conn->stream, conn->binding->worker->read_buffer, size);

    if (n == 0 || (n < 0 && n != -EAGAIN) || (n > 0 && is_bounded && !may_go_on(conn, (size_t)n)))
        weft__conn_break(conn, conn->reason);
}
