/* SPDX-License-Identifier: MIT
 *
 * The state that reflection has in a set. Private to this folder. */
#ifndef WEFT_RPC_REFLECTION_H
#define WEFT_RPC_REFLECTION_H

#include "describe.h"
#include "grpc_reflection.pb-c.h"

struct weft_rpc;

/* The two versions of the service have the same messages. */
struct weft__rpc_reflection {
    struct weft__rpc_mirror {
        Grpc__Reflection__V1__ServerReflection_Service service; /* first: it is cast back */
        struct weft_rpc *rpc;
    } v1, v1alpha;
    struct weft__rpc_files files; /* made when the set is registered */
};

/* Frees it. NULL is fine. */
void weft__rpc_reflection_free(struct weft__rpc_reflection *reflection);

#endif
