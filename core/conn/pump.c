/* SPDX-License-Identifier: MIT
 *
 * The pump: what a connection does in a turn, whatever woke it. */
#include "conn_private.h"
#include "core/base/compiler.h"

enum { TURN_ROUNDS = 4 };

#define LINGER_NS ((int64_t)WEFT_SECONDS(1))

/* Output and requests have gone down far enough to decode again. */
static bool resumable(const struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;

    return conn->paused && !conn->broken && conn->state == WEFT__CONN_OPEN &&
           conn->pending < limits->max_pending &&
           conn->out.bytes + conn->held_bytes < limits->output_low;
}

/* Notes, once, how far the input has come by the time the draining began. */
static void mark_input(struct weft__conn *conn)
{
    if (weft__conn_reads(conn) && !conn->yielded)
        (void)weft__conn_read(conn);
    conn->drain_mark = weft_buf_size(&conn->in);
    conn->drain_marked = true;
}

/* The peer's end: what it sent whole is decoded, then the leftover is judged. True where frames
 * came. */
static bool finish_input(struct weft__conn *conn)
{
    uint32_t frames = conn->turn_frames;

    if (!conn->eof || conn->state != WEFT__CONN_OPEN || conn->paused || conn->yielded)
        return false;
    weft__conn_decode_buffered(conn);
    if (conn->state == WEFT__CONN_OPEN && !conn->paused && !conn->yielded && !conn->broken)
        weft__conn_close_soon(conn, weft__conn_has_partial(conn) ? WEFT_REASON_TRUNCATED
                                                                 : WEFT_REASON_PEER_CLOSED);
    return conn->turn_frames != frames;
}

/* A draining connection ends once it owes nothing and a read has said that nothing waits. */
static void finish_drain(struct weft__conn *conn)
{
    for (int reads_left = TURN_ROUNDS; reads_left > 0; reads_left--) {
        if (!weft__conn_reads(conn) || conn->yielded || conn->first || conn->out.bytes > 0)
            return;
        if (weft__conn_read(conn)) {
            weft__conn_close_soon(conn, WEFT_REASON_DRAINED);
            return;
        }
        weft__conn_flush(conn);
    }
    if (weft__conn_reads(conn))
        conn->yielded = true;
}

static void finish_output(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;

    if (conn->state == WEFT__CONN_CLOSING && !conn->first)
        conn->state = WEFT__CONN_FLUSHING;
    if (conn->state != WEFT__CONN_FLUSHING || conn->broken || conn->out.bytes > 0)
        return;
    if (conn->eof || conn->stream->ops->shutdown(conn->stream) < 0) {
        conn->broken = true;
        return;
    }
    conn->state = WEFT__CONN_LINGER;
    conn->rest_deadline = weft_loop_now(worker->loop) + LINGER_NS;
}

static void set_interest(struct weft__conn *conn)
{
    unsigned interest = 0;

    if (weft__conn_reads(conn) || conn->state == WEFT__CONN_LINGER)
        interest |= WEFT_READABLE;
    if (conn->write_blocked && conn->out.bytes > 0)
        interest |= WEFT_WRITABLE;
    if (interest == conn->interest)
        return;
    conn->interest = (uint8_t)interest;
    conn->stream->ops->want(conn->stream, interest);
}

/* No event will come for it: the next turn is to go on by itself. */
static bool more_to_do(const struct weft__conn *conn)
{
    return conn->yielded || resumable(conn) || weft__conn_can_notify(conn) ||
           (conn->eof && conn->state == WEFT__CONN_OPEN && !conn->paused);
}

/* After a write: what has become possible by the room it made. True where something was done. */
static bool go_on(struct weft__conn *conn)
{
    if (weft__conn_notify_room(conn))
        return true;
    if (resumable(conn)) {
        conn->paused = false;
        weft__conn_decode_buffered(conn);
        return true;
    }
    return finish_input(conn);
}

/* What a turn does once its input, if there was any, is decoded. */
static void run(struct weft__conn *conn)
{
    weft__conn_flush(conn);
    for (int rounds = 0; rounds < TURN_ROUNDS && go_on(conn); rounds++)
        weft__conn_flush(conn);
    if (conn->drain_marked)
        finish_drain(conn);
    weft__conn_flush(conn);
    finish_output(conn);
    if (conn->state != WEFT__CONN_OPEN)
        weft_buf_fini(&conn->in);
    if (conn->broken) {
        weft__conn_close_now(conn);
    } else {
        weft__conn_set_deadlines(conn);
        set_interest(conn);
    }
    conn->pumping = false;
    if (conn->state == WEFT__CONN_CLOSED ? !conn->first : more_to_do(conn))
        weft__conn_schedule(conn);
}

static void begin_turn(struct weft__conn *conn)
{
    conn->pumping = true;
    conn->turn_frames = 0;
    conn->turn_began = weft_loop_now(conn->binding->worker->loop);
}

void weft__conn_pump(struct weft__conn *conn)
{
    bool yielded = conn->yielded;

    if (conn->state == WEFT__CONN_CLOSED) {
        if (!conn->first)
            weft__conn_release(conn);
        return;
    }
    begin_turn(conn);
    conn->yielded = false;
    if (yielded)
        weft__conn_decode_buffered(conn);
    if (conn->draining && !conn->drain_marked)
        mark_input(conn);
    run(conn);
}

void weft__conn_on_deferred(struct weft_deferred *deferred)
{
    weft__conn_pump(weft_container_of(deferred, struct weft__conn, deferred));
}

static struct weft__conn *from_stream(struct weft_stream *stream)
{
    return (struct weft__conn *)(void *)((char *)stream - WEFT__CONN_STREAM);
}

void weft__conn_on_ready(struct weft_stream *stream, unsigned events)
{
    struct weft__conn *conn = from_stream(stream);

    begin_turn(conn);
    if (events & WEFT_WRITABLE)
        conn->write_blocked = false;
    if (events & WEFT_READABLE) {
        /* Where a turn's share was used up, the deferred pump goes on with what is buffered. */
        if (weft__conn_reads(conn) && !conn->yielded)
            (void)weft__conn_read(conn);
        else if (conn->state == WEFT__CONN_LINGER)
            weft__conn_linger_read(conn);
    }
    run(conn);
}
