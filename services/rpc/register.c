/* SPDX-License-Identifier: MIT
 *
 * The names of the faces of a set. */
#include "service.h"
#include "set.h"

int weft_rpc_register(struct weft_rpc *rpc, struct weft_registry *registry)
{
    static const struct weft__rpc_face *const faces[WEFT__RPC_FACES] = {&weft__rpc_frames,
                                                                        &weft__rpc_http};
    int err = 0;
    rpc->registered = true;
    for (size_t i = 0; i < WEFT__RPC_FACES && err == 0; i++) {
        rpc->served[i] = (struct weft__rpc_served){rpc, faces[i]};
        rpc->services[i] = weft__rpc_service;
        rpc->services[i].name = rpc->name;
        rpc->services[i].speaks = faces[i]->speaks;
        err = weft_registry_add_service(registry, &rpc->services[i], &rpc->served[i]);
    }
    return err;
}
