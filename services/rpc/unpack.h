/* SPDX-License-Identifier: MIT
 *
 * The parts that the faces have in common whose messages are protobuf. Private to this folder. */
#ifndef WEFT_RPC_UNPACK_H
#define WEFT_RPC_UNPACK_H

#include "private.h"

/* True if both are the same name of metadata, in whatever case. */
bool weft__rpc_is_name(struct weft_view a, struct weft_view b);

/* Their slot `unpack`. */
ProtobufCMessage *weft__rpc_unpack_call(struct weft_rpc_call *call, struct weft_arena *arena,
                                        enum weft_rpc_code *code);

#endif
