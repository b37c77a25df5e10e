/* SPDX-License-Identifier: MIT
 *
 * A connection's life, and the pump.
 *
 * The pump is what a connection does in a turn of the loop, whatever woke it: decode and call, write,
 * tell of room, decode what a pause left over, and so on while there is progress, then change state.
 * It is the only place from which plugins are entered. */
#include "conn_private.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/compiler.h"
#include "streams.h"
#include "walk.h"

/* Rounds of writing and going on in one turn, and reads that a drain may need to find its end. */
enum { TURN_ROUNDS = 4 };

#define LINGER_NS ((int64_t)WEFT_SECONDS(1))

/* The stream lies behind its connection, in the same allocation. */
#define STREAM_AT WEFT__ALIGN_UP(sizeof(struct weft__conn))

/* Allocates everything at once, in this order: the connection, its stream, the codec's and the service's
 * states, the text of the peer's address. */
static struct weft__conn *allocate(struct weft__binding *binding, const char *address)
{
    size_t codec = STREAM_AT + WEFT__ALIGN_UP(binding->stack->stream_size);
    size_t service = codec + WEFT__ALIGN_UP(binding->codec_room);
    size_t text = service + binding->service_room;
    size_t text_size = strlen(address) + 1;
    char *base = weft_calloc(1, text + text_size);
    struct weft__conn *conn = (struct weft__conn *)(void *)base;

    if (!conn)
        return NULL;
    memcpy(base + text, address, text_size);
    conn->address = base + text;
    conn->binding = binding;
    conn->stream = (struct weft_stream *)(void *)(base + STREAM_AT);
    conn->codec.conn = base + codec;
    conn->service_conn = base + service;
    weft_chain_init(&conn->out, &binding->worker->pieces);
    return conn;
}

/* Counts it in the state that it has now. */
static void count_state(struct weft__conn *conn)
{
    enum weft_connection_state state = weft__conn_state_of(conn);

    if (state == conn->counted)
        return;
    weft__count(&conn->binding->worker->states[conn->counted], (uint64_t)-1);
    weft__count(&conn->binding->worker->states[state], 1);
    conn->counted = (unsigned)state & 7;
}

static void link_conn(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;

    conn->next = worker->conns;
    if (conn->next)
        conn->next->prev = conn;
    worker->conns = conn;
    worker->conn_count++;
    conn->binding->share->conns++;
    conn->counted = (unsigned)weft__conn_state_of(conn) & 7;
    weft__count(&worker->states[conn->counted], 1);
    weft__count(&conn->binding->counts.open, 1);
}

static void unlink_conn(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;
    struct weft__share *share = conn->binding->share;

    if (worker->walks)
        weft__walks_pass(conn);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        worker->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    worker->conn_count--;
    weft__count(&worker->states[conn->counted], (uint64_t)-1);
    weft__share_leave(share);
    weft__worker_check_empty(worker);
}

/* Frees the place that the acceptor reserved on this worker. */
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
    weft__peer_free(conn->peer);
    weft__order_fini(&conn->order);
    weft_free(conn);
}

static void drop_held(struct weft__conn *conn, struct weft__request *request)
{
    struct weft__held *held;

    while ((held = weft__order_take_held(&conn->order, request)))
        weft__held_free(request, held);
}

/* Tells the requests of a list. A callback may end any request, or try to send and so move one to the
 * other list. So no pointer is kept across it: a request moves to the end of the list before it is told,
 * and the next one is whichever is first afterwards. */
static void cancel_loose(struct weft__conn *conn, struct weft__loose *list, enum weft_reason reason)
{
    uint32_t most = conn->order.detached + conn->order.streams;

    for (uint32_t left = most; left > 0 && list->first; left--) {
        struct weft__request *request = list->first;

        weft__loose_move(request, list);
        weft__request_cancel(request, reason);
    }
}

static void cancel_detached(struct weft__conn *conn, enum weft_reason reason)
{
    struct weft__detached *detached = conn->order.detached_part;

    if (!detached)
        return;
    cancel_loose(conn, &detached->loose, reason);
    cancel_loose(conn, &detached->refused, reason);
}

