/* SPDX-License-Identifier: MIT
 *
 * The service seam: one request in, one or more replies out. A plugin is one `const struct
 * weft_service`; services/echo is the one to copy from.
 *
 * The one rule: a request handed to call() ends exactly once, in call() or later (weft_request_end). Until
 * then it, what it keeps and its connection's state stay valid, even if the peer has hung up.
 *
 * Everything here but configure, start and stop happens on the loop of the request's connection. Another
 * thread comes back to that loop with weft_loop_post (task.h).
 *
 * The pump is what the core runs for one connection in a turn of its loop (task.h): it decodes and calls
 * call(), writes, calls on_room where there is room again, and calls on_cancel if the connection ends.
 * Only the pump makes these three calls, so none of them comes from within a weft_request_ function. Two
 * plain functions of a service do run within weft_request_send, _end and _refuse: a body's write(), and
 * reject(). Neither may call the core.
 *
 * How replies queue. Replies leave in the order of the requests. The oldest unended request of a
 * connection is the head: its messages are encoded at once. Messages of the others are held in memory
 * until their request becomes the head.
 *
 * When -EAGAIN comes (output-high and the like are limits: base/settings.h). The head gets it while the
 * encoded output that waits for the peer is at output-high or more. A request behind the head gets it
 * while that output and all held messages together are at output-high or more. It also gets it if its
 * message would leave less of output-hard than the head may need, output-high and one max-frame. Two
 * messages are always taken: a request's first one if it has at most WEFT_REJECT_MAX bytes, and the
 * first one that the head sends before its call() has returned.
 *
 * Streams. In protocols such as gRPC a request comes with a stream of its own. Then it is in no order of
 * replies: its messages are encoded at once, as those of a head, whatever other requests do. It counts
 * towards max-pending until it ends. It gets -EAGAIN while output-low bytes of its stream wait for the peer,
 * too. What it keeps does not stop the decoding, so weft_request_keep fails at pending-bytes. While too
 * much waits on all streams together, requests are kept and call() comes later. */
#ifndef WEFT_SERVICE_H
#define WEFT_SERVICE_H

#include "base/body.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/reason.h"
#include "base/settings.h"
#include "reject.h"
#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The core owns the memory of a request; these fields are for the service. It sets the callbacks
 * within call(); on_room may be set later, but before the first call that may return -EAGAIN. Either may
 * be NULL. Neither is called after the end. */
struct weft_request {
    /* Valid until call() returns; after weft_request_keep, until the end. Credentials are the
     * message's own claim of who sent it (codec.h); empty in most protocols. So are target, what the request
     * says it is for (gRPC: "/weft.kv.v1.Kv/Execute"), and metadata, its fields (base/metadata.h). */
    struct weft_view payload, credentials, target, metadata;
    void *data;         /* the service's own; NULL at call() */
    const void *layers; /* not NULL: call weft_request_ask before acting (layer.h) */
    /* The name of the action that it is about, for layers (layer.h). weft_request_ask sets it if it is NULL. */
    const char *action;
    uint32_t status; /* set before the end, in the service's own terms, for layers; 0: none */
    uint32_t stream; /* the core's. Not 0: it is in no order, see "Streams" at the top */
    /* Called after -EAGAIN, once another try is worth it; it may be refused again. */
    void (*on_room)(struct weft_request *request);
    /* Called once if the connection ends before the request does: nobody will read the answer. This is
     * only advice; the service still owes the end. It comes in place of an on_room that is awaited, so a
     * service that waits for room sets both. A request with a stream also hears so if its peer wants no more
     * of it (WEFT_REASON_STREAM_RESET), or waits no longer (WEFT_REASON_DEADLINE).
     * For a detached or endless request on_cancel may come twice. The first time is with WEFT_REASON_DRAINED,
     * when the server drains and no request is left in the order of replies, or the endless one is first in
     * it: the messages that the request sends then still leave, and the connection waits for its end. If the connection ends before that, the
     * second time is with the reason of that. */
    void (*on_cancel)(struct weft_request *request, enum weft_reason reason);
    /* Called for a request with many messages (weft_service.streams), and set within call(): once with the first message, and
     * once after each weft_request_next. *message is valid until this returns. NULL: the peer has sent its last one, and no
     * call follows. Not called after on_cancel with another reason than WEFT_REASON_DRAINED. */
    void (*on_message)(struct weft_request *request, const struct weft_view *message);
};

