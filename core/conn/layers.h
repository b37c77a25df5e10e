/* SPDX-License-Identifier: MIT
 *
 * The layers of an endpoint, with the states that they have on one worker's loop. Private to the core. */
#ifndef WEFT_CONN_LAYERS_H
#define WEFT_CONN_LAYERS_H

#include "core/layer.h"

/* Outermost first, as the endpoint names them. */
struct weft__layers {
    size_t count;
    struct {
        const struct weft_layer *layer;
        void *loop_state;
        size_t at; /* where a request has this layer's state: weft__request_state (order.h) */
    } of[WEFT_LAYERS_MAX];
};

/* Takes the place of service->call where an endpoint has layers: calls each layer's begin, and then the
 * service's call unless one of them has refused the request. */
void weft__layers_call(void *loop_state, void *conn_state, struct weft_request *request);

#endif
