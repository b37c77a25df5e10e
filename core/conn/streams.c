/* SPDX-License-Identifier: MIT
 *
 * Requests that come with a stream are loose from the start (order.h). A backlog never stops the decoding,
 * because decoding is what brings the peer's word that more may leave. So a request that comes while much waits
 * is kept, and begins when there is room: its answer would wait as well. */
#include <errno.h>

#include "conn_private.h"
#include "probes.h"
#include "streams.h"
#include "core/base/compiler.h"

static void call(struct weft__conn *conn, struct weft__request *request)
{
    struct weft__binding *binding = conn->binding;

    conn->order.calling = request;
    weft__probe_call(conn->id, request, request->public.payload.size);
    binding->call(binding->service_loop, conn->service_conn, &request->public);
    /* The request may be gone. */
    conn->order.calling = NULL;
    if (binding->worker->arena.used > 0)
        weft_arena_reset(&binding->worker->arena);
}

/* Takes back a request that no service knows. */
static void forget(struct weft__conn *conn, struct weft__request *request)
{
    if (request->kept)
        weft__request_drop_kept(request);
    weft__stream_fini(request);
    if (request->place == WEFT__LOOSE)
        weft__order_remove_loose(&conn->order, request);
    weft__request_give(&conn->binding->worker->requests, request);
}

/* The service is entered by the pump alone. */
static void on_deadline(struct weft_timer *timer)
{
    struct weft__request *request = weft_container_of(timer, struct weft__deadline, timer)->request;

    request->expired = request->conn->expired = true;
    weft__conn_schedule(request->conn);
}

/* Returns 0 or -ENOMEM. */
static int arm(struct weft__request *request, uint64_t deadline)
{
    if (deadline == 0)
        return 0;
    if (!request->deadline)
        request->deadline = weft_malloc(sizeof *request->deadline);
    if (!request->deadline)
        return -ENOMEM;
    *request->deadline = (struct weft__deadline){.timer.fire = on_deadline, .request = request};
    weft_loop_after(request->conn->binding->worker->loop, &request->deadline->timer,
                    deadline < INT64_MAX ? (int64_t)deadline : INT64_MAX);
    return 0;
}

int64_t weft_request_deadline(const struct weft_request *public)
{
    const struct weft__request *request = (const struct weft__request *)(const void *)public;

    if (!request->deadline || !weft_timer_is_armed(&request->deadline->timer))
        return INT64_MAX;
    return request->deadline->timer.deadline;
}

static bool must_wait(const struct weft__conn *conn)
{
    const struct weft__detached *part = conn->order.detached_part;

    return conn->backlog >= conn->binding->worker->limits->output_high ||
           (part && part->waiting.first);
}

void weft__stream_begin(struct weft__conn *conn, const struct weft_message *message)
{
    struct weft__request *request = weft__request_take(&conn->binding->worker->requests, conn);
    const struct weft_rejection why = {.cause = WEFT_REJECT_NO_MEMORY};
    bool waits = message->kind != WEFT_MESSAGE_HEAD && must_wait(conn);

    if (!request)
        goto err;
    request->public.payload = message->payload;
    request->public.credentials = message->credentials;
    request->public.stream = message->stream;
    request->many = request->wanted = message->kind == WEFT_MESSAGE_HEAD;
    if (message->head) {
        request->public.target = message->head->target;
        request->public.metadata = message->head->metadata;
    }
    if (weft__order_add_stream(&conn->order, request, waits) < 0 ||
        (waits && weft_request_keep(&request->public) < 0) ||
        (message->head && arm(request, message->head->deadline) < 0))
        goto err_after_request;
    if (request->many)
        conn->binding->codec->want(&conn->codec, message->stream, &conn->out);
    if (!waits)
        call(conn, request);
    return;

err_after_request:
    forget(conn, request);
err:
    weft__stream_reject(conn, message->stream, &why);
}

/* Ends the answer to a request, and tells its service or, where none knows of it, forgets it. */
static void cancel(struct weft__request *request, enum weft_reason reason,
                   const struct weft_rejection *rejected)
{
    struct weft__conn *conn = request->conn;

    weft__stream_stop_deadline(request);
    weft__stream_answer(request, rejected);
    if (request->list == &conn->order.detached_part->waiting) {
        forget(conn, request);
        return;
    }
    /* It comes in place of an on_room. */
    weft__order_settle_room(&conn->order, request);
    weft__request_cancel(request, reason);
}

void weft__stream_reset(struct weft__conn *conn, uint32_t stream)
{
    struct weft__request *request = weft__order_find_stream(&conn->order, stream);

    if (request)
        cancel(request, WEFT_REASON_STREAM_RESET, NULL);
}