/* Tells every request that nobody will read its answer. Requests in the order that end meanwhile stay
 * linked until all have been told. */
static void cancel_all(struct weft__conn *conn)
{
    /* Detached requests may have heard of the drain, and have to hear that it is over. */
    enum weft_reason reason =
        conn->reason == WEFT_REASON_DRAINED ? WEFT_REASON_CUT : (enum weft_reason)conn->reason;

    weft__streams_drop(conn);
    cancel_detached(conn, reason);
    conn->cancelling = true;
    for (struct weft__request *request = conn->order.first; request; request = request->next) {
        drop_held(conn, request);
        weft__request_cancel(request, reason);
    }
    conn->cancelling = false;
    weft__conn_advance(conn);
}

static void close_now(struct weft__conn *conn)
{
    struct weft__binding *binding = conn->binding;

    weft__conn_enter(conn, WEFT__CONN_CLOSED);
    /* First, since the detail may be the stream's. */
    weft__worker_log_close(binding->worker, conn->reason, conn->address, conn->detail, conn->id);
    conn->stream->ops->close(conn->stream);
    weft_timer_stop(&conn->timer);
    weft_buf_fini(&conn->in);
    weft_chain_fini(&conn->out);
    if (binding->codec->fini && !conn->undecided)
        binding->codec->fini(&conn->codec);
    weft__count(&binding->counts.closed[conn->reason], 1);
    weft__count(&binding->counts.open, (uint64_t)-1);
    vacate(binding->worker, conn->refused);
    cancel_all(conn);
}

/* True if decoding was paused and what it waited for has gone down far enough. */
static bool resumable(const struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;

    return conn->paused && !weft__conn_asks(conn) && weft__conn_decodes(conn) &&
           conn->order.pending < limits->max_pending &&
           conn->order.kept_bytes < limits->pending_bytes &&
           conn->out.bytes + conn->order.held_bytes < limits->output_low;
}

/* Notes, once, how many bytes of input had come when the drain began. */
static void mark_input(struct weft__conn *conn)
{
    if (weft__conn_reads(conn) && !conn->yielded)
        (void)weft__conn_read(conn);
    conn->drain_mark = weft_buf_size(&conn->in);
    conn->drain_marked = true;
    if (conn->streaming && conn->state == WEFT__CONN_OPEN)
        weft__conn_say_goodbye(conn, false);
}

/* Handles the peer's end of its direction: decodes the whole frames it sent, then judges what is left.
 * Returns true if there were frames. */
static bool finish_input(struct weft__conn *conn)
{
    uint16_t frames = conn->turn_frames;

    if (!conn->eof || conn->state != WEFT__CONN_OPEN || conn->paused || conn->yielded)
        return false;
    weft__conn_end_shaking(conn); /* it may have come in this turn */
    weft__conn_decode_buffered(conn);
    if (conn->state == WEFT__CONN_OPEN && !conn->paused && !conn->yielded)
        weft__conn_close_soon(conn, weft__conn_has_partial(conn) ? WEFT_REASON_TRUNCATED
                                                                 : WEFT_REASON_PEER_CLOSED);
    return conn->turn_frames != frames;
}

/* Endless requests are told of the drain when they are the head, for those behind them wait. One that is told
 * may end, and make another one the head. */
static void cancel_endless_for_drain(struct weft__conn *conn)
{
    struct weft__request *head;

    if (conn->state > WEFT__CONN_CLOSING)
        return;
    while ((head = conn->order.first) && head->endless && head->told == WEFT_REASON_NONE)
        weft__request_cancel(head, WEFT_REASON_DRAINED);
    weft__conn_flush(conn);
}

/* Once what came before the drain is answered, detached requests are told of it. What they say now
 * still leaves, and the connection waits for their end. */
static void cancel_detached_for_drain(struct weft__conn *conn)
{
    /* Requests with a stream may still come, and be detached, until their codec has said goodbye. */
    if ((conn->drain_told && !conn->streaming) || conn->order.first || conn->order.streams > 0 ||
        conn->state > WEFT__CONN_CLOSING ||
        (conn->state == WEFT__CONN_OPEN && (conn->paused || conn->yielded)))
        return;
    conn->drain_told = true;
    cancel_detached(conn, WEFT_REASON_DRAINED);
    weft__conn_flush(conn);
}

