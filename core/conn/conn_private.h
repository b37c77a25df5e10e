/* SPDX-License-Identifier: MIT
 *
 * The functions that the files of a connection offer to the files above them. Private to them. */
#ifndef WEFT_CONN_PRIVATE_H
#define WEFT_CONN_PRIVATE_H

#include "conn.h"

/* The rate at which a peer has to send a large frame, and to take output. A peer that is slower for long
 * runs into a deadline. */
enum { WEFT__SLOW_BYTES_PER_SECOND = 16 * 1024 };

/* True if frames may be decoded: as long as the connection is open, and while a backlog can only leave if the
 * peer's word for that is decoded. No request begins in the second case. */
static inline bool weft__conn_decodes(const struct weft__conn *conn)
{
    return conn->state == WEFT__CONN_OPEN ||
           (conn->backlog > 0 && conn->state <= WEFT__CONN_FLUSHING && !conn->lost);
}

/* True if the connection is to read more input. */
static inline bool weft__conn_reads(const struct weft__conn *conn)
{
    return weft__conn_decodes(conn) && !conn->eof && !conn->paused;
}

/* Notes that the handshakes of filters are over, once they are. */
static inline void weft__conn_end_shaking(struct weft__conn *conn)
{
    if (conn->shaking && weft__stack_is_open(conn->stream))
        conn->shaking = conn->inside = false;
}

/* True if encoded bytes have not left, as of the last weft__conn_flush. */
static inline bool weft__conn_has_output(const struct weft__conn *conn)
{
    return conn->out.bytes > 0 || conn->unsent || conn->backlog > 0;
}

/* Calls on_cancel, once per reason. A request with a stream that was reset or is late hears of nothing else, and
 * one that is not detached has nothing to do when the server drains. */
static inline void weft__request_cancel(struct weft__request *request, enum weft_reason reason)
{
    if (request->ended || request->told == reason || request->told >= WEFT_REASON_STREAM_RESET ||
        (reason == WEFT_REASON_DRAINED && request->place == WEFT__LOOSE && !request->detached))
        return;
    request->told = (uint8_t)reason;
    if (request->public.on_cancel)
        request->public.on_cancel(&request->public, reason);
}

/* True if bytes have come that are not part of a decoded frame, such as the beginning of one. */
static inline bool weft__conn_has_partial(const struct weft__conn *conn)
{
    return weft_buf_size(&conn->in) > 0 || conn->inside;
}

/* deadlines.c */

/* Called once per turn: starts the deadlines that now apply and clears those that do not. */
void weft__conn_set_deadlines(struct weft__conn *conn);
/* Calls the codec's tick, if it has one, and arms the timer for the next. */
void weft__conn_tick(struct weft__conn *conn);

/* variant.c */

/* Makes the connection one of this binding, and calls its codec's init. Called once per connection. */
void weft__conn_bind(struct weft__conn *conn, struct weft__binding *binding);
/* Calls the service's open. If that fails, the connection is marked to end at once. */
void weft__conn_open_service(struct weft__conn *conn);
/* Chooses the endpoint of an undecided connection by its first bytes; view has all that have come. Returns
 * true if the endpoint is chosen and may decode them. False: more bytes are needed, or the connection was
 * marked to end. */
WEFT_MUST_USE bool weft__conn_decide(struct weft__conn *conn, struct weft_view view);

/* input.c */

/* Reads once and decodes what came. Returns true if nothing was there (-EAGAIN). */
bool weft__conn_read(struct weft__conn *conn);
/* Decodes what is buffered. */
void weft__conn_decode_buffered(struct weft__conn *conn);
/* Reads once and drops what came. */
void weft__conn_linger_read(struct weft__conn *conn);

/* Returns why a bad message is rejected. */
static inline struct weft_rejection weft__rejection_of(const struct weft_message *message)
{
    return (struct weft_rejection){
        .cause =
            message->status == WEFT_MESSAGE_TOO_BIG ? WEFT_REJECT_TOO_BIG : WEFT_REJECT_MALFORMED,
        .what = message->why,
        .size = message->size,
        .limit = message->limit,
    };
}

/* output.c */

/* Writes the service's words for a rejection to dst, which has WEFT_REJECT_MAX bytes. Returns how many,
 * 0 if it has none. */
size_t weft__conn_word(const struct weft__conn *conn, const struct weft_rejection *rejection,
                       uint8_t *dst);
/* Encodes a message of the head or of a loose request (order.h). last is true if it is the last one of its
 * answer. If it is over a limit, the service's words for that take its place. */
void weft__conn_emit(struct weft__conn *conn, const struct weft_body *body, bool last);
/* Tells the codec that the head's answer has ended without another message. If it was refused and there are
 * no words for that, gives the connection up instead. */
void weft__conn_finish(struct weft__conn *conn, struct weft__request *request);
/* Breaks the connection if more output waits than output-hard and the small first messages that are always
 * taken: WEFT_REJECT_MAX bytes for each of max-pending requests. */
void weft__conn_check_output(struct weft__conn *conn);
/* Emits what the head holds, removes it if it has ended, and goes on with the next. */
void weft__conn_advance(struct weft__conn *conn);
/* Puts the service's words for a rejection behind the last reply. If there are none, the connection
 * begins to close. */
void weft__conn_reject(struct weft__conn *conn, const struct weft_rejection *rejection);
/* Puts the codec's own bytes, which decode wrote to worker->codec_bytes, behind the last reply. */
void weft__conn_codec_bytes(struct weft__conn *conn);
/* Calls on_room, or passes over a NULL one, where there is room again. Returns true if there was room for
 * any request. */
bool weft__conn_notify_room(struct weft__conn *conn);
/* True if weft__conn_notify_room would return true. */
bool weft__conn_can_notify(const struct weft__conn *conn);
/* Writes until nothing is left or the stream takes no more. */
void weft__conn_flush(struct weft__conn *conn);
void weft__conn_add_bad(struct weft__conn *conn);
/* Counts bad requests in a row, and begins to close the connection at max-bad-frames of them. Called for
 * each request that is answered; a good one sets the count to 0. */
static inline void weft__conn_count_bad(struct weft__conn *conn, bool bad)
{
    if (bad)
        weft__conn_add_bad(conn);
    else
        conn->bad_frames = 0;
}

#endif
