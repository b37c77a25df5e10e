/* SPDX-License-Identifier: MIT
 *
 * The service seam: one request in, one or more replies out. A plugin is one `const struct
 * weft_service`; services/echo is the one to copy from.
 *
 * The one rule: a request handed to call() ends exactly once, now or later. The request, its arena
 * and its connection's state stay valid until then, even if the peer hangs up. Synchronous,
 * asynchronous and streaming differ only in time. Threads: everything here happens on the request's
 * loop; weft_loop_post brings a thread of the plugin's own back to it. */
#ifndef WEFT_SERVICE_H
#define WEFT_SERVICE_H

#include "base/body.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/reason.h"
#include "base/settings.h"
#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The core's; the four fields are the plugin's to read or set. The two callbacks are set before
 * call() returns with the request unended. Both may be NULL, neither is called after the end, and both
 * come from the loop's pump, never from within a weft_request_ function. */
struct weft_request {
    /* Valid until call() returns, or after weft_request_keep until the end. */
    struct weft_view payload;
    void *data; /* the service's own, NULL at call() */
    /* After -EAGAIN: now send or end will be taken. */
    void (*on_room)(struct weft_request *request);
    /* Advice: nobody will read the answer. At most once; the end is still owed. */
    void (*on_cancel)(struct weft_request *request, enum weft_reason reason);
};

/* One more message of a streamed answer; more will follow. The body is borrowed until the call
 * returns. Returns:
 *
 * - 0: taken.
 * - -EAGAIN: too much output waits; nothing has changed, on_room follows.
 * - -ECANCELED: the connection is gone, nothing was sent; end it.
 *
 * What fails later is not seen here: without memory the connection closes, and a body that turns out
 * to be over a limit is replaced by reject's words at its turn. */
WEFT_MUST_USE int weft_request_send(struct weft_request *request, const struct weft_body *body);

/* The last message, or with NULL the end of a stream without one more. After 0 the request is gone.
 * -EAGAIN: as above, the end is still owed; it cannot happen while every earlier request of the
 * connection has ended, so a service that always ends within call() never sees it. A connection
 * that is gone takes (and drops) every end. */
WEFT_MUST_USE int weft_request_end(struct weft_request *request, const struct weft_body *body);

/* The same, for a request that the service found malformed or over a limit: it counts towards
 * max-bad-frames. */
WEFT_MUST_USE int weft_request_end_bad(struct weft_request *request, const struct weft_body *body);

/* Moves the payload into the request's own arena, so that it lives until the end: who answers after
 * call() has returned and still needs the payload calls this first, within call(). -ENOMEM: nothing
 * changed; answer at once. */
WEFT_MUST_USE int weft_request_keep(struct weft_request *request);

/* Memory for this request. Before keep: the loop's scratch, taken back when call() returns. After
 * keep: its own, until the end. Its budget is decode-bytes. */
struct weft_arena *weft_request_arena(struct weft_request *request);

/* A number no other connection of this server has or had. */
uint64_t weft_request_connection(const struct weft_request *request);

/* What never became a request, or a reply that could not be sent. */
enum weft_reject_cause {
    WEFT_REJECT_MALFORMED,     /* what: what is wrong with the frame */
    WEFT_REJECT_TOO_BIG,       /* what: the limit's option name; size, limit */
    WEFT_REJECT_REPLY_TOO_BIG, /* the same, of the reply that stood in this place */
    WEFT_REJECT_NO_MEMORY,
    WEFT_REJECT_DRAINING,
    WEFT_REJECT_TOO_MANY /* what: "max-connections"; limit */
};

struct weft_rejection {
    enum weft_reject_cause cause;
    const char *what; /* static, may be NULL */
    uint64_t size, limit;
};

enum { WEFT_REJECT_MAX = 512 }; /* bytes a rejection's body may have */

struct weft_service {
    const char *name;                  /* as in `?service=NAME` */
    const char *speaks;                /* "protobuf:abi", "*": what its payloads are */
    const struct weft_option *options; /* NULL: none */
    size_t config_size, loop_size,
        conn_size; /* of the three states, which the core allocates, zeroed; 0: none */

    /* Called once an endpoint, before any loop runs. context is what the service was registered
     * with (kv: its store). The config is plain bytes; the core merges equal ones. limits live as
     * long as the server. WEFT_ECONFIG: error says what is taken. */
    int (*configure)(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* Once per configuration and loop, on the thread that makes the server, before the loops run;
     * stop on the same thread after they ended and every request has. If start fails, stop is not
     * called. */
    int (*start)(void *loop_state, const void *config, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* Once per connection, on its loop. -ENOMEM and the like close it, close is then not called.
     * close comes after the end of the connection's last request. */
    int (*open)(void *conn_state, void *loop_state);
    void (*close)(void *conn_state, void *loop_state);

    /* Mandatory. A good message came. May end the request, or keep it and end it later; must not
     * block. */
    void (*call)(void *loop_state, void *conn_state, struct weft_request *request);

    /* Words a rejection: writes at most WEFT_REJECT_MAX bytes to dst, returns how many.
     * Synchronous, allocates nothing. NULL or 0: no words, the connection closes. loop_state as in
     * call. */
    size_t (*reject)(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);
};

#ifdef __cplusplus
}
#endif

#endif