/* A draining connection ends once its order is empty, nothing waits to be sent, and a read has said
 * that nothing waits to be read. One with streams also waits for detached requests, because the peer's words on
 * their streams have to be read as long as they live. */
static void finish_drain(struct weft__conn *conn)
{
    for (int reads_left = TURN_ROUNDS; reads_left > 0; reads_left--) {
        if (!weft__conn_reads(conn) || conn->yielded || conn->order.first ||
            (conn->streaming && !weft__order_is_empty(&conn->order)) || weft__conn_has_output(conn))
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

/* True if a closing connection still owes something. Detached requests live on if it was only the
 * peer's direction that ended, since the peer may read on, or if they were told to end. */
static bool owes(const struct weft__conn *conn)
{
    bool serves_detached = (conn->reason == WEFT_REASON_PEER_CLOSED && !conn->over) ||
                           conn->reason == WEFT_REASON_DRAINED;

    return serves_detached ? !weft__order_is_empty(&conn->order)
                           : conn->order.first || conn->order.streams > 0;
}

static void finish_output(struct weft__conn *conn)
{
    struct weft__worker *worker = conn->binding->worker;

    /* Without further input nothing of a backlog can leave. */
    if (conn->state != WEFT__CONN_OPEN && (conn->eof || conn->lost))
        conn->backlog = 0;
    if (conn->state == WEFT__CONN_CLOSING && !owes(conn))
        weft__conn_enter(conn, WEFT__CONN_FLUSHING);
    if (conn->state == WEFT__CONN_FLUSHING && conn->streaming && !conn->farewell) {
        weft__conn_say_goodbye(conn, true);
        weft__conn_flush(conn);
    }
    if (conn->state != WEFT__CONN_FLUSHING || weft__conn_has_output(conn))
        return;
    /* Called after the peer's end as well: a stream over another one may have last words of its own. */
    if (conn->stream->ops->shutdown(conn->stream) < 0 || conn->eof) {
        weft__conn_enter(conn, WEFT__CONN_BROKEN);
        return;
    }
    weft__conn_enter(conn, WEFT__CONN_LINGER);
    conn->dropped = 0;
    conn->rest_deadline = weft_loop_now(worker->loop) + LINGER_NS;
}

static void set_interest(struct weft__conn *conn)
{
    unsigned interest = 0;

    if (weft__conn_reads(conn) || conn->state == WEFT__CONN_LINGER)
        interest |= WEFT_READABLE;
    if ((conn->write_blocked && conn->out.bytes > 0) || conn->unsent)
        interest |= WEFT_WRITABLE;
    if (interest == conn->interest)
        return;
    conn->interest = interest & 3;
    conn->stream->ops->want(conn->stream, interest);
}

/* True if a message was asked for that the codec may have already, and decoding may go on. */
static bool decodes_wanted(const struct weft__conn *conn)
{
    return conn->wanted && weft__conn_decodes(conn) && !conn->paused && !conn->yielded;
}

/* True if the connection has to go on in the next turn without any event. */
static bool more_to_do(const struct weft__conn *conn)
{
    return conn->yielded || resumable(conn) || weft__conn_can_notify(conn) ||
           decodes_wanted(conn) || (conn->streaming && weft__streams_can_go_on(conn)) ||
           (conn->eof && conn->state == WEFT__CONN_OPEN && !conn->paused);
}

/* After a write, does what the room it made allows. Each gets its chance in a round, so that requests
 * which always find room cannot keep a paused connection from decoding. Returns true if something was
 * done. */
static bool go_on(struct weft__conn *conn)
{
    bool went_on = weft__conn_notify_room(conn);

    if (weft__conn_resumed(conn)) {
        weft__layers_go_on(conn);
        went_on = true;
    }
    if (conn->streaming && weft__streams_go_on(conn))
        went_on = true;
    if (decodes_wanted(conn)) {
        weft__conn_decode_buffered(conn);
        went_on = true;
    }
    if (resumable(conn)) {
        conn->paused = false;
        weft__conn_decode_buffered(conn);
        went_on = true;
    }
    return finish_input(conn) || went_on;
}

/* The rest of the pump, after this turn's input was decoded. */
static void run(struct weft__conn *conn)
{
    weft__conn_flush(conn);
    for (int rounds = 0; rounds < TURN_ROUNDS && go_on(conn); rounds++)
        weft__conn_flush(conn);
    if (conn->drain_marked) {
        cancel_endless_for_drain(conn);
        cancel_detached_for_drain(conn);
        finish_drain(conn);
    }
    weft__conn_flush(conn);
    finish_output(conn);
    if (!weft__conn_decodes(conn))
        weft_buf_fini(&conn->in);
    if (conn->state == WEFT__CONN_BROKEN) {
        close_now(conn);
    } else {
        weft__conn_set_deadlines(conn);
        set_interest(conn);
    }
    count_state(conn);
    conn->pumping = false;
    if (conn->state == WEFT__CONN_CLOSED ? weft__order_is_empty(&conn->order) : more_to_do(conn))
        weft__conn_schedule(conn);
}

static void begin_turn(struct weft__conn *conn)
{
    conn->pumping = true;
    conn->turn_frames = 0;
    conn->binding->worker->pump_began = weft_loop_now(conn->binding->worker->loop);
}

static void pump(struct weft__conn *conn)
{
    bool yielded = conn->yielded;

    if (conn->state == WEFT__CONN_CLOSED) {
        conn->pumping = true;
        if (weft__conn_resumed(conn))
            weft__layers_go_on(conn);
        conn->pumping = false;
        if (weft__order_is_empty(&conn->order))
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
    pump(weft_container_of(deferred, struct weft__conn, deferred));
}

static struct weft__conn *from_stream(struct weft_stream *stream)
{
    return (struct weft__conn *)(void *)((char *)stream - STREAM_AT);
}

static void on_ready(struct weft_stream *stream, unsigned events)
{
    struct weft__conn *conn = from_stream(stream);

    begin_turn(conn);
    if (events & WEFT_WRITABLE)
        conn->write_blocked = false;
    if (events & WEFT_READABLE) {
        /* If the share of a turn is used up, the deferred pump goes on with what is buffered. */
        if (weft__conn_reads(conn) && !conn->yielded)
            (void)weft__conn_read(conn);
        else if (conn->state == WEFT__CONN_LINGER)
            weft__conn_linger_read(conn);
    }
    run(conn);
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

void weft__conn_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                     uint64_t id, uint64_t session, int refuse)
{
    struct weft__worker *worker = binding->worker;
    struct weft__conn *conn = allocate(binding, accepted->peer);
    int err;

    weft__count(&binding->counts.accepted, 1);
    if (!conn) {
        weft__stack_drop(binding->stack, accepted);
        err = -ENOMEM;
        goto err;
    }
    conn->id = id;
    conn->session = session;
    conn->opened = conn->heard = weft_loop_now(worker->loop);
    conn->refused = refuse != 0;
    conn->deferred.run = on_deferred;
    conn->stream->on_ready = on_ready;
    err = weft__stack_attach(binding->stack, conn->stream, worker->loop, &worker->pieces, accepted);
    if (err < 0)
        goto err_after_allocate;
    conn->inside = conn->shaking = weft__stack_shakes(binding->stack);
    conn->undecided = binding->variants > 1 && !refuse;
    if (!conn->undecided)
        weft__conn_bind(conn, binding);
    link_conn(conn);
    weft_log_write(worker->log, WEFT_LOG_DEBUG, "open", "conn=%" PRIu64 " peer=%s", id,
                   conn->address);
    if (refuse)
        refuse_with(conn, (enum weft_reject_cause)(refuse - 1));
    else if (!conn->undecided)
        weft__conn_open_service(conn);
    if (!refuse && (worker->draining || binding->share->draining))
        weft__conn_drain(conn);
    pump(conn);
    return;

err_after_allocate:
    weft_free(conn);
err:
    weft__count(
        &binding->counts.closed[err == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_PEER_RESET],
        1);
    vacate(worker, refuse != 0);
}
