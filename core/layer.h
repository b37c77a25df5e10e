/* SPDX-License-Identifier: MIT
 *
 * The layer seam: a layer sees every request of an endpoint and may refuse it, whatever the service is.
 * Access control, metrics and a log of slow requests are layers. A plugin is one
 * `const struct weft_layer`; examples/layer is the one to copy from. An endpoint names its layers, the
 * outermost first:
 *
 *     tcp://127.0.0.1:9527?service=kv&layers=metrics,access
 *
 *     begin, outermost first -> the service's call() -> ask -> end, innermost first -> observe
 *
 * A layer does not decode the payload again: the service says with weft_request_ask what a request is
 * about. A layer also sees when each request ends, and with what status. All slots but configure, start
 * and stop are called on the request's loop. They must not block, and the only weft_request_ functions
 * that they may call are weft_request_peer, weft_request_connection and, in begin, weft_request_keep. A
 * layer that cannot answer at once, since it has to compute a hash on another thread, waits
 * (weft_layer_wait). */
#ifndef WEFT_LAYER_H
#define WEFT_LAYER_H

#include "peer.h"
#include "service.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_LAYERS_MAX = 8 }; /* layers that one endpoint may have */

enum weft_action_flags {
    WEFT_ACTION_WRITES = 1,      /* it may change something */
    WEFT_ACTION_ADMIN = 2,       /* it is about the server rather than its data */
    WEFT_ACTION_OPEN = 4,        /* a peer may do it before it has proven who it is, such as AUTH */
    WEFT_ACTION_SUBSCRIBES = 16, /* its object is a topic, whose messages it asks for */
    WEFT_ACTION_PLAIN = 8 /* any peer that has proven who it is may do it: it concerns no data */
};

/* An action says what a request is about, in the service's own terms. It is borrowed for the call. */
struct weft_action {
    const char *name;        /* "hset": static, one of a small set */
    struct weft_view object; /* what it is done to: a table, a topic; empty: all of them */
    unsigned flags;          /* WEFT_ACTION_ */
};

/* Asks the layers, outermost first, until one says no. If request->layers is not NULL, a service calls
 * this once it has understood a request and before it acts. It may call this several times for a request, also later:
 * one that lasts asks again before it sends more, because rules may change meanwhile.
 * Returns true if the service may act. False: *why says why not, and the service ends the request
 * with weft_request_refuse(request, why), or in its own way. */
WEFT_MUST_USE bool weft_request_ask(struct weft_request *request, const struct weft_action *action,
                                    struct weft_rejection *why);

/* True if weft_request_ask is known to return true for an action with these flags and this object: no layer of the
 * endpoint would ask, or the peer had a pass (peer.h) when the request came. It costs less than to make an action and
 * ask. A service that does not ask then sets request->action. */
bool weft_request_passes(const struct weft_request *request, unsigned flags,
                         struct weft_view object);

/* True if request->layers is not NULL, but all that weft_request_ask would do is to note the action: no layer of the
 * endpoint is a guard or has the slot ask. It costs less than weft_request_passes. A service that does not ask then
 * sets request->action. */
static inline bool weft_request_unasked(const struct weft_request *request)
{
    return ((uintptr_t)request->layers & 1) != 0;
}

/* Asks the layers, outermost first, until one can say if `secret` proves that the peer is `user`. Both are
 * borrowed for the call. Returns:
 *
 * - 1: it does, and the peer's user is set (peer.h). 0: it does not.
 * - -ENOTSUP: no layer can say. -EBUSY: too many peers ask at once. -ENOMEM. The user is unchanged.
 * - -EINPROGRESS: `known` is called later with one of the other results, from the pump, exactly once, also
 *   if the connection has gone. The request is kept from now on (weft_request_keep). Until then the
 *   service must not end it, and the connection decodes no further requests. */
WEFT_MUST_USE int weft_request_authenticate(struct weft_request *request, struct weft_view user,
                                            struct weft_view secret,
                                            void (*known)(struct weft_request *request,
                                                          int result));

/* A layer calls this within begin or authenticate if it has to answer later. It keeps the request, and
 * the connection decodes no further ones meanwhile. begin then returns false, and authenticate
 * -EINPROGRESS. Returns 0, or -ENOMEM: nothing changed. */
WEFT_MUST_USE int weft_layer_wait(struct weft_request *request);
/* Ends the wait. Called once per weft_layer_wait, on the request's loop, from a post or a timer; it may
 * be the last thing that the layer hears of the request. For authenticate, `result` is the result. For
 * begin it is unused: begin is called again with the state that it left, unless the connection has gone. */
void weft_layer_resume(struct weft_request *request, int result);

/* Counts the requests of one action and status, for an observer. It belongs to one loop. The counters are read and
 * written atomically; any thread may read them. Actions are the same if their names have the same address. */
struct weft_tally {
    const char *action; /* as request->action: static, or NULL */
    uint32_t status;
    uint64_t requests, request_bytes, reply_bytes;
};

