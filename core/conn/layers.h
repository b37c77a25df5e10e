/* SPDX-License-Identifier: MIT
 *
 * The layers of an endpoint, with the states that they have on one worker's loop. Private to the core. */
#ifndef WEFT_CONN_LAYERS_H
#define WEFT_CONN_LAYERS_H

#include "core/layer.h"

struct weft__conn;

/* Outermost first, as the endpoint names them. */
struct weft__layers {
    size_t count; /* without the observer, which stands behind the others */
    bool guarded; /* one of them has a meet */
    bool alone;   /* it is the only one, and is no guard: nobody has a pass */
    bool quick;   /* it is the only one, and the service asks: a pass counts */
    struct {
        const struct weft_layer *layer;
        void *loop_state;
        size_t at; /* where a request has this layer's state: weft__request_state (order.h) */
    } of[WEFT_LAYERS_MAX];
    /* A request has this as its `layers`. It is this struct, or the byte behind its begin if nobody asks
     * (weft_request_unasked). */
    const void *public;
    const struct weft_layer *observer; /* of[count].layer, or NULL */
    void *observer_loop;
    /* Requests like the last one are counted in *tally. `none` is like no request: its action is its own address. */
    struct weft_tally *tally, none;
    uint32_t untimed; /* requests until the one that the observer times, this included */
    /* It is called behind the observer: the service's call or one of the functions below. */
    void (*inner)(void *loop_state, void *conn_state, struct weft_request *request);
};

/* Returns the number of all layers. */
static inline size_t weft__layers_all(const struct weft__layers *layers)
{
    return layers->count + (layers->observer != NULL);
}

/* Takes the place of service->call where an endpoint has layers: calls each layer's begin, and then the
 * service's call unless one of them has refused the request. */
void weft__layers_call(void *loop_state, void *conn_state, struct weft_request *request);

/* Takes that place where one layer is alone. */
void weft__layers_call_one(void *loop_state, void *conn_state, struct weft_request *request);
/* Takes that place where the layers are quick: the peer's pass may spare the layer's begin. */
void weft__layers_call_quick(void *loop_state, void *conn_state, struct weft_request *request);

/* Takes that place where there is an observer: counts down to the next request that is timed, and then calls `inner`. */
void weft__layers_observe(void *loop_state, void *conn_state, struct weft_request *request);

/* Goes on with the request for which weft_layer_resume was called. Called by the pump alone. */
void weft__layers_go_on(struct weft__conn *conn);

/* Called before bytes of an unknown peer are decoded: lets the layers meet it, which may make it a known
 * one. */
void weft__layers_meet(struct weft__conn *conn);

#endif
