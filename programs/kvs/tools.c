/* SPDX-License-Identifier: MIT */
#include "tools.h"

#include <errno.h>

#include "kv.pb-c.h"
#include "services/rpc/rpc.h"

/* No function of it is called, since kv answers its own methods: it is what is served and described. */
static const Weft__Kv__V1__Kv_Service service = {
    .base = {&weft__kv__v1__kv__descriptor, protobuf_c_service_invoke_internal, NULL}};

int kvs_tools_add(struct weft_rpc **tools, struct weft_kv_context *kv)
{
    static const char *const streams[] = {"Watch", "Subscribe", NULL};
    struct weft_rpc *rpc = *tools = weft_rpc_new("tools");
    if (!rpc)
        return -ENOMEM;
    int err = weft_rpc_add(rpc, &service.base, streams, NULL);
    if (err == 0)
        err = weft_rpc_add_health(rpc, NULL);
    if (err == 0)
        err = weft_rpc_add_reflection(rpc, NULL);
    if (err < 0)
        return err;
    kv->beside = weft_rpc_service(rpc, &kv->beside_context);
    return kv->beside ? 0 : -ENOMEM;
}

void kvs_tools_free(struct weft_rpc *tools)
{
    weft_rpc_free(tools);
}
