/* SPDX-License-Identifier: MIT
 *
 * The functions that the files of a connection offer to the files above them. Private to them. */
#ifndef WEFT_CONN_PRIVATE_H
#define WEFT_CONN_PRIVATE_H

#include "conn.h"

/* A peer is slow, and may be so for ever, if it sends a frame or takes output at this rate; one that
 * is slower runs into a deadline. */
enum { WEFT__SLOW_BYTES_PER_SECOND = 16 * 1024 };

/* Returns the output at which detached requests have to wait. It is never above output-low, or they
 * could keep a connection from ever decoding again. */
static inline size_t weft__push_mark(const struct weft_limits *limits)
{
    return (size_t)(limits->push_high < limits->output_low ? limits->push_high
                                                           : limits->output_low);
}

/* True if the connection wants more input than it has. */
static inline bool weft__conn_reads(const struct weft__conn *conn)
{
    return conn->state == WEFT__CONN_OPEN && !conn->eof && !conn->paused;
}

/* True if part of a frame has come. */
static inline bool weft__conn_has_partial(const struct weft__conn *conn)
{
    return weft_buf_size(&conn->in) > 0 || conn->inside;
}

/* deadlines.c */

/* Called once per turn: starts the deadlines that now apply and clears those that do not. */
void weft__conn_set_deadlines(struct weft__conn *conn);

/* variant.c */

/* Makes the connection one of this binding, whose codec sees it from now on. Once per connection. */
void weft__conn_bind(struct weft__conn *conn, struct weft__binding *binding);
/* Opens the service; an error of its own. The caller ends the connection. */
WEFT_MUST_USE int weft__conn_open_service(struct weft__conn *conn);
/* Chooses the endpoint of an undecided connection by its first bytes, of which view has all. Returns
 * false if more of them are needed, or if the connection has to end. */
WEFT_MUST_USE bool weft__conn_decide(struct weft__conn *conn, struct weft_view view);

/* input.c */

/* Reads once and decodes what came. Returns true if the read said that nothing more waits. */
bool weft__conn_read(struct weft__conn *conn);
/* Decodes what is buffered. */
void weft__conn_decode_buffered(struct weft__conn *conn);
/* Reads once and drops what came. */
void weft__conn_linger_read(struct weft__conn *conn);

/* output.c */

/* Writes the service's words for a rejection to dst, which has WEFT_REJECT_MAX bytes. Returns how many,
 * 0 if it has none. */
size_t weft__conn_word(const struct weft__conn *conn, const struct weft_rejection *rejection,
                       uint8_t *dst);
/* Encodes a message of the head; last: of its answer. If it is over a limit, the service's words for
 * that take its place. */
void weft__conn_emit(struct weft__conn *conn, const struct weft_body *body, bool last);
/* Tells the codec that the head's answer has ended without another message. */
void weft__conn_finish(struct weft__conn *conn, struct weft__request *request);
/* Breaks the connection if more output waits than output-hard allows. */
void weft__conn_check_output(struct weft__conn *conn);
/* Emits what the head holds, removes it if it has ended, and goes on with the next. */
void weft__conn_advance(struct weft__conn *conn);
/* Puts the service's words for a rejection in their place in the order. */
void weft__conn_reject(struct weft__conn *conn, const struct weft_rejection *rejection);
/* Puts what decode wrote of the codec's own bytes in its place in the order. */
void weft__conn_codec_bytes(struct weft__conn *conn);
/* Calls on_room where there is room again. Returns true if it called one. */
bool weft__conn_notify_room(struct weft__conn *conn);
/* True if weft__conn_notify_room would call one. */
bool weft__conn_can_notify(const struct weft__conn *conn);
/* Writes until nothing is left or the stream takes no more. */
void weft__conn_flush(struct weft__conn *conn);
/* Counts bad frames in a row. Called for each answered request: bad if its frame was. */
void weft__conn_count_bad(struct weft__conn *conn, bool bad);

#endif
