/* SPDX-License-Identifier: MIT
 *
 * The service seam: one request in, one or more replies out. A plugin is one `const struct
 * weft_service`; services/echo is the one to copy from.
 *
 * The one rule: a request handed to call() ends exactly once, in call() or later. Until then the
 * request, what it keeps and its connection's state stay valid, even if the peer has hung up.
 *
 * Threads: everything here happens on the loop of the request's connection. Another thread comes back
 * to that loop with weft_loop_post.
 *
 * Turn and pump. A turn of the loop (task.h) may run a connection's pump. The pump decodes and calls
 * call(), writes, calls on_room where there is room again, and changes the connection's state. It is
 * the only place from which on_room and on_cancel are called, so neither comes from within a
 * weft_request_ function. Two plain functions do run within weft_request_send and weft_request_end:
 * a body's write(), and reject() if the reply turns out to be over a limit. Neither may call back.
 *
 * How replies queue. Replies leave in the order of the requests. The oldest unended request of a
 * connection is the head: its messages are encoded at once. Messages of the others are held in memory
 * until their request becomes the head. -EAGAIN weighs the encoded output alone for the head, and for
 * the others the output and all that is held; the mark is output-high. Two things are always taken: a
 * request's first message if it has at most WEFT_REJECT_MAX bytes, and the head's first message within
 * call(). */
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

/* A request is the core's memory; these fields are for the plugin. The callbacks are set within
 * call(), or later before the first weft_request_send or _end that may return -EAGAIN. Either may be
 * NULL. Neither is called after the end. */
struct weft_request {
    /* Valid until call() returns; after weft_request_keep, until the end. */
    struct weft_view payload;
    void *data;         /* the plugin's own; NULL at call() */
    const void *layers; /* not NULL: weft_request_ask before acting (layer.h) */
    uint32_t status;    /* the plugin's word for how it ended, for layers; 0: none */
    /* Called after -EAGAIN, once another try is worth it; it may be refused again. */
    void (*on_room)(struct weft_request *request);
    /* Called when the connection ends before the request does: nobody will read the answer. It is
     * advice, the end is still owed. At most once, except that a detached request hears of a drain
     * first (WEFT_REASON_DRAINED; nobody else does): what it says then still leaves, and the
     * connection waits for its end. */
    void (*on_cancel)(struct weft_request *request, enum weft_reason reason);
};

/* Sends one more message of a streamed answer; more will follow. The body is borrowed until the call
 * returns. 0: taken. -EAGAIN: too much waits (see above); nothing has changed, on_room follows.
 * -ECANCELED: the connection is gone and nothing was sent; the end is still owed.
 *
 * A later failure is not reported here: if memory runs out, the connection closes; a message that
 * turns out to be over a limit when it is encoded is replaced by the words of reject(). */
WEFT_MUST_USE int weft_request_send(struct weft_request *request, const struct weft_body *body);

/* Sends the last message, or none if body is NULL, and ends the request. After 0 the request, and what
 * it kept, is gone. -EAGAIN as for send; the end is then still owed. It cannot come if body is NULL,
 * if the connection is gone (the message is dropped), or to a request that ends within call() without
 * having sent anything while all earlier requests of its connection have ended. So a service whose
 * only message is an end within call() never sees it. */
WEFT_MUST_USE int weft_request_end(struct weft_request *request, const struct weft_body *body);

/* weft_request_end, for a request that the service found malformed or over a limit: it counts towards
 * max-bad-frames. */
WEFT_MUST_USE int weft_request_end_bad(struct weft_request *request, const struct weft_body *body);

/* weft_request_end, with the words of the service's own reject(). Without words the connection closes. */
void weft_request_refuse(struct weft_request *request, const struct weft_rejection *why);

/* Copies the payload to memory of the request's own, where it lives until the end. A service that
 * answers after call() and still needs the payload calls this first, within call(). What is kept
 * counts towards pending-bytes. -ENOMEM: nothing changed; answer at once. */
WEFT_MUST_USE int weft_request_keep(struct weft_request *request);

/* Returns memory to allocate from. Before keep it is the loop's scratch, whose contents are gone when
 * call() returns, also if keep is called afterwards. After keep it is the request's own and lives
 * until the end. The budget is decode-bytes; after keep, decode-bytes and the payload. */
struct weft_arena *weft_request_arena(struct weft_request *request);

/* Takes the request out of the order of replies, so that a subscription does not hold up every later
 * reply. Until it is the head it keeps its place. From then on its messages leave at once, between the
 * replies of others, while the output is below push-high (or output-low, if that is less). It counts
 * towards max-detached instead of max-pending. If the peer ends only its own direction, the connection
 * stays open until its detached requests have ended. A second call does nothing. -ENOSPC: nothing
 * changed, because max-detached requests of this connection are detached, or because what they keep
 * would exceed pending-bytes. */
WEFT_MUST_USE int weft_request_detach(struct weft_request *request);

/* Returns a number that no other connection of this server has or had. */
uint64_t weft_request_connection(const struct weft_request *request);

struct weft_service {
    const char *name;                  /* as in `?service=NAME` */
    const char *speaks;                /* the language of its payloads: "protobuf:abi"; "*": any */
    const struct weft_option *options; /* NULL: none */
    /* Sizes of the three states, which the core allocates, zeroed; 0: none. */
    size_t config_size, loop_size, conn_size;

    /* Called once per endpoint, before any loop runs. context is the one of
     * weft_registry_add_service (kv: its store). The config is plain bytes; the core merges equal ones.
     * limits live as long as the server. WEFT_ECONFIG: error says what is taken. */
    int (*configure)(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* start is called once per configuration and loop, on the thread that makes the server, before the
     * loops run; stop on the same thread, after the loops and every request have ended. If start
     * fails, stop is not called. */
    int (*start)(void *loop_state, const void *config, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* open is called once per connection, on its loop. If it fails, the connection closes and close is
     * not called. close comes after the end of the connection's last request. */
    int (*open)(void *conn_state, void *loop_state);
    void (*close)(void *conn_state, void *loop_state);

    /* Mandatory. Handles a good message: ends the request, or keeps it and ends it later. Must not
     * block. */
    void (*call)(void *loop_state, void *conn_state, struct weft_request *request);

    /* Words a rejection in the service's own language: writes at most WEFT_REJECT_MAX bytes to dst and
     * returns how many. It is synchronous and allocates nothing. NULL, or 0 bytes: there are no words,
     * and the connection closes. */
    size_t (*reject)(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);
};

#ifdef __cplusplus
}
#endif

#endif
