/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <inttypes.h>

#include "conn.h"
#include "core/base/compiler.h"
#include "walk.h"

enum { ACCEPTS_PER_TURN = 64 };

/* The multiplexer's listener lies behind the session, in the same allocation. */
#define LISTENER_AT WEFT__ALIGN_UP(sizeof(struct weft__session))

static struct weft__session *allocate(struct weft__binding *binding, const char *address)
{
    const struct weft__stack *stack = binding->stack;
    size_t below = LISTENER_AT + WEFT__ALIGN_UP(stack->mux->listener_size);
    size_t text = below + stack->below_size;
    size_t text_size = strlen(address) + 1;
    char *base = weft_calloc(1, text + text_size);
    struct weft__session *session = (struct weft__session *)(void *)base;

    if (!session)
        return NULL;
    memcpy(base + text, address, text_size);
    session->address = base + text;
    session->binding = binding;
    session->listener = (struct weft_listener *)(void *)(base + LISTENER_AT);
    session->below = (struct weft_stream *)(void *)(base + below);
    return session;
}

static void link_session(struct weft__session *session)
{
    struct weft__worker *worker = session->binding->worker;

    session->next = worker->sessions;
    if (session->next)
        session->next->prev = session;
    worker->sessions = session;
    session->binding->share->conns++;
    weft__count(&session->binding->counts.open, 1);
}

static void unlink_session(struct weft__session *session)
{
    if (session->prev)
        session->prev->next = session->next;
    else
        session->binding->worker->sessions = session->next;
    if (session->next)
        session->next->prev = session->prev;
}

static void count_closed(struct weft__binding *binding, enum weft_reason reason)
{
    weft__count(&binding->counts.closed[reason], 1);
    atomic_fetch_sub_explicit(&binding->worker->living, 1, memory_order_relaxed);
}

static bool drains(const struct weft__binding *binding)
{
    return binding->worker->draining || binding->share->draining;
}

/* Returns the reason for what accept has said of a session that is over. */
static enum weft_reason reason_of(const struct weft__session *session, int result)
{
    if (session->reason != WEFT_REASON_NONE)
        return (enum weft_reason)session->reason;
    switch (result) {
    case -ESHUTDOWN:
        return drains(session->binding) ? WEFT_REASON_DRAINED : WEFT_REASON_PEER_CLOSED;
    case -EPROTO:
    case -ECONNABORTED:
        return WEFT_REASON_PROTOCOL;
    case WEFT_ETRUNCATED:
        return WEFT_REASON_TRUNCATED;
    case -ENOMEM:
        return WEFT_REASON_NO_MEMORY;
    default:
        return weft_reason_of_stream(result);
    }
}

static void end(struct weft__session *session, enum weft_reason reason)
{
    const struct weft_transport *mux = session->binding->stack->mux;
    struct weft__binding *binding = session->binding;
    struct weft__worker *worker = binding->worker;

    /* First, since the detail may be the session's. */
    weft__worker_log_close(worker, reason, session->address, mux->trouble(session->listener),
                           session->id);
    mux->unlisten(session->listener);
    weft_timer_stop(&session->timer);
    weft_deferred_cancel(&session->ending);
    weft__walks_pass_session(session);
    unlink_session(session);
    weft__count(&binding->counts.open, (uint64_t)-1);
    count_closed(binding, reason);
    weft_free(session);
    weft__share_leave(binding->share);
    weft__worker_check_empty(worker);
}

static void on_ending(struct weft_deferred *deferred)
{
    struct weft__session *session = weft_container_of(deferred, struct weft__session, ending);

    end(session, (enum weft_reason)session->reason);
}