static struct weft__request *find_expired(const struct weft__loose *list)
{
    struct weft__request *request = list->first;

    while (request && !request->expired)
        request = request->next;
    return request;
}

/* Cancels all that are late. A callback may end any request, so each search begins anew. */
static void expire(struct weft__conn *conn)
{
    const struct weft_rejection late = {.cause = WEFT_REJECT_DEADLINE};
    const struct weft__detached *part = conn->order.detached_part;
    struct weft__request *request;

    conn->expired = false;
    while ((request = find_expired(&part->waiting)) || (request = find_expired(&part->loose)) ||
           (request = find_expired(&part->refused))) {
        request->expired = false;
        if (!request->answered && !weft__conn_gone(conn))
            cancel(request, WEFT_REASON_DEADLINE, &late);
    }
}

/* --- requests with many messages ---------------------------------------------------------------------- */

bool weft__stream_has_many(const struct weft__conn *conn, const struct weft_message *message)
{
    const struct weft__binding *binding = conn->binding;

    return binding->service->streams(binding->service_loop, message->head->target);
}

void weft__stream_go_on(struct weft__conn *conn, const struct weft_message *message)
{
    struct weft__request *request = weft__order_find_stream(&conn->order, message->stream);
    struct weft_arena *scratch = &conn->binding->worker->arena;
    bool is_last = message->kind == WEFT_MESSAGE_END;

    if (!request || !request->many)
        return;
    request->wanted = false;
    if (message->status != WEFT_MESSAGE_OK) {
        const struct weft_rejection why = weft__rejection_of(message);
        cancel(request, WEFT_REASON_STREAM_RESET, &why);
        return;
    }
    request->ended_by_peer = is_last;
    if (request->public.on_message)
        request->public.on_message(&request->public, is_last ? NULL : &message->payload);
    /* The request may be gone. */
    if (scratch->used > 0)
        weft_arena_reset(scratch);
}

void weft_request_next(struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    struct weft__conn *conn = request->conn;

    if (!request->many || request->ended_by_peer || request->wanted || request->answered ||
        weft__conn_gone(conn))
        return;
    request->wanted = conn->wanted = true;
    conn->binding->codec->want(&conn->codec, public->stream, &conn->out);
    weft__conn_schedule(conn);
}

struct weft_arena *weft_request_scratch(struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);

    return &request->conn->binding->worker->arena;
}

static struct weft__request *find_unended(const struct weft__loose *list)
{
    struct weft__request *request = list->first;

    while (request && (!request->many || request->ended_by_peer || request->answered))
        request = request->next;
    return request;
}

/* Returns a request whose messages will not all come, since the connection's input has ended. */
static struct weft__request *find_cut_off(const struct weft__conn *conn)
{
    const struct weft__detached *part = conn->order.detached_part;
    struct weft__request *request;

    if (!part || conn->state != WEFT__CONN_CLOSING || weft__conn_decodes(conn))
        return NULL;
    request = find_unended(&part->loose);
    return request ? request : find_unended(&part->refused);
}

/* --- requests that wait for their begin --------------------------------------------------------------- */

/* Returns the next request that may begin, or NULL. */
static struct weft__request *find_next(const struct weft__conn *conn)
{
    const struct weft_limits *limits = conn->binding->worker->limits;
    const struct weft__detached *part = conn->order.detached_part;

    if (!part || weft__conn_gone(conn) || weft__conn_asks(conn) ||
        conn->backlog >= limits->output_low || conn->out.bytes >= limits->output_high)
        return NULL;
    return part->waiting.first;
}

bool weft__streams_can_go_on(const struct weft__conn *conn)
{
    return conn->expired || find_next(conn) || find_cut_off(conn);
}

bool weft__streams_go_on(struct weft__conn *conn)
{
    bool went_on = conn->expired;
    struct weft__request *request;

    if (conn->expired)
        expire(conn);
    while ((request = find_next(conn))) {
        weft__loose_move(request, &conn->order.detached_part->loose);
        call(conn, request);
        went_on = true;
    }
    while ((request = find_cut_off(conn))) {
        const struct weft_rejection cut = {.cause = WEFT_REJECT_MALFORMED,
                                           .what = "the connection ended before its last message"};
        cancel(request, WEFT_REASON_STREAM_RESET, &cut);
        went_on = true;
    }
    return went_on;
}

void weft__streams_drop(struct weft__conn *conn)
{
    struct weft__detached *part = conn->order.detached_part;

    while (part && part->waiting.first)
        forget(conn, part->waiting.first);
}
