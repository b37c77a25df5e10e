/* SPDX-License-Identifier: MIT
 *
 * The services of a set and their methods, which are found by name. Private to this folder. */
#ifndef WEFT_RPC_SET_H
#define WEFT_RPC_SET_H

#include "private.h"

enum { WEFT__RPC_NAME_MAX = 63, WEFT__RPC_FACES = 2 };

struct weft_rpc {
    char name[WEFT__RPC_NAME_MAX + 1];
    struct weft__rpc_method **methods; /* sorted by path */
    size_t count;
    bool registered;
    void *health;                            /* its service; NULL: it was not asked for, as below */
    struct weft__rpc_reflection *reflection; /* reflection.h */
    struct weft__rpc_served served[WEFT__RPC_FACES];
    struct weft_service services[WEFT__RPC_FACES];
};

/* Does what weft_rpc_add does; the methods are actions with these flags. */
WEFT_MUST_USE int weft__rpc_add(struct weft_rpc *rpc, const ProtobufCService *service,
                                const char *const *streams, unsigned flags,
                                struct weft_error *error);
/* Says that there is no memory: weft_rpc_new has said so, or another allocation. Returns -ENOMEM. */
int weft__rpc_no_memory(struct weft_error *error);
/* True if the set has a service of that name. */
bool weft__rpc_has(const struct weft_rpc *rpc, const char *name);

#endif
