/* SPDX-License-Identifier: MIT
 *
 * A connection's life: open, the ways to end, close. */
#include "conn_private.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/compiler.h"
#include "request.h"

/* One allocation, in this order: the connection, its stream, the codec's and the service's states,
 * the peer's text. */
static struct weft__conn *allocate(struct weft__binding *binding, const char *peer)
{
    size_t codec = WEFT__CONN_STREAM + WEFT__ALIGN_UP(binding->transport->stream_size);
    size_t service = codec + WEFT__ALIGN_UP(binding->codec->conn_size);
    size_t text = service + binding->service->conn_size;
    size_t text_size = strlen(peer) + 1;
    char *base = weft_calloc(1, text + text_size);
    struct weft__conn *conn = (struct weft__conn *)(void *)base;

    if (!conn)
        return NULL;
    memcpy(base + text, peer, text_size);
    conn->peer = base + text;
    conn->binding = binding;
    conn->stream = (struct weft_stream *)(void *)(base + WEFT__CONN_STREAM);
    conn->codec = (struct weft_codec_state){
        .config = binding->codec_config,
        .loop = binding->codec_loop,
        .conn = base + codec,
        .config_id = binding->config_id,
    };
    conn->service_conn = base + service;
    weft_chain_init(&conn->out, &binding->worker->pieces);
    return conn;
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

void weft__conn_release(struct weft__conn *conn)
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

void weft__conn_close_now(struct weft__conn *conn)
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
    int err = binding->service->open
                  ? binding->service->open(conn->service_conn, binding->service_loop)
                  : 0;

    conn->service_open = err == 0;
    return err;
}

void weft__conn_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                     uint64_t id, int refuse)
{
    struct weft__worker *worker = binding->worker;
    struct weft__conn *conn = allocate(binding, accepted->peer);
    int err;

    weft__count(&binding->counts.accepted, 1);
    if (!conn) {
        binding->transport->drop(accepted);
        err = -ENOMEM;
        goto err;
    }
    conn->id = id;
    conn->refused = refuse != 0;
    conn->deferred.run = weft__conn_on_deferred;
    conn->stream->on_ready = weft__conn_on_ready;
    err = binding->transport->attach(conn->stream, worker->loop, accepted);
    if (err < 0)
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
        &binding->counts.closed[err == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_PEER_RESET],
        1);
    vacate(worker, refuse != 0);
}
