/* SPDX-License-Identifier: MIT
 *
 * below.read -> rules -> a stream's owner          a stream's writev -> out -> below.writev
 *
 * An owner that wants bytes reads them out of the frame where it lies; what it leaves is kept. What owners write
 * meanwhile is sent when all that was there is read, so that the replies of several streams leave together. */
#include "session.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

enum {
    READ_SIZE = 16 * 1024,   /* of one read below */
    READS = 16,              /* below, before others of the loop have their turn */
    FRAMES = 1000,           /* likewise, and no read begins behind the last of them */
    DROPPED_MAX = 64 * 1024, /* bytes of a peer that was told of its end; it may send no more */
    ROUNDS = 16,             /* in which each stream that waits for room may write, as READS */
};

#define LINGER_NS                                                                                  \
    INT64_C(1000000000) /* for the peer's end after our last words, as a connection's */

static struct weft__yamux_session *of_protocol(struct weft__yamux *yamux)
{
    return weft_container_of(yamux, struct weft__yamux_session, protocol);
}

static struct weft__yamux_stream *of_flow(struct weft__yamux_flow *flow)
{
    return weft_container_of(flow, struct weft__yamux_stream, flow);
}

/* --- what comes ------------------------------------------------------------------------------------ */

static struct weft__yamux_flow *on_open(struct weft__yamux *yamux)
{
    struct weft__yamux_session *session = of_protocol(yamux);
    struct weft__yamux_stream *stream =
        session->waiting_count < yamux->config->backlog ? weft_calloc(1, sizeof *stream) : NULL;

    if (!stream)
        return NULL;
    weft__yamux_link(session, stream);
    weft__yamux_add_waiting(stream);
    return &stream->flow;
}

/* The owner takes the bytes now, if it wants any and those before them are read. */
static bool on_data(struct weft__yamux *yamux, struct weft__yamux_flow *flow,
                    struct weft_view bytes)
{
    struct weft__yamux_session *session = of_protocol(yamux);
    struct weft__yamux_stream *stream = of_flow(flow);
    bool *gone = session->gone;

    if (!session->quiet && (stream->wanted & WEFT_READABLE) && weft_buf_size(&stream->in) == 0) {
        stream->fresh = bytes;
        session->current = stream;
        stream->stream.on_ready(&stream->stream, weft__yamux_events(stream));
        if (*gone)
            return false;
        if (!session->current)
            return true;
        session->current = NULL;
        bytes = stream->fresh;
        stream->fresh = weft_view(NULL, 0);
    }
    if (!flow->reset)
        weft__yamux_keep(stream, bytes);
    return true;
}

static void on_changed(struct weft__yamux *yamux, struct weft__yamux_flow *flow)
{
    struct weft__yamux_stream *stream = of_flow(flow);

    (void)yamux;
    if (flow->reset) {
        weft__yamux_lose(stream);
        return;
    }
    if (flow->got_end)
        weft__yamux_notify(stream);
    if (stream->wanted & WEFT_WRITABLE)
        weft__yamux_queue_writer(stream);
}

static const struct weft__yamux_events events = {
    .open = on_open,
    .data = on_data,
    .changed = on_changed,
};

/* --- how it ends ----------------------------------------------------------------------------------- */

/* Frees the streams that nobody has, and hands the others their end. */
static void fail_streams(struct weft__yamux_session *session, int error, const char *why)
{
    struct weft__yamux_stream *next;

    while (session->waiting)
        weft__yamux_drop_waiting(session->waiting);
    for (struct weft__yamux_stream *stream = session->streams; stream; stream = next) {
        next = stream->next;
        if (stream->error != 0)
            continue;
        stream->error = error;
        stream->why = why;
        weft__yamux_drop_input(stream);
        weft__yamux_unqueue_writer(stream);
        weft__yamux_notify(stream);
    }
}

static void be_over(struct weft__yamux_session *session)
{
    session->state = WEFT__YAMUX_OVER;
    weft_timer_stop(&session->timer);
    weft_chain_fini(&session->protocol.out);
    weft_loop_defer(session->loop, &session->again);
}

