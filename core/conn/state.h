/* SPDX-License-Identifier: MIT
 *
 * The states of a connection, and the ways to end one. Private to the core.
 *
 *   OPEN -----> CLOSING ----> FLUSHING -----> LINGER -----> BROKEN -----> CLOSED
 *   reads,      decodes no    answers no      our side      the stream    the stream is
 *   decodes     more; what    more; what      is ended;     is of no      gone; the memory
 *               is owed is    is encoded      reads and     more use      goes once the last
 *               answered      still leaves    drops                       request has ended
 *
 * A connection only moves to the right. It may pass over CLOSING, and every state before BROKEN may
 * be left for BROKEN at once. BROKEN leads to CLOSED, which only the pump enters: whoever finds a
 * fault marks the connection and returns, so that no plugin is entered from within one of its own
 * calls. */
#ifndef WEFT_CONN_STATE_H
#define WEFT_CONN_STATE_H

#include "core/base/reason.h"

struct weft__conn;

enum weft__conn_state {
    WEFT__CONN_OPEN,
    WEFT__CONN_CLOSING,
    WEFT__CONN_FLUSHING,
    WEFT__CONN_LINGER,
    WEFT__CONN_BROKEN,
    WEFT__CONN_CLOSED
};

/* Enters a state. Asserts that the drawing and the text below it allow the move. */
void weft__conn_enter(struct weft__conn *conn, enum weft__conn_state state);

/* Makes the pump run in this turn or the next. Does nothing while the pump is on the stack, because at its
 * end it judges by itself if it has to run again. */
void weft__conn_schedule(struct weft__conn *conn);

/* Three ways to end. The first reason wins. Each only marks the connection and schedules the pump;
 * on a connection that has come further it changes nothing. */

/* CLOSING: no more is decoded; what is owed is answered and sent. */
void weft__conn_close_soon(struct weft__conn *conn, enum weft_reason reason);
/* FLUSHING: one reply cannot be made, so no later one may be sent; what is encoded leaves. */
void weft__conn_give_up(struct weft__conn *conn, enum weft_reason reason);
/* BROKEN: the pump closes the stream at once. */
void weft__conn_break(struct weft__conn *conn, enum weft_reason reason);

/* Begins to drain. The pump's next run reads once more and notes how much input has come: frames in that
 * are executed, later ones are refused. */
void weft__conn_drain(struct weft__conn *conn);

#endif
