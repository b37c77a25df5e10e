/* SPDX-License-Identifier: MIT
 *
 * The functions that the files of the codec `grpc` offer to each other. Private to codecs/grpc/. */
#ifndef WEFT__GRPC_PARTS_H
#define WEFT__GRPC_PARTS_H

#include "core/reject.h"
#include "private.h"

/* session.c */
int grpc_loop_init(struct grpc_loop *loop, const struct grpc_config *config);
void grpc_loop_fini(struct grpc_loop *loop);
/* Makes the session and submits what it says first. Returns 0 or -ENOMEM. */
int grpc_session_begin(struct grpc_conn *conn);
/* Submits what a drain says first, and the last words. */
void grpc_session_ask(struct grpc_conn *conn);
void grpc_session_goodbye(struct grpc_conn *conn);

/* request.c: callbacks of nghttp2, and what becomes of a message */
int grpc_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user);
int grpc_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                   size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                   void *user);
/* Called when a request's header fields are complete. */
void grpc_request_head_done(struct grpc_conn *conn, struct grpc_stream *stream);
/* Called when the peer has ended its direction of the stream. */
void grpc_request_half_closed(struct grpc_conn *conn, struct grpc_stream *stream);
int grpc_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                 size_t size, void *user);
/* Copies a borrowed message that has not ended with its frame. Returns 0 or -ENOMEM. */
int grpc_request_own(struct grpc_conn *conn, struct grpc_stream *stream);
/* Makes *msg the message of stream, inflated if need be. Returns 0 or -ENOMEM. */
int grpc_request_deliver(struct grpc_conn *conn, struct grpc_stream *stream,
                         struct weft_message *msg);

/* message.c: what becomes of one message and of many */
/* Frees what was received. */
void grpc_request_drop(struct grpc_conn *conn, struct grpc_stream *stream);
/* Judges the prefix of a message. Returns NULL, or what is wrong, and *is_too_big: it is too large. */
const char *grpc_request_judge(const struct grpc_conn *conn, const struct grpc_stream *stream,
                               const uint8_t *prefix, bool *is_too_big);
/* Sets what is the same in each kind of message. */
void grpc_request_set_head(struct grpc_conn *conn, struct grpc_stream *stream,
                           struct weft_message *msg);
/* Inflates the payload of *msg, or makes it bad. Returns 0 or -ENOMEM. */
int grpc_request_inflate(struct grpc_conn *conn, const struct grpc_stream *stream,
                         struct weft_message *msg);
/* Answers a request whose peer has ended it without a message. */
void grpc_request_refuse_empty(struct grpc_conn *conn, struct grpc_stream *stream);
/* Drops what came of a request, and answers it. */
void grpc_request_refuse(struct grpc_conn *conn, struct grpc_stream *stream, enum grpc_code code,
                         const char *words);
/* True if nobody knows whose request it is. A peer whose credentials were good once need not be feared. */
bool grpc_is_unknown(const struct grpc_conn *conn, const struct grpc_stream *stream);
void grpc_make_bad(struct weft_message *msg, enum weft_message_status status, const char *why);

/* many.c: requests with many messages */
/* Makes *msg the head of a request. */
void grpc_many_offer(struct grpc_conn *conn, struct grpc_stream *stream, struct weft_message *msg);
/* Called at the first decode after that. */
void grpc_many_settle(struct grpc_conn *conn, struct grpc_stream *stream);
/* Does what want does. */
void grpc_many_want(struct grpc_conn *conn, struct grpc_stream *stream);
/* Takes bytes of DATA. Returns false if there is no memory. */
bool grpc_many_take(struct grpc_conn *conn, struct grpc_stream *stream, const uint8_t *data,
                    size_t size);