/* Sends what waits, and then the end. result is what accept will say. */
static void leave(struct weft__yamux_session *session, int result)
{
    if (session->state != WEFT__YAMUX_OPEN)
        return;
    session->state = WEFT__YAMUX_LEAVING;
    session->result = result;
    weft_loop_after(session->loop, &session->timer,
                    (int64_t)session->protocol.config->ping_timeout);
    weft_loop_defer(session->loop, &session->again);
}

static bool is_soft(int error)
{
    return error == -EPROTO || error == WEFT_ETRUNCATED || error == -ECONNABORTED ||
           error == -ENOMEM;
}

/* Ends it for an error of the rules or of the stream below. */
static void fail(struct weft__yamux_session *session, int error, const char *why)
{
    if (session->state != WEFT__YAMUX_OPEN)
        return;
    session->protocol.error = session->protocol.error ? session->protocol.error : error;
    session->protocol.why = session->protocol.why ? session->protocol.why : why;
    fail_streams(session, error == -ECONNABORTED ? -ECONNRESET : error, why);
    leave(session, error);
    if (!is_soft(error))
        be_over(session);
}

/* Returns what the stream below says of its error. */
static const char *trouble_below(const struct weft__yamux_session *session)
{
    const struct weft_stream *below = session->below;
    return below->ops->trouble ? below->ops->trouble(below) : NULL;
}

/* Ends it for an error of the stream below. Its words live as long as it does, which a server's connections may
 * outlive. */
static void fail_below(struct weft__yamux_session *session, int error)
{
    const char *why = trouble_below(session);
    bool is_server = session->protocol.is_server;

    session->protocol.why = session->protocol.why ? session->protocol.why : why;
    fail(session, error, is_server && why ? "the connection below the session broke a rule" : why);
}

/* The peer has ended its direction of the stream below. Streams whose last frame is whole see their ends. */
static void end_input(struct weft__yamux_session *session)
{
    session->below_ended = true;
    session->protocol.heard_away = true;
    if (session->state != WEFT__YAMUX_OPEN)
        return;
    if (!weft__yamux_is_between(&session->protocol)) {
        fail(session, WEFT_ETRUNCATED, "the peer ended inside a frame of yamux");
        return;
    }
    for (struct weft__yamux_stream *stream = session->streams; stream; stream = stream->next) {
        stream->flow.got_end = stream->flow.got_fin = true;
        weft__yamux_notify(stream);
    }
    weft__yamux_session_settle(session);
}

void weft__yamux_session_settle(struct weft__yamux_session *session)
{
    if (!session->streams && (session->protocol.said_away || session->below_ended))
        leave(session, -ESHUTDOWN);
}

/* --- the stream below ------------------------------------------------------------------------------ */

static void flush(struct weft__yamux_session *session)
{
    struct weft_chain *out = &session->protocol.out;

    while (out->bytes > 0 && session->state != WEFT__YAMUX_OVER) {
        struct iovec vec[WEFT_IOV_MAX];
        int count = weft_chain_peek(out, vec, WEFT_IOV_MAX);
        size_t offered = 0;
        ssize_t n = session->below->ops->writev(session->below, vec, count);

        if (n == -EAGAIN)
            return;
        if (n < 0) {
            fail_below(session, (int)n);
            be_over(session);
            return;
        }
        for (int i = 0; i < count; i++)
            offered += vec[i].iov_len;
        weft_chain_consume(out, (size_t)n);
        if ((size_t)n < offered)
            return;
    }
}

/* Ends our direction when the last words have left, and waits for the peer's end, so that what it still sends does not
 * become a reset that destroys them. */
static void finish_leaving(struct weft__yamux_session *session)
{
    if (session->state != WEFT__YAMUX_LEAVING || session->protocol.out.bytes > 0)
        return;
    if (!session->shut) {
        session->shut = true;
        (void)session->below->ops->shutdown(session->below);
        weft_loop_after(session->loop, &session->timer, LINGER_NS);
    }
    if (session->below_ended)
        be_over(session);
}

/* The first answer of the stream below says that it is connected. */
static void be_connected(struct weft__yamux_session *session)
{
    session->connected = true;
    for (struct weft__yamux_stream *stream = session->streams; stream; stream = stream->next)
        if (stream->wanted & WEFT_WRITABLE)
            weft__yamux_queue_writer(stream);
}