/* Sends one more message of a streamed answer; more will follow. The body is borrowed until the call
 * returns. Returns 0 if the message is taken. -EAGAIN: too much waits (see the top); nothing has changed,
 * and on_room follows. -ECANCELED: the connection is gone and nothing was sent; the end is still owed.
 *
 * 0 does not promise that the message can be encoded. If it is over a limit, the words of reject() take
 * its place; if there are no words, or no memory, the connection closes. */
WEFT_MUST_USE int weft_request_send(struct weft_request *request, const struct weft_body *body);

/* Sends the last message, or none if body is NULL, and ends the request. Returns 0, after which the
 * request and what it kept are gone; or -EAGAIN if too much waits: the end is then still owed, and
 * on_room follows. If the connection is gone, the message is dropped and the result is 0.
 *
 * -EAGAIN cannot come if body is NULL. Nor can it come to a service that ends every request within call()
 * with one message: each request is then the head, whose first message within call() is always taken. */
WEFT_MUST_USE int weft_request_end(struct weft_request *request, const struct weft_body *body);

/* Does what weft_request_end does, for a request that the service found malformed or over a limit: the
 * request counts towards max-bad-frames, the number of bad ones in a row that closes the connection. */
WEFT_MUST_USE int weft_request_end_bad(struct weft_request *request, const struct weft_body *body);

/* Ends the request with the words that the service's own reject() has for *why. Unlike weft_request_end
 * it always ends the request: if too much waits and the request has sent something before, the words are
 * dropped. If reject() has no words, the connection closes after the answers to earlier requests. */
void weft_request_refuse(struct weft_request *request, const struct weft_rejection *why);

/* Copies the payload and the credentials to memory of the request's own, where they live until the end,
 * and sets both views to the copies. A service that answers after call() and still needs the payload
 * calls this within call(). What is kept counts towards pending-bytes; a connection that is at this limit
 * decodes no further requests. A second call does nothing. -ENOMEM: nothing changed; answer at once. */
WEFT_MUST_USE int weft_request_keep(struct weft_request *request);

/* Does what weft_request_keep does, and makes room for `room` further bytes, which weft_request_arena then
 * usually gives without a malloc. A service that needs memory of a known size to answer later calls this one. */
WEFT_MUST_USE int weft_request_keep_with_room(struct weft_request *request, size_t room);

/* Returns memory to allocate from. Before keep it is the loop's scratch, for use within call() only: its
 * contents are gone when call() returns, also if keep is called afterwards. After keep it is the
 * request's own and lives until the end. It gives at most decode-bytes, to which keep adds the size of
 * the payload and the credentials that it holds. */
struct weft_arena *weft_request_arena(struct weft_request *request);

/* Asks for the next message of a request with many: on_message follows, once it has come. Until then the peer may send no more
 * than a window of messages. A second call before that does nothing, nor does any other request's. */
void weft_request_next(struct weft_request *request);

/* Returns the loop's scratch: memory of at most decode-bytes for use until call() or on_message returns, for a request that
 * was kept, too. */
struct weft_arena *weft_request_scratch(struct weft_request *request);

/* Takes the request out of the order of replies, so that a subscription does not hold up every later
 * reply. The head leaves the order at once. Another request leaves it when it becomes the head, and its
 * messages are held until then. Afterwards they leave at once, between the replies of others. A
 * detached request gets -EAGAIN from push-high (or output-low, if that is less) instead of output-high,
 * and counts towards max-detached instead of max-pending.
 *
 * If the peer ends only its own direction, the connection stays open until its detached requests have
 * ended. A second call does nothing. On an error, which may be -ENOMEM, nothing changed:
 *   - -ENOSPC: max-detached requests of this connection are detached, or what they keep would exceed
 *     pending-bytes.
 *   - -ENOTSUP: the codec's protocol has no place for messages between the replies (codec.h: finish);
 *     stream the answer in the order of replies instead. */
