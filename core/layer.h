/* SPDX-License-Identifier: MIT
 *
 * The layer seam: what sees every request of an endpoint and may refuse it, whatever the service is:
 * access control, metrics, a log of slow requests. A plugin is one `const struct weft_layer`;
 * examples/layer is the one to copy from. An endpoint names its layers, the outermost first:
 *
 *     tcp://127.0.0.1:9527?service=kv&layers=metrics,access
 *
 *     begin, outermost first -> the service's call() -> ask -> end, innermost first
 *
 * A layer sees what a service cannot: when a request ends, and what it was answered with. It does not
 * see bytes that it would have to decode again: the service says with weft_request_ask what a request
 * is about. Everything here happens on the request's loop, must not block, and must not call any
 * weft_request_ function but weft_request_peer and weft_request_connection. */
#ifndef WEFT_LAYER_H
#define WEFT_LAYER_H

#include "peer.h"
#include "service.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_LAYERS_MAX = 8 }; /* layers that one endpoint may have */

enum weft_action_flags {
    WEFT_ACTION_WRITES = 1, /* it may change something */
    WEFT_ACTION_ADMIN = 2,  /* it is about the server rather than its data */
    WEFT_ACTION_OPEN = 4    /* it is for peers that are not known, too: a face's AUTH */
};

/* An action: it says what a request is about, in the service's own words. */
struct weft_action {
    const char *name;        /* "hset": static, one of few */
    struct weft_view object; /* what it is done to: a table, a topic */
    unsigned flags;          /* WEFT_ACTION_ */
};

/* A service asks once it has understood a request, before it acts, if request->layers is not NULL.
 * Returns true if it may act. False: *why says why not; the end is still owed, which
 * weft_request_refuse gives it. */
WEFT_MUST_USE bool weft_request_ask(struct weft_request *request, const struct weft_action *action,
                                    struct weft_rejection *why);

/* Asks the layers, outermost first, whether `secret` proves that the peer is `user`, until one knows.
 * Returns 1 if it is (the peer's user is set), 0 if it is not, -ENOTSUP if no layer knows, -ENOMEM. */
WEFT_MUST_USE int weft_request_authenticate(struct weft_request *request, struct weft_view user,
                                            struct weft_view secret);

struct weft_layer {
    const char *name;                  /* as in `?layers=NAME` */
    const struct weft_option *options; /* NULL: none */
    /* Sizes of the states that the core allocates, zeroed; 0: none. request_size is of the state that
     * each request has beside it, zeroed anew before each begin. */
    size_t config_size, loop_size, request_size;

    /* Called once per endpoint that names it, before any loop runs. context is the one of
     * weft_registry_add_layer. WEFT_ECONFIG: error says what is taken. */
    int (*configure)(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error);

    /* start is called once per endpoint and loop, on the thread that makes the server, before the loops
     * run; stop on the same thread, after every request has ended. If start fails, stop is not
     * called. */
    int (*start)(void *loop_state, const void *config, struct weft_loop *loop);
    void (*stop)(void *loop_state);

    /* Called before the service's call(). False: the request is refused as *why says, in the service's
     * words, and the layers within and the service never see it. NULL: it may pass. */
    bool (*begin)(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why);

    /* Called by weft_request_ask, at most once for each time the service asks. False: the service is
     * not to act, and answers as *why says. NULL: it may act. */
    bool (*ask)(void *loop_state, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why);

    /* Called by weft_request_authenticate. Returns 1 if the secret is the user's, 0 if it is not,
     * -ENOTSUP if another layer is to be asked. NULL: -ENOTSUP. */
    int (*authenticate)(void *loop_state, struct weft_peer *peer, struct weft_view user,
                        struct weft_view secret);

    /* Called exactly once for each begin, also for one that returned false, when the request has ended:
     * request->status is what the service set, bytes the sum of its messages. The payload may be gone.
     * NULL: the layer does not care. */
    void (*end)(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes);
};

#ifdef __cplusplus
}
#endif

#endif