/* A flood goes on behind our last words. Each read of it opens the window for more, so that reading costs more than all
 * that the flood did before it was ended. What a well-meant peer has on its way is small, and comes before its end. */
static void drop(struct weft__yamux_session *session, size_t size)
{
    session->dropped += size;
    if (session->dropped > DROPPED_MAX)
        be_over(session);
}

/* Reads once. Returns false if the session is gone. */
static bool read_once(struct weft__yamux_session *session, bool *dry)
{
    uint8_t scratch[READ_SIZE];
    ssize_t n = session->below->ops->read(session->below, scratch, sizeof scratch);

    *dry = n < READ_SIZE;
    if (!session->connected && (n >= 0 || n == -EAGAIN))
        be_connected(session);
    if (n == -EAGAIN)
        return true;
    if (n > 0) {
        session->heard = true;
        if (session->state != WEFT__YAMUX_OPEN) { /* it is dropped, so that it is no reset */
            drop(session, (size_t)n);
            return true;
        }
        int err = weft__yamux_read(&session->protocol, weft_view(scratch, (size_t)n),
                                   weft_loop_now(session->loop));
        if (err == -ECANCELED)
            return false;
        if (err < 0)
            fail(session, err, session->protocol.why);
    } else if (n == 0 || n == WEFT_EOVER) {
        end_input(session);
    } else {
        session->below_ended = true;
        fail_below(session, (int)n);
    }
    return true;
}

/* Reads until nothing more is there or a turn's share is used. The last words have a turn, and so has each read behind
 * them. Returns false if the session is gone. */
static bool read_below(struct weft__yamux_session *session)
{
    bool dry = session->below_ended || session->state == WEFT__YAMUX_OVER;

    session->reading = true;
    session->protocol.frames = 0;
    for (int reads = 1; !dry; reads++) {
        if (!read_once(session, &dry))
            return false;
        dry |= reads == READS || session->protocol.frames >= FRAMES || session->below_ended ||
               session->state != WEFT__YAMUX_OPEN;
    }
    session->reading = false;
    return true;
}

void weft__yamux_session_pull(struct weft__yamux_session *session)
{
    bool *outer = session->gone;

    /* An owner that reads within a callback has all that was read. */
    if (session->reading || outer || session->state != WEFT__YAMUX_OPEN)
        return;
    bool gone = false;
    session->gone = &gone;
    session->quiet = true;
    (void)read_below(session); /* true: nobody is told of anything */
    session->quiet = false;
    session->gone = NULL;
    weft_loop_defer(session->loop, &session->again);
}

static void set_interest(struct weft__yamux_session *session)
{
    unsigned interest = session->below_ended ? 0 : WEFT_READABLE;

    if (session->state == WEFT__YAMUX_OVER)
        interest = 0;
    else if (session->protocol.out.bytes > 0 || !session->connected)
        interest |= WEFT_WRITABLE;
    session->below->ops->want(session->below, interest);
}

/* Lets each stream that waits write once, in their order. An owner may close any stream meanwhile, so they are counted
 * before. Returns false if the session is gone. */
static bool serve_round(struct weft__yamux_session *session)
{
    bool *gone = session->gone;
    size_t left = 0;

    for (const struct weft__yamux_stream *at = session->writers; at; at = at->next_writer)
        left++;
    for (; left > 0 && session->writers && weft__yamux_has_room(session); left--) {
        struct weft__yamux_stream *stream = session->writers;
        weft__yamux_unqueue_writer(stream);
        if (stream->flow.may_send == 0)
            continue;
        weft__yamux_queue_writer(stream);
        stream->stream.on_ready(&stream->stream, weft__yamux_events(stream));
        if (*gone)
            return false;
    }
    return true;
}

/* Returns false if the session is gone. */
static bool serve_writers(struct weft__yamux_session *session)
{
    flush(session);
    for (int rounds = 0; rounds < ROUNDS && session->writers && weft__yamux_has_room(session);
         rounds++) {
        size_t before = session->protocol.out.bytes;
        if (!serve_round(session))
            return false;
        if (session->protocol.out.bytes == before)
            break;
        flush(session);
    }
    return true;
}

