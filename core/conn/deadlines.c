/* SPDX-License-Identifier: MIT
 *
 * Deadlines of a connection: for an unfinished frame, for a write, for idling and lingering, and for its codec's
 * tick. One timer serves them all. */
#include <errno.h>

#include "conn_private.h"
#include "core/base/compiler.h"

/* Returns the time that an unfinished frame may take: longer if it said that it is large. */
static int64_t frame_time(const struct weft__conn *conn)
{
    uint64_t patience = conn->binding->worker->limits->frame_timeout;
    uint64_t declared = WEFT_SECONDS(conn->frame_size / WEFT__SLOW_BYTES_PER_SECOND);
    return (int64_t)(declared > patience ? declared : patience);
}

static void on_timer(struct weft_timer *timer);

static void earlier(int64_t *earliest, int64_t deadline)
{
    if (deadline != 0 && (*earliest == 0 || deadline < *earliest))
        *earliest = deadline;
}

/* Arms the timer for a deadline, unless it is 0 or the timer fires sooner. The timer is lazy: it is not moved when a
 * deadline goes away. */
static void arm_for(struct weft__conn *conn, int64_t deadline)
{
    struct weft_loop *loop = conn->binding->worker->loop;

    if (deadline == 0 || (weft_timer_is_armed(&conn->timer) && conn->timer.deadline <= deadline))
        return;
    conn->timer.fire = on_timer;
    weft_loop_after(loop, &conn->timer, deadline - weft_loop_now(loop));
}

static void arm_timer(struct weft__conn *conn)
{
    int64_t earliest = 0;

    if (conn->frame_start != 0)
        earlier(&earliest, conn->frame_start + frame_time(conn));
    earlier(&earliest, conn->write_deadline);
    earlier(&earliest, conn->rest_deadline);
    arm_for(conn, earliest);
}

/* True if the peer's silence means that it has sent nothing. */
static bool is_listening(const struct weft__conn *conn)
{
    return weft__conn_reads(conn) && !conn->yielded && !weft__conn_has_output(conn);
}

/* Nothing is kept of when the codec wants its next tick: the timer, once it is armed for that, fires by then for whatever
 * reason, and each time the codec is asked anew. */
void weft__conn_tick(struct weft__conn *conn)
{
    const struct weft_codec *codec = conn->binding->codec;
    int64_t heard, next;

    if (!codec->tick || conn->undecided || conn->state != WEFT__CONN_OPEN)
        return;
    heard = is_listening(conn) ? conn->heard : weft_loop_now(conn->binding->worker->loop);
    next = codec->tick(&conn->codec, heard, &conn->out);
    if (next == -ETIMEDOUT) {
        conn->detail = "no answer to a keepalive ping";
        weft__conn_break(conn, WEFT_REASON_PEER_VANISHED);
    } else if (next < 0) {
        weft__conn_give_up(conn, next == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_INTERNAL);
    } else {
        arm_for(conn, next);
    }
    if (conn->out.bytes > 0)
        weft__conn_schedule(conn);
}

/* Ends a connection that was idle or has lingered for too long. A codec with a goodbye says it first, so that the peer knows
 * that a request which is on its way was not heard. */
static void end_rest(struct weft__conn *conn)
{
    if (conn->streaming && conn->state == WEFT__CONN_OPEN)
        weft__conn_close_soon(conn, WEFT_REASON_IDLE_TIMEOUT);
    else
        weft__conn_break(conn, WEFT_REASON_IDLE_TIMEOUT); /* one that lingers has its reason */
}

static void on_timer(struct weft_timer *timer)
{
    struct weft__conn *conn = weft_container_of(timer, struct weft__conn, timer);
    int64_t now = weft_loop_now(conn->binding->worker->loop);

    if (conn->frame_start != 0 && conn->frame_start + frame_time(conn) <= now) {
        weft__conn_break(conn, WEFT_REASON_FRAME_TIMEOUT);
    } else if (conn->write_deadline != 0 && conn->write_deadline <= now) {
        weft__conn_break(conn, WEFT_REASON_WRITE_TIMEOUT);
    } else if (conn->rest_deadline != 0 && conn->rest_deadline <= now) {
        end_rest(conn);
    } else {
        arm_timer(conn);
        weft__conn_tick(conn);
    }
}

/* True if nothing is under way that has a deadline of its own or that the service owes. */
static bool is_idle(const struct weft__conn *conn)
{
    return conn->state == WEFT__CONN_OPEN && weft__order_is_empty(&conn->order) &&
           !weft__conn_has_output(conn) && !weft__conn_has_partial(conn);
}

/* Returns when an idle connection will have been idle for too long. A turn without a message, as of keepalive pings and
 * their answers, does not make it a busy one. */
WEFT_NOINLINE static int64_t idle_deadline(const struct weft__conn *conn, int64_t timeout)
{
    if (conn->rest_deadline != 0 && conn->turn_frames == 0)
        return conn->rest_deadline;
    return weft_loop_now(conn->binding->worker->loop) + timeout;
}

void weft__conn_set_deadlines(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;
    int64_t idle_timeout = (int64_t)worker->limits->idle_timeout;

    weft__conn_end_shaking(conn);
    /* Bytes that wait for the next turn may be a whole frame: then the server has to act, not the peer. */
    if (!weft__conn_reads(conn) || conn->yielded || !weft__conn_has_partial(conn))
        conn->frame_start = 0;
    else if (conn->frame_start == 0)
        conn->frame_start = weft_loop_now(worker->loop);
    if (conn->state != WEFT__CONN_LINGER)
        conn->rest_deadline =
            idle_timeout > 0 && is_idle(conn) ? idle_deadline(conn, idle_timeout) : 0;
    if (conn->frame_start != 0 || conn->write_deadline != 0 || conn->rest_deadline != 0)
        arm_timer(conn);
}
