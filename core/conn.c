/* SPDX-License-Identifier: MIT
 *
 * A connection's life: open, states, deadlines, close. */
#include "core/conn.h"

#include <errno.h>
#include <inttypes.h>

#include "core/container.h"
#include "core/request.h"

enum { ALIGNMENT = 16, SLOW_BYTES_PER_SECOND = 16 * 1024, TURN_ROUNDS = 4 };

#define LINGER_NS ((int64_t)WEFT_SECONDS(1))

static size_t align_up(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* How long a frame may take that is not complete: longer where it said that it is large. */
static int64_t frame_time(const struct weft__conn *conn)
{
    uint64_t patience = conn->binding->worker->limits->frame_timeout;
    uint64_t declared = WEFT_SECONDS(conn->frame_size / SLOW_BYTES_PER_SECOND);
    return (int64_t)(declared > patience ? declared : patience);
}

/* One allocation, in this order: the connection, its stream, the codec's and the service's states,
 * the peer's text. */
static size_t stream_offset(void)
{
    return align_up(sizeof(struct weft__conn));
}

static struct weft__conn *allocate(struct weft__binding *binding, const char *peer)
{
    size_t codec = stream_offset() + align_up(binding->transport->stream_size);
    size_t service = codec + align_up(binding->codec->conn_size);
    size_t text = service + binding->service->conn_size;
    size_t text_size = strlen(peer) + 1;
    char *base = weft_calloc(1, text + text_size);
    struct weft__conn *conn = (struct weft__conn *)(void *)base;

    if (!conn)
        return NULL;
    memcpy(base + text, peer, text_size);
    conn->peer = base + text;
    conn->binding = binding;
    conn->stream = (struct weft_stream *)(void *)(base + stream_offset());
    conn->codec = (struct weft_codec_state){
        .config = binding->codec_config,
        .loop = binding->codec_loop,
        .conn = base + codec,
        .config_id = binding->config_id,
    };
    conn->service_conn = base + service;
    weft_chain_init(&conn->out, &binding->worker->segments);
    return conn;
}

static struct weft__conn *from_stream(struct weft_stream *stream)
{
    return (struct weft__conn *)(void *)((char *)stream - stream_offset());
}

static void link_conn(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;

    conn->next = worker->conns;
    if (conn->next)
        conn->next->prev = conn;
    worker->conns = conn;
    worker->conn_count++;
    weft__count(&conn->binding->counts.open, 1);
}

static void unlink_conn(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;

    if (conn->prev)
        conn->prev->next = conn->next;
    else
        worker->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    worker->conn_count--;
    if (!worker->conns && worker->draining && worker->on_empty)
        worker->on_empty(worker);
}

/* The place that the acceptor reserved on this worker is free again. */
static void vacate(struct weft__worker *worker, bool refused)
{
    if (refused)
        worker->refusing--;
    else
        atomic_fetch_sub_explicit(&worker->living, 1, memory_order_relaxed);
}

static void release(struct weft__conn *conn)
{
    struct weft__binding *binding = conn->binding;

    if (conn->service_open && binding->service->close)
        binding->service->close(conn->service_conn, binding->service_loop);
    unlink_conn(conn);
    weft_free(conn);
}

/* Tells every request that nobody will read its answer. Those that end meanwhile are swept
 * afterwards. */
static void cancel_requests(struct weft__conn *conn)
{
    conn->cancelling = true;
    for (struct weft__request *request = conn->first; request; request = request->next) {
        weft__request_drop_held(request);
        if (request->ended)
            continue;
        if (request->public.on_cancel)
            request->public.on_cancel(&request->public, conn->reason);
    }
    conn->cancelling = false;
    weft__conn_advance(conn);
}

static void close_now(struct weft__conn *conn)
{
    struct weft__binding *binding = conn->binding;

    conn->state = WEFT__CONN_CLOSED;
    conn->broken = true;
    conn->stream->ops->close(conn->stream);
    weft_timer_stop(&conn->timer);
    weft_buf_fini(&conn->in);
    weft_chain_fini(&conn->out);
    if (binding->codec->fini)
        binding->codec->fini(&conn->codec);
    weft__count(&binding->counts.closed[conn->reason], 1);
    weft__count(&binding->counts.open, (uint64_t)-1);
    weft__worker_log_close(binding->worker, conn->reason, conn->peer, conn->detail, conn->id);
    vacate(binding->worker, conn->refused);
    cancel_requests(conn);
}

static void set_reason(struct weft__conn *conn, enum weft_reason reason)
{
    if (conn->reason == WEFT_REASON_NONE)
        conn->reason = (uint8_t)reason;
}

void weft__conn_break(struct weft__conn *conn, enum weft_reason reason)
{
    set_reason(conn, reason);
    conn->broken = true;
    weft__conn_schedule(conn);
}

void weft__conn_give_up(struct weft__conn *conn, enum weft_reason reason)
{
    set_reason(conn, reason);
    if (conn->state < WEFT__CONN_FLUSHING)
        conn->state = WEFT__CONN_FLUSHING;
    weft__conn_schedule(conn);
}

void weft__conn_close_soon(struct weft__conn *conn, enum weft_reason reason)
{
    set_reason(conn, reason);
    if (conn->state == WEFT__CONN_OPEN)
        conn->state = WEFT__CONN_CLOSING;
    weft__conn_schedule(conn);
}

void weft__conn_schedule(struct weft__conn *conn)
{
    if (!conn->pumping)
        weft_loop_defer(conn->binding->worker->loop, &conn->deferred);
}

void weft__conn_drain(struct weft__conn *conn)
{
    conn->draining = true;
    weft__conn_schedule(conn);
}

/* Output and requests have gone down far enough to decode again. */
static bool resumable(const struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;

    return conn->paused && !conn->broken && conn->state == WEFT__CONN_OPEN &&
           conn->pending < limits->max_pending && conn->out.bytes + conn->held < limits->output_low;
}

static bool reads(const struct weft__conn *conn)
{
    return conn->state == WEFT__CONN_OPEN && !conn->broken && !conn->eof && !conn->paused;
}

static bool has_partial(const struct weft__conn *conn)
{
    return weft_buf_size(&conn->in) > 0 || conn->inside;
}

/* Notes, once, how far the input has come by the time the draining began. */
static void mark_input(struct weft__conn *conn)
{
    if (reads(conn) && !conn->yielded)
        weft__conn_read(conn);
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
        weft__conn_close_soon(conn,
                              has_partial(conn) ? WEFT_REASON_TRUNCATED : WEFT_REASON_PEER_CLOSED);
    return conn->turn_frames != frames;
}

/* A draining connection ends once it owes nothing and a read has said that nothing waits. */
static void finish_drain(struct weft__conn *conn)
{
    for (int reads_left = 4; conn->drain_marked && reads_left > 0; reads_left--) {
        if (!reads(conn) || conn->yielded || conn->first || conn->out.bytes > 0)
            return;
        if (conn->drained_read) {
            weft__conn_close_soon(conn, WEFT_REASON_DRAINED);
            return;
        }
        weft__conn_read(conn);
        weft__conn_flush(conn);
    }
    if (conn->drain_marked && reads(conn))
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

static void on_timer(struct weft_timer *timer);

static void earlier(int64_t *earliest, int64_t deadline)
{
    if (deadline != 0 && (*earliest == 0 || deadline < *earliest))
        *earliest = deadline;
}

/* The timer is lazy: it is armed for the earliest deadline and not moved when that one goes away.
 */
static void arm_timer(struct weft__conn *conn)
{
    struct weft_loop *loop = conn->binding->worker->loop;
    int64_t earliest = 0;

    if (conn->frame_start != 0)
        earlier(&earliest, conn->frame_start + frame_time(conn));
    earlier(&earliest, conn->write_deadline);
    earlier(&earliest, conn->rest_deadline);
    if (earliest == 0 || (conn->timer_at != 0 && conn->timer_at <= earliest))
        return;
    conn->timer.fire = on_timer;
    conn->timer_at = earliest;
    weft_loop_after(loop, &conn->timer, earliest - weft_loop_now(loop));
}

/* Nothing is under way that has a deadline of its own, or is the service's. */
static bool is_idle(const struct weft__conn *conn)
{
    return conn->state == WEFT__CONN_OPEN && !conn->first && conn->out.bytes == 0 &&
           !has_partial(conn);
}

static void set_deadlines(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;
    int64_t idle_timeout = (int64_t)worker->limits->idle_timeout;

    if (!reads(conn) || conn->yielded || !has_partial(conn))
        conn->frame_start = 0;
    else if (conn->frame_start == 0)
        conn->frame_start = weft_loop_now(worker->loop);
    if (conn->state != WEFT__CONN_LINGER)
        conn->rest_deadline = idle_timeout > 0 && is_idle(conn)
                                  ? weft_loop_now(worker->loop) + idle_timeout
                                  : 0;
    if (conn->frame_start != 0 || conn->write_deadline != 0 || conn->rest_deadline != 0)
        arm_timer(conn);
}

static void set_interest(struct weft__conn *conn)
{
    unsigned interest = 0;

    if (reads(conn) || conn->state == WEFT__CONN_LINGER)
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
    if (weft__conn_notify_drained(conn))
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
    if (conn->draining)
        finish_drain(conn);
    weft__conn_flush(conn);
    finish_output(conn);
    if (conn->state != WEFT__CONN_OPEN)
        weft_buf_fini(&conn->in);
    if (conn->broken) {
        close_now(conn);
    } else {
        set_deadlines(conn);
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
            release(conn);
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

static void on_deferred(struct weft_deferred *deferred)
{
    weft__conn_pump(weft_container_of(deferred, struct weft__conn, deferred));
}

static void on_ready(struct weft_stream *stream, unsigned events)
{
    struct weft__conn *conn = from_stream(stream);

    begin_turn(conn);
    if (events & WEFT_WRITABLE)
        conn->write_blocked = false;
    if (events & WEFT_READABLE) {
        /* Where a turn's share was used up, the deferred pump goes on with what is buffered. */
        if (reads(conn) && !conn->yielded)
            weft__conn_read(conn);
        else if (conn->state == WEFT__CONN_LINGER)
            weft__conn_linger_read(conn);
    }
    run(conn);
}

static void on_timer(struct weft_timer *timer)
{
    struct weft__conn *conn = weft_container_of(timer, struct weft__conn, timer);
    int64_t now = weft_loop_now(conn->binding->worker->loop);

    conn->timer_at = 0;
    if (conn->frame_start != 0 && conn->frame_start + frame_time(conn) <= now)
        weft__conn_break(conn, WEFT_REASON_FRAME_TIMEOUT);
    else if (conn->write_deadline != 0 && conn->write_deadline <= now)
        weft__conn_break(conn, WEFT_REASON_WRITE_TIMEOUT);
    else if (conn->rest_deadline != 0 && conn->rest_deadline <= now)
        weft__conn_break(conn, WEFT_REASON_IDLE_TIMEOUT); /* one that lingers has its reason */
    else
        arm_timer(conn);
}

static void refuse_with(struct weft__conn *conn, enum weft_reject_cause cause)
{
    struct weft_rejection rejection = {.cause = cause};

    if (cause == WEFT_REJECT_TOO_MANY) {
        rejection.what = "max-connections";
        rejection.limit = conn->binding->worker->limits->max_connections;
    }
    weft__conn_close_soon(conn, cause == WEFT_REJECT_TOO_MANY ? WEFT_REASON_TOO_MANY
                                                              : WEFT_REASON_DRAINED);
    weft__conn_reject(conn, &rejection);
}

static int open_service(struct weft__conn *conn)
{
    const struct weft__binding *binding = conn->binding;
    int rv = binding->service->open
                 ? binding->service->open(conn->service_conn, binding->service_loop)
                 : 0;

    conn->service_open = rv == 0;
    return rv;
}

void weft__conn_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                     uint64_t id, int refuse)
{
    struct weft__worker *worker = binding->worker;
    struct weft__conn *conn = allocate(binding, accepted->peer);
    int rv;

    weft__count(&binding->counts.accepted, 1);
    if (!conn) {
        binding->transport->drop(accepted);
        rv = -ENOMEM;
        goto err;
    }
    conn->id = id;
    conn->refused = refuse != 0;
    conn->deferred.run = on_deferred;
    conn->stream->on_ready = on_ready;
    rv = binding->transport->attach(conn->stream, worker->loop, accepted);
    if (rv < 0)
        goto err_after_allocate;
    if (binding->codec->init)
        binding->codec->init(&conn->codec, WEFT_SERVER);
    link_conn(conn);
    weft_log_write(worker->log, WEFT_LOG_DEBUG, "open", "conn=%" PRIu64 " peer=%s", id, conn->peer);
    if (refuse)
        refuse_with(conn, (enum weft_reject_cause)(refuse - 1));
    else if (open_service(conn) < 0)
        weft__conn_break(conn, WEFT_REASON_NO_MEMORY);
    else if (worker->draining)
        weft__conn_drain(conn);
    weft__conn_pump(conn);
    return;

err_after_allocate:
    weft_free(conn);
err:
    weft__count(
        &binding->counts.closed[rv == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_PEER_RESET], 1);
    vacate(worker, refuse != 0);
}
