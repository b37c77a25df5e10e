/* SPDX-License-Identifier: MIT
 *
 * The walk over all connections. The workers of a server form a ring (worker.h). A walk is posted from one
 * to the next, and each visits its own connections. While a worker shows its connections in several turns,
 * the walk is in its list of walks, so that a connection which goes meanwhile can be passed over. */
#include "walk.h"

#include "conn.h"
#include "core/base/compiler.h"
#include "core/connections.h"
#include "session.h"

static void describe(const struct weft__conn *conn, const struct weft_walk *walk,
                     struct weft_connection *row)
{
    const struct weft__binding *binding = conn->binding;
    int64_t now = weft_loop_now(binding->worker->loop);

    *row = (struct weft_connection){
        .id = conn->id,
        .address = conn->address,
        .transport = binding->scheme,
        .codec = conn->undecided ? NULL : binding->codec->name,
        .service = conn->undecided ? NULL : binding->service->name,
        .endpoint = binding->endpoint ? binding->endpoint : "",
        .user = conn->peer ? conn->peer->public.user : NULL,
        .label = conn->peer ? conn->peer->public.label : NULL,
        .state = weft__conn_state_of(conn),
        .age = now - conn->opened,
        .idle = now - conn->heard,
        .bytes_in = conn->bytes_in,
        .bytes_out = conn->bytes_out,
        .requests = conn->requests,
        .input = weft_buf_size(&conn->in),
        .output = conn->out.bytes + conn->order.held_bytes,
        .pending = conn->order.pending,
        .detached = conn->order.detached,
        .asks = conn == walk->asker,
        .session = conn->session,
    };
}

static void describe_session(const struct weft__session *session, struct weft_connection *row)
{
    const struct weft__binding *binding = session->binding;
    const struct weft__worker *worker = binding->worker;
    bool drains = worker->draining || binding->share->draining;

    *row = (struct weft_connection){
        .id = session->id,
        .address = session->address,
        .transport = binding->scheme,
        .endpoint = binding->endpoint ? binding->endpoint : "",
        .state = drains ? WEFT_CONNECTION_CLOSING : WEFT_CONNECTION_OPEN,
        .age = weft_loop_now(worker->loop) - session->opened,
        .is_session = true,
        .streams = session->listener->streams,
    };
}

static void end(struct weft__conn *conn, const struct weft_walk *walk)
{
    if (conn->state == WEFT__CONN_LINGER)
        return;
    if (conn == walk->asker)
        weft__conn_close_soon(conn, WEFT_REASON_KILLED);
    else
        weft__conn_break(conn, WEFT_REASON_KILLED);
}

/* Shows a row. Returns true if what it is about is to end. */
static bool show(struct weft_walk *walk, const struct weft_connection *row)
{
    unsigned wants = walk->visit(walk, row);

    walk->stopped = wants & WEFT_VISIT_STOP;
    return wants & WEFT_VISIT_END;
}

static void visit(struct weft_walk *walk, struct weft__conn *conn)
{
    struct weft_connection row;

    walk->next = conn->next;
    if (conn->state >= WEFT__CONN_BROKEN)
        return;
    describe(conn, walk, &row);
    if (show(walk, &row))
        end(conn, walk);
}

static void visit_session(struct weft_walk *walk, struct weft__session *session)
{
    struct weft_connection row;

    walk->next_session = session->next;
    describe_session(session, &row);
    if (show(walk, &row))
        weft__session_break(session, WEFT_REASON_KILLED);
}

static bool has_more(const struct weft_walk *walk)
{
    return (walk->next || walk->next_session) && !walk->stopped;
}

/* Visits a share of the worker's connections and sessions. Ending one only marks it, so none goes meanwhile. */
static void visit_share(struct weft_walk *walk)
{
    for (int left = WEFT_WALK_SHARE; has_more(walk) && left > 0; left--) {
        if (walk->next)
            visit(walk, walk->next);
        else
            visit_session(walk, walk->next_session);
    }
}

static void leave(struct weft__worker *worker, struct weft_walk *walk)
{
    struct weft_walk **link = &worker->walks;

    while (*link != walk)
        link = &(*link)->other;
    *link = walk->other;
}

static void tell_done(struct weft_post *post)
{
    struct weft_walk *walk = weft_container_of(post, struct weft_walk, post);

    walk->done(walk);
}

static void arrive(struct weft_post *post);

/* Hands the walk to the next worker, or home. A worker whose loop has stopped has no connections. */
static void hand_on(struct weft_walk *walk)
{
    struct weft__worker *first = walk->home, *next = walk->at;
    int err;

    do {
        next = walk->stopped ? first : next->sibling;
        walk->at = next;
        walk->post.run = next == first ? tell_done : arrive;
        err = weft_loop_post(next == first ? walk->home_loop : next->loop, &walk->post);
        /* The home loop takes posts until the walk is done. */
    } while (err < 0 && next != first);
}

static void go_on(struct weft_post *post)
{
    struct weft_walk *walk = weft_container_of(post, struct weft_walk, post);
    struct weft__worker *worker = walk->at;

    visit_share(walk);
    walk->post.run = go_on;
    if (has_more(walk) && weft_loop_post(worker->loop, &walk->post) == 0)
        return;
    leave(worker, walk);
    hand_on(walk);
}

static void arrive(struct weft_post *post)
{
    struct weft_walk *walk = weft_container_of(post, struct weft_walk, post);
    struct weft__worker *worker = walk->at;

    walk->next = worker->conns;
    walk->next_session = walk->sessions ? worker->sessions : NULL;
    walk->other = worker->walks;
    worker->walks = walk;
    go_on(post);
}

void weft__walk_begin(struct weft__worker *first, struct weft_loop *home, struct weft__conn *asker,
                      struct weft_walk *walk)
{
    walk->home = walk->at = first;
    walk->home_loop = home;
    walk->asker = asker;
    walk->stopped = false;
    walk->post.run = arrive;
    if (weft_loop_post(first->loop, &walk->post) < 0)
        hand_on(walk);
}

void weft_connections_walk(struct weft_request *request, struct weft_walk *walk)
{
    struct weft__conn *conn = weft_container_of(request, struct weft__request, public)->conn;
    struct weft__worker *worker = conn->binding->worker;

    /* The loop takes posts, because it has the connection of the request, which has not ended. */
    weft__walk_begin(worker, worker->loop, conn, walk);
}

void weft__walks_pass(struct weft__conn *conn)
{
    for (struct weft_walk *walk = conn->binding->worker->walks; walk; walk = walk->other)
        if (walk->next == conn)
            walk->next = conn->next;
}

void weft__walks_pass_session(struct weft__session *session)
{
    for (struct weft_walk *walk = session->binding->worker->walks; walk; walk = walk->other)
        if (walk->next_session == session)
            walk->next_session = session->next;
}