/* Called when the peer has ended its direction of such a request. */
void grpc_many_half_closed(struct grpc_conn *conn, struct grpc_stream *stream);
/* Makes *msg what the first stream that is ready has to give. Returns 0 or -ENOMEM. */
int grpc_many_deliver(struct grpc_conn *conn, struct weft_message *msg);
/* Drops the message that the last decode gave of it. */
void grpc_many_drop(struct grpc_conn *conn, struct grpc_stream *stream);
/* Called when the answer is over: drops what nobody will ask for any more. */
void grpc_many_end(struct grpc_conn *conn, struct grpc_stream *stream);
/* Frees its input, and forgets it. */
void grpc_many_fini(struct grpc_conn *conn, struct grpc_stream *stream);
/* Opens the connection's window again once little enough waits. */
void grpc_many_relax(struct grpc_conn *conn);

/* calm.c: what a peer may do too much of. Each of these may end the connection with ENHANCE_YOUR_CALM. */
void grpc_calm_begin(struct grpc_conn *conn);
/* Counts a frame that has been read, unless conn->brought. */
void grpc_calm_frame(struct grpc_conn *conn);
/* Allows for what a call or a DATA frame of ours has the peer send: WINDOW_UPDATE, for the most part. */
void grpc_calm_credit(struct grpc_conn *conn);
/* Counts a stream that the peer has reset, or that it had us reset by its mistake. */
void grpc_calm_reset(struct grpc_conn *conn);
void grpc_calm_ping(struct grpc_conn *conn);

/* keepalive.c: pings of our own */
/* Reads the options. Returns 0 or WEFT_ECONFIG. */
int grpc_keepalive_configure(struct grpc_config *config, const struct weft_option_set *set,
                             struct weft_error *error);
/* Does what tick does. */
int64_t grpc_keepalive_tick(struct grpc_conn *conn, int64_t heard, struct weft_chain *out);
/* Notes the answer to a ping. data: its 8 bytes. Returns false if it answers none of these. */
bool grpc_keepalive_answered(struct grpc_conn *conn, const uint8_t *data);

/* memory.c */
/* Returns the allocator for the connection's session. It sets conn->no_memory if an allocation fails. */
nghttp2_mem grpc_memory(struct grpc_conn *conn);
/* Frees what the session has, without calling it. */
void grpc_memory_free(struct grpc_conn *conn);

/* wire.c */
/* Ends the connection: a GOAWAY is submitted. */
void grpc_session_end(struct grpc_conn *conn, uint32_t error, const char *detail);
/* Sends to conn->out what may be sent. Returns 0 or -ENOMEM. */
int grpc_session_send(struct grpc_conn *conn);

/* stream.c */
struct grpc_stream *grpc_stream_new(struct grpc_conn *conn, uint32_t id); /* NULL: no memory */
/* Frees it, or lets a later decode do so: if its views are in use, or its reset has to be told. */
void grpc_stream_close(struct grpc_conn *conn, struct grpc_stream *stream);
/* Makes *msg the reset of a stream that is untold. */
void grpc_stream_tell_reset(struct grpc_conn *conn, struct weft_message *msg);
void grpc_stream_free(struct grpc_conn *conn, struct grpc_stream *stream);

/* answer.c */
ssize_t grpc_read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *user);
int grpc_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                   size_t length, nghttp2_data_source *source, void *user);
/* Answers a request that becomes no message. http: the status of HTTP. */
void grpc_reply_refuse(struct grpc_conn *conn, struct grpc_stream *stream, unsigned http,
                       enum grpc_code code, const char *words);
/* Does what encode does. */
int grpc_reply_encode(struct grpc_conn *conn, struct grpc_stream *stream,
                      const struct weft_body *body, struct weft_encode_io *io);

/* status.c */
enum grpc_code grpc_code_of(enum weft_reject_cause cause);
/* Writes words for a rejection to text. */
void grpc_words_of(const struct weft_rejection *rejection, char *text, size_t room);
/* Writes words as grpc-message has them. dst has 3 bytes for each byte of words. Returns the position behind. */
uint8_t *grpc_percent_encode(struct weft_view words, uint8_t *dst);
/* Reads a grpc-timeout. Returns false if it is none. */
bool grpc_read_timeout(struct weft_view text, uint64_t *nanoseconds);

#endif
