/* SPDX-License-Identifier: MIT
 *
 * What the files of a connection share. Private to them. */
#ifndef WEFT_CONN_PRIVATE_H
#define WEFT_CONN_PRIVATE_H

#include "conn.h"

/* Whether it wants more input than it has. */
static inline bool weft__conn_reads(const struct weft__conn *conn)
{
    return conn->state == WEFT__CONN_OPEN && !conn->broken && !conn->eof && !conn->paused;
}

static inline bool weft__conn_has_partial(const struct weft__conn *conn)
{
    return weft_buf_size(&conn->in) > 0 || conn->inside;
}

/* conn.c */

/* The stream lies behind its connection, in the same allocation. */
#define WEFT__ALIGN_UP(size) (((size) + 15) / 16 * 16)
#define WEFT__CONN_STREAM    WEFT__ALIGN_UP(sizeof(struct weft__conn))

/* Closes the stream and tells the requests. */
void weft__conn_close_now(struct weft__conn *conn);
/* Frees a closed connection, all of whose requests have ended. */
void weft__conn_release(struct weft__conn *conn);

/* conn_pump.c */

/* Everything that may have become possible: decode, advance, write, change state. The only place
 * from which plugins are entered. */
void weft__conn_pump(struct weft__conn *conn);
void weft__conn_on_deferred(struct weft_deferred *deferred);
void weft__conn_on_ready(struct weft_stream *stream, unsigned events);

/* conn_deadlines.c */

/* Once a turn: what begins to run, and what no longer does. */
void weft__conn_set_deadlines(struct weft__conn *conn);

/* conn_input.c */

/* One read, and what it brought is decoded. True: it said that nothing waits. */
bool weft__conn_read(struct weft__conn *conn);
void weft__conn_decode_buffered(struct weft__conn *conn);
/* One read, and what it brought is dropped. */
void weft__conn_linger_read(struct weft__conn *conn);

/* conn_output.c */

/* The service's words for a rejection, in its place in the order. */
void weft__conn_reject(struct weft__conn *conn, const struct weft_rejection *rejection);
/* The codec's own bytes, in their place in the order. */
void weft__conn_codec_bytes(struct weft__conn *conn);
/* Calls on_room where there is room again; true where one was called. */
bool weft__conn_notify_room(struct weft__conn *conn);
bool weft__conn_can_notify(const struct weft__conn *conn);
void weft__conn_flush(struct weft__conn *conn);

#endif