/* True if the owner is to be told that accept has an answer. */
static bool has_news(const struct weft__yamux_session *session)
{
    return session->waiting ? session->enabled : session->state == WEFT__YAMUX_OVER;
}

/* Ends each entry from the loop: new streams, then room, and all that was written leaves in one write. Nothing of the
 * session is touched behind the last call of its owner, who may have closed it. */
static void finish(struct weft__yamux_session *session)
{
    bool *gone = session->gone;

    if (session->waiting && session->enabled) {
        session->listener.on_ready(&session->listener);
        if (*gone)
            return;
    }
    if (!serve_writers(session))
        return;
    if (session->protocol.error != 0) /* found while something was sent */
        fail(session, session->protocol.error, session->protocol.why);
    finish_leaving(session);
    set_interest(session);
    session->gone = NULL;
    if (has_news(session) || (session->writers && weft__yamux_has_room(session)))
        weft_loop_defer(session->loop, &session->again);
    if (session->state == WEFT__YAMUX_OVER) {
        weft_deferred_cancel(&session->again);
        session->listener.on_ready(&session->listener);
    }
}

static void on_below(struct weft_stream *below, unsigned events_ready)
{
    struct weft__yamux_session *session = below->owner;
    bool gone = false;

    session->gone = &gone;
    if ((events_ready & WEFT_READABLE) || !session->connected)
        if (!read_below(session))
            return;
    finish(session);
}

static void on_again(struct weft_deferred *deferred)
{
    struct weft__yamux_session *session =
        weft_container_of(deferred, struct weft__yamux_session, again);
    bool gone = false;

    session->gone = &gone;
    finish(session);
}

void weft__yamux_session_flush_soon(struct weft__yamux_session *session)
{
    if (!session->gone)
        weft_loop_defer(session->loop, &session->again);
}

static void on_timer(struct weft_timer *timer)
{
    struct weft__yamux_session *session =
        weft_container_of(timer, struct weft__yamux_session, timer);
    const struct weft__yamux_config *config = session->protocol.config;

    if (session->state == WEFT__YAMUX_LEAVING) {
        be_over(session);
        return;
    }
    if (session->pinged && !session->heard) {
        fail(session, -ETIMEDOUT, "the peer has not answered a ping");
        return;
    }
    session->pinged = !session->heard && session->connected;
    session->heard = false;
    if (session->pinged)
        weft__yamux_ping(&session->protocol);
    weft_loop_after(session->loop, timer,
                    (int64_t)(session->pinged ? config->ping_timeout : config->keepalive));
    weft_loop_defer(session->loop, &session->again);
}

void weft__yamux_session_begin(struct weft__yamux_session *session, struct weft_loop *loop,
                               struct weft_stream *below, const struct weft_session_setup *setup)
{
    const struct weft__yamux_config *config = setup->config;

    weft__yamux_init(&session->protocol, config, &events, setup->pool, setup->is_server);
    session->loop = loop;
    session->below = below;
    session->peer = setup->peer;
    session->connected = setup->is_server;
    session->waiting_end = &session->waiting;
    session->writers_end = &session->writers;
    session->again.run = on_again;
    session->timer.fire = on_timer;
    if (config->keepalive > 0)
        weft_loop_after(loop, &session->timer, (int64_t)config->keepalive);
    below->owner = session;
    below->on_ready = on_below;
    set_interest(session);
}

void weft__yamux_session_close(struct weft__yamux_session *session)
{
    if (session->gone)
        *session->gone = true;
    if (session->state == WEFT__YAMUX_OPEN)
        weft__yamux_go_away(&session->protocol, WEFT__YAMUX_NORMAL);
    flush(session);
    if (session->state != WEFT__YAMUX_OVER && !session->shut)
        (void)session->below->ops->shutdown(session->below);
    session->below->ops->close(session->below);
    fail_streams(session, -ECONNRESET, "the session was closed");
    while (session->streams) {
        struct weft__yamux_stream *stream = session->streams;
        weft__yamux_forget(&session->protocol, &stream->flow, false);
        weft__yamux_unlink(stream);
    }
    weft_timer_stop(&session->timer);
    weft_deferred_cancel(&session->again);
    weft__yamux_fini(&session->protocol);
}
