/* SPDX-License-Identifier: MIT
 *
 * Requests that have a stream of their own: how they begin and go on (streams.c), and how they are answered
 * (answers.c). Private to the files of a connection. */
#ifndef WEFT_STREAMS_H
#define WEFT_STREAMS_H

#include "conn.h"

/* streams.c */

/* True if the message, which is the head of a request, is of one with many messages. */
bool weft__stream_has_many(const struct weft__conn *conn, const struct weft_message *message);
/* Hands a further message of a request, or its end, to its service; or ends it if the message is bad. */
void weft__stream_go_on(struct weft__conn *conn, const struct weft_message *message);
/* Begins a request with a stream, or keeps it until there is room for its answer. One with many messages never waits: its
 * service has to ask for each. */
void weft__stream_begin(struct weft__conn *conn, const struct weft_message *message);
/* Cancels the request of a stream, if there is one. */
void weft__stream_reset(struct weft__conn *conn, uint32_t stream);
/* Begins requests that have waited and for which there is room now, and cancels those whose deadline has passed.
 * Returns true if there was one. */
bool weft__streams_go_on(struct weft__conn *conn);
/* True if weft__streams_go_on would return true. */
bool weft__streams_can_go_on(const struct weft__conn *conn);
/* Drops the requests that have waited, which no service knows. Called when the connection closes. */
void weft__streams_drop(struct weft__conn *conn);

/* answers.c */

/* Asks the codec how much waits in it. */
void weft__conn_note_backlog(struct weft__conn *conn);
/* Calls the codec's goodbye. */
void weft__conn_say_goodbye(struct weft__conn *conn, bool final);
/* Encodes a message of a request with a stream, or the end alone if body is NULL; or refuses it with -EAGAIN, after
 * which on_room follows. An end alone is never refused. */
int weft__stream_deliver(struct weft__request *request, const struct weft_body *body, bool last);
/* Ends the answer with the codec's own words for a rejection, or none if rejected is NULL. The request's own
 * end is still owed, and nothing will be sent then. */
void weft__stream_answer(struct weft__request *request, const struct weft_rejection *rejected);
/* Answers a message of a stream that becomes no request. */
void weft__stream_reject(struct weft__conn *conn, uint32_t stream,
                         const struct weft_rejection *rejection);
/* Frees what a request has for its stream. Called at its end. */
void weft__stream_fini(struct weft__request *request);
/* True if a request with a stream that was refused may try again. */
bool weft__stream_has_room(const struct weft__request *request);

#endif
