/* SPDX-License-Identifier: MIT
 *
 * kvs answers what tools of gRPC ask beside its commands: grpc.health.v1, and server reflection for weft.kv.v1.Kv. */
#ifndef KVS_TOOLS_H
#define KVS_TOOLS_H

#include "services/kv/service.h"

struct weft_rpc;

/* Sets them beside kv. *tools is for kvs_tools_free after the server was freed. Returns 0 or -ENOMEM, where *tools is
 * to be freed as well. */
WEFT_MUST_USE int kvs_tools_add(struct weft_rpc **tools, struct weft_kv_context *kv);
void kvs_tools_free(struct weft_rpc *tools);

#endif