/* Makes a connection of a stream, or turns it away in words. */
static void place(struct weft__session *session, const struct weft_accepted *accepted)
{
    struct weft__binding *binding = session->binding;
    struct weft__worker *worker = binding->worker;
    bool has_room = weft__worker_total(worker) < worker->limits->max_connections;

    session->used = true;
    if (has_room) {
        atomic_fetch_add_explicit(&worker->living, 1, memory_order_relaxed);
        weft__conn_open(binding, accepted, weft__worker_next_id(worker), session->id, 0);
    } else if (worker->refusing < WEFT__MAX_REFUSING) {
        worker->refusing++;
        weft__conn_open(binding, accepted, weft__worker_next_id(worker), session->id,
                        1 + WEFT_REJECT_TOO_MANY);
    } else {
        weft__count_lost(binding, WEFT_REASON_TOO_MANY);
        weft__stack_drop(binding->stack, accepted);
    }
}

static void on_ready(struct weft_listener *listener)
{
    struct weft__session *session = listener->owner;
    const struct weft_transport *mux = session->binding->stack->mux;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct weft_accepted accepted;
        int err = mux->accept(listener, &accepted, false);

        if (err == -EAGAIN)
            return;
        if (err < 0) {
            end(session, reason_of(session, err));
            return;
        }
        place(session, &accepted);
    }
}

/* Waits until a session without streams has idled. Whatever came in between is seen when the time is over, so it may
 * take twice as long. */
static void await_idling(struct weft__session *session)
{
    const struct weft__worker *worker = session->binding->worker;

    session->used = false;
    if (worker->limits->idle_timeout > 0)
        weft_loop_after(worker->loop, &session->timer, (int64_t)worker->limits->idle_timeout);
}

static void on_timer(struct weft_timer *timer)
{
    struct weft__session *session = weft_container_of(timer, struct weft__session, timer);

    if (session->shaking && !weft__stack_is_open(session->below)) {
        weft__session_break(session, WEFT_REASON_FRAME_TIMEOUT);
        return;
    }
    if (!session->shaking && !session->used && session->listener->streams == 0) {
        session->reason = WEFT_REASON_IDLE_TIMEOUT;
        weft__session_drain(session);
        return;
    }
    session->shaking = false;
    await_idling(session);
}

static void set_timer(struct weft__session *session)
{
    const struct weft__worker *worker = session->binding->worker;

    session->timer.fire = on_timer;
    session->shaking = session->binding->stack->count > 0;
    if (session->shaking)
        weft_loop_after(worker->loop, &session->timer, (int64_t)worker->limits->frame_timeout);
    else
        await_idling(session);
}

static void begin(struct weft__session *session)
{
    const struct weft__stack *stack = session->binding->stack;
    struct weft__worker *worker = session->binding->worker;
    const struct weft_session_setup setup = {.config = stack->mux_config,
                                             .pool = &worker->pieces,
                                             .peer = session->address,
                                             .is_server = true};

    session->listener->on_ready = on_ready;
    session->listener->owner = session;
    session->ending.run = on_ending;
    stack->mux->begin(session->listener, worker->loop, session->below, &setup);
    stack->mux->enable(session->listener, true);
    link_session(session);
    set_timer(session);
    weft_log_write(worker->log, WEFT_LOG_DEBUG, "open", "conn=%" PRIu64 " peer=%s session=%s",
                   session->id, session->address, stack->mux->name);
    if (drains(session->binding))
        weft__session_drain(session);
}

void weft__session_open(struct weft__binding *binding, const struct weft_accepted *accepted,
                        uint64_t id)
{
    struct weft__worker *worker = binding->worker;
    struct weft__session *session = allocate(binding, accepted->peer);

    weft__count(&binding->counts.accepted, 1);
    if (!session) {
        binding->stack->transport->drop(accepted);
        count_closed(binding, WEFT_REASON_NO_MEMORY);
        return;
    }
    session->id = id;
    session->opened = weft_loop_now(worker->loop);
    int err = weft__stack_attach_below(binding->stack, session->below, worker->loop,
                                       &worker->pieces, accepted);
    if (err < 0) {
        weft_free(session);
        count_closed(binding, err == -ENOMEM ? WEFT_REASON_NO_MEMORY : WEFT_REASON_PEER_RESET);
        return;
    }
    begin(session);
}