/* Counts one request. Called on the loop of the tally. */
static inline void weft_tally_count(struct weft_tally *tally, uint64_t request_bytes,
                                    uint64_t reply_bytes)
{
    __atomic_store_n(&tally->requests, tally->requests + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&tally->request_bytes, tally->request_bytes + request_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&tally->reply_bytes, tally->reply_bytes + reply_bytes, __ATOMIC_RELAXED);
}

enum { WEFT_UNKNOWN_MAX = 16 * 1024 }; /* bytes of a message, or a frame, of an unknown peer */

/* name is mandatory; all other slots may be NULL. */
struct weft_layer {
    const char *name;                  /* as in `?layers=NAME` */
    const struct weft_option *options; /* NULL: none */
    /* Sizes of the three states, which the core allocates, zeroed; 0: none. The one of request_size is
     * the `state` of begin, ask and end: it belongs to one request and is zeroed before its begin. */
    size_t config_size, loop_size, request_size;

    /* Called once per endpoint that names the layer, when the server is made, or on the first loop's thread when the
     * endpoint is added to one that runs. context is the one of
     * weft_registry_add_layer. Returns 0, or WEFT_ECONFIG if an option is wrong: *error then says which
     * values it takes. */
    int (*configure)(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* start is called once per endpoint and loop: by weft_server_new, before the loops run, or, if the endpoint is
     * added later, within a turn of the loop. No two calls for a server overlap. If it fails, with -errno, so does
     * weft_server_new or the change, and stop is not called for this loop_state. stop is called once every request
     * has ended: by weft_server_free, or within a turn of the loop if the endpoint was removed. Stops on several
     * loops may overlap. */
    int (*start)(void *loop_state, const void *config, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* Called once per loop when the endpoint listens, on the first loop's thread and before a request comes, with the
     * line that weft_server_endpoint has for the endpoint. The line lives as long as the server. NULL: nobody needs it. */
    void (*listening)(void *loop_state, const char *endpoint);

    /* A layer that has this slot is a guard: peers of the endpoint are unknown until weft_peer_set_user has
     * given them a user. From an unknown peer the core takes messages and frames of at most
     * WEFT_UNKNOWN_MAX bytes, and inflates none. A message that will be larger and whose head has credentials
     * is announced first: begin is called for a request with an empty payload and these credentials, then end.
     * If begin has given the peer a user, the rest of the message is read; else the connection ends. For a service that does not ask (service.h) the core asks
     * once per request: the service's name is the action, which writes. meet is called once per connection, before
     * its first bytes are decoded, and sets the user if the transport has proven who the peer is. */
    void (*meet)(void *loop_state, struct weft_peer *peer);

    /* Called before the service's call(), unless the peer has a pass (peer.h). Returns true if the request may pass. False: the core refuses
     * it in the service's words for *why, and neither the inner layers nor the service see it. *why is
     * WEFT_REJECT_DENIED unless the layer sets it. If the slot is NULL, every request may pass. */
    bool (*begin)(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why);

    /* Called within weft_request_ask, unless an outer layer has said no. Returns true if this layer lets
     * the service act. False: *why says why not; it is WEFT_REJECT_DENIED unless the layer sets it. If the
     * slot is NULL, the layer lets it act. */
    bool (*ask)(void *loop_state, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why);

    /* Called within weft_request_authenticate, unless an outer layer could say. Returns 1 if the
     * secret is the user's, and the layer has set the peer's user; another result of that function; or
     * -EINPROGRESS after weft_layer_wait. -ENOTSUP means that the next layer is asked, which also happens
     * if the slot is NULL. */
    int (*authenticate)(void *loop_state, struct weft_request *request, struct weft_view user,
                        struct weft_view secret);

    /* A layer that has this slot is an observer: it refuses nothing and keeps nothing beside a request, so the core
     * spends a sixth of what a layer with begin, ask and end takes. An endpoint has at most one observer. It sees all
     * requests of the endpoint, wherever `layers=` names it, and of the slots here it may have only this one, `time`,
     * configure, start, stop and listening.
     * Called within the function that ends the request and after the end of all other layers, once per request, unless
     * the core counts the request in a tally. Of the request only action, status and payload.size may be read, and
     * weft_request_peer and weft_request_connection called. bytes: as for end. begun: what `time` returned for this
     * request, else 0.
     * Returns a tally with the action and the status of this request, or NULL. The core counts there each further
     * request that has both and is not timed, in place of the call, until observe returns another tally or NULL. The
     * tally lives until stop, and the layer changes it only within observe. */
    struct weft_tally *(*observe)(void *loop_state, const struct weft_request *request,
                                  uint64_t bytes, int64_t begun);
    /* Called for a request that is timed, before the begin of all other layers: for the first one of a loop, and then
     * for the one that is *next requests further, at least 1. Returns when it begins, as nanoseconds of a clock of
     * the layer's own, and not 0. NULL: no request is timed. */
    int64_t (*time)(void *loop_state, uint32_t *next);

    /* Called exactly once per request that reached this layer, also if its begin returned false, within
     * the function that ends the request. request->status is what the service set, request->action the name of the
     * first action that it was about; bytes is the size of all its messages before encoding. The payload may be gone. */
    void (*end)(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes);
};

#ifdef __cplusplus
}
#endif

#endif
