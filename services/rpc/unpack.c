/* SPDX-License-Identifier: MIT */
#include "unpack.h"

#include <strings.h>

#include "message.h"

bool weft__rpc_is_name(struct weft_view a, struct weft_view b)
{
    return a.size == b.size &&
           (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

ProtobufCMessage *weft__rpc_unpack_call(struct weft_rpc_call *call, struct weft_arena *arena,
                                        enum weft_rpc_code *code)
{
    const char *why;
    bool malformed;
    ProtobufCMessage *message =
        weft__rpc_unpack(call->method->descriptor->input, call->message, arena, &why, &malformed);
    if (message)
        return message;
    weft__rpc_set_words(call, why);
    *code = malformed ? WEFT_RPC_INVALID_ARGUMENT : WEFT_RPC_RESOURCE_EXHAUSTED;
    return NULL;
}