WEFT_MUST_USE int weft_request_detach(struct weft_request *request);

/* Says that the answer goes on until the peer leaves or the service ends it: a subscription over a protocol
 * for which weft_request_detach returns -ENOTSUP. The request stays in the order of replies, so those behind
 * it wait for its end; but like a detached one it gets -EAGAIN from push-high on, and hears of the drain. A
 * second call does nothing. */
void weft_request_endless(struct weft_request *request);

/* Say what an answer says beside its messages, in protocols with a place for that; elsewhere they do nothing.
 * header is sent with the first message, so set it before that. code (of google.rpc.Code, 0 is success), words
 * (UTF-8, at most WEFT_REJECT_MAX bytes are sent) and trailer are sent with the end. header and trailer are
 * fields in the form of base/metadata.h. All is copied. A second call replaces the first. -ENOMEM: nothing
 * changed. */
WEFT_MUST_USE int weft_request_header(struct weft_request *request, struct weft_view header);
WEFT_MUST_USE int weft_request_trailer(struct weft_request *request, uint32_t code,
                                       struct weft_view words, struct weft_view trailer);

/* Returns the weft_loop_now at which the peer of a request with a stream waits no longer, or INT64_MAX: it has not said. */
int64_t weft_request_deadline(const struct weft_request *request);

/* Returns a number that no other connection of this server has or had. */
uint64_t weft_request_connection(const struct weft_request *request);

/* name, speaks and call are mandatory; all other slots may be NULL. */
struct weft_service {
    const char *name;                  /* as in `?service=NAME` */
    const char *speaks;                /* the language of its payloads: "protobuf:abi"; "*": any */
    bool asks;                         /* it calls weft_request_ask for everything that it does */
    const struct weft_option *options; /* NULL: none */
    /* Sizes of the three states, which the core allocates, zeroed; 0: none. */
    size_t config_size, loop_size, conn_size;

    /* Called once per endpoint, when the server is made, or on the first loop's thread when the endpoint is added to
     * one that runs. context is the one of weft_registry_add_service (kv: its store). Endpoints whose configs are equal byte for byte share
     * one loop_state per loop, so a config holds plain values rather than pointers to copies. limits
     * live as long as the server. Returns 0, or WEFT_ECONFIG if an option is wrong: *error then says
     * which values it takes. */
    int (*configure)(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* start is called once per distinct config and loop: by weft_server_new, before the loops run, or, if an
     * endpoint is added later, within a turn of the loop. No two calls for a server overlap. A service with a
     * context meets all loops in weft_server_new or none, so a list of loops in the context does not change while
     * they run. If start fails, with -errno, so does weft_server_new or the change, and stop is not called for this
     * loop_state. stop is called by weft_server_free, after the loops and every request have ended, also if no
     * endpoint has had the service for long. */
    int (*start)(void *loop_state, const void *config, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* open is called once per connection, on its loop. If it returns -errno, the connection closes (the
     * reason is no-memory, no-descriptor or internal) and close is not called. close is called once the connection is closed and its last request has
     * ended. */
    int (*open)(void *conn_state, void *loop_state);
    void (*close)(void *conn_state, void *loop_state);

    /* True if a request for that target (weft_request) has many messages. Then call() gets it once its head has come, with an
     * empty payload, and its messages come one by one (on_message). NULL: each request has one. Only protocols with
     * targets ask. It must not block. */
    bool (*streams)(void *loop_state, struct weft_view target);

    /* Handles a request: ends it now, or stores the pointer and ends it later. Must not block. A
     * request that ends later and still needs its payload calls weft_request_keep. */
    void (*call)(void *loop_state, void *conn_state, struct weft_request *request);

    /* Words a rejection in the service's own language: writes at most WEFT_REJECT_MAX bytes to dst and
     * returns how many. It must not block or allocate. If the slot is NULL or returns 0, there are no
     * words and the connection closes. A connection that is turned away gets words without open. */
    size_t (*reject)(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);
};

#ifdef __cplusplus
}
#endif

#endif
