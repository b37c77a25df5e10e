/* SPDX-License-Identifier: MIT
 *
 * The layers of an endpoint as one worker has them. Private to the core. */
#ifndef WEFT_CONN_LAYERS_H
#define WEFT_CONN_LAYERS_H

#include "core/layer.h"

struct weft__layers {
    size_t count;
    struct {
        const struct weft_layer *layer;
        void *loop_state;
        size_t at; /* of the request's state, behind the request */
    } of[WEFT_LAYERS_MAX];
};

/* Takes the place of service->call where an endpoint has layers. */
void weft__layers_call(void *loop_state, void *conn_state, struct weft_request *request);

#endif
