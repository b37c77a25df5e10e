/* SPDX-License-Identifier: MIT
 *
 * The layers before a service: they see a request begin and are asked. That it ends they hear in
 * request.c, which ends it. */
#include "layers.h"

#include <errno.h>

#include "conn.h"
#include "core/base/compiler.h"

void weft__layers_call(void *loop_state, void *conn_state, struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    const struct weft__binding *binding = request->conn->binding;
    const struct weft__layers *layers = &binding->layers;

    public->layers = layers;
    request->layered = (struct weft__layered){0};
    for (size_t i = 0; i < layers->count; i++) {
        const struct weft_layer *layer = layers->of[i].layer;
        void *state = weft__request_state(request, layers->of[i].at);
        struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};

        memset(state, 0, layer->request_size);
        request->layered.begun++;
        if (layer->begin && !layer->begin(layers->of[i].loop_state, state, public, &why)) {
            weft_request_refuse(public, &why);
            return;
        }
    }
    binding->service->call(loop_state, conn_state, public);
}

bool weft_request_ask(struct weft_request *public, const struct weft_action *action,
                      struct weft_rejection *why)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    const struct weft__layers *layers = public->layers;
    bool may = true;

    *why = (struct weft_rejection){.cause = WEFT_REJECT_DENIED};
    for (size_t i = 0; layers && may && i < layers->count; i++) {
        const struct weft_layer *layer = layers->of[i].layer;

        if (layer->ask)
            may = layer->ask(layers->of[i].loop_state,
                             weft__request_state(request, layers->of[i].at), public, action, why);
    }
    return may;
}

int weft_request_authenticate(struct weft_request *request, struct weft_view user,
                              struct weft_view secret)
{
    const struct weft__layers *layers = request->layers;
    struct weft_peer *peer = weft_request_peer(request);
    int result = -ENOTSUP;

    if (!peer)
        return -ENOMEM;
    for (size_t i = 0; layers && result == -ENOTSUP && i < layers->count; i++)
        if (layers->of[i].layer->authenticate)
            result =
                layers->of[i].layer->authenticate(layers->of[i].loop_state, peer, user, secret);
    if (result == 1 && weft_peer_set_user(peer, user) < 0)
        return -ENOMEM;
    return result;
}
