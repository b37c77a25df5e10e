/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <assert.h>

#include "conn.h"

#define TO(state) (1u << WEFT__CONN_##state)

void weft__conn_enter(struct weft__conn *conn, enum weft__conn_state state)
{
    static const unsigned moves[] = {
        [WEFT__CONN_OPEN] = TO(CLOSING) | TO(FLUSHING) | TO(BROKEN),
        [WEFT__CONN_CLOSING] = TO(FLUSHING) | TO(BROKEN),
        [WEFT__CONN_FLUSHING] = TO(LINGER) | TO(BROKEN),
        [WEFT__CONN_LINGER] = TO(BROKEN),
        [WEFT__CONN_BROKEN] = TO(CLOSED),
        [WEFT__CONN_CLOSED] = 0,
    };

    assert(moves[conn->state] & 1u << state);
    (void)moves;
    conn->state = (uint8_t)state;
}

void weft__conn_schedule(struct weft__conn *conn)
{
    if (!conn->pumping)
        weft_loop_defer(conn->binding->worker->loop, &conn->deferred);
}

_Static_assert(WEFT_REASON_COUNT <= 32, "a connection has five bits for its reason");

static void set_reason(struct weft__conn *conn, enum weft_reason reason)
{
    if (conn->reason == WEFT_REASON_NONE)
        conn->reason = reason & 31;
}

static void move_on(struct weft__conn *conn, enum weft__conn_state state, enum weft_reason reason)
{
    set_reason(conn, reason);
    if (conn->state < state)
        weft__conn_enter(conn, state);
    weft__conn_schedule(conn);
}

void weft__conn_close_soon(struct weft__conn *conn, enum weft_reason reason)
{
    move_on(conn, WEFT__CONN_CLOSING, reason);
}

void weft__conn_give_up(struct weft__conn *conn, enum weft_reason reason)
{
    move_on(conn, WEFT__CONN_FLUSHING, reason);
}

void weft__conn_break(struct weft__conn *conn, enum weft_reason reason)
{
    move_on(conn, WEFT__CONN_BROKEN, reason);
}

void weft__conn_drain(struct weft__conn *conn)
{
    conn->draining = true;
    weft__conn_schedule(conn);
}
