/* SPDX-License-Identifier: MIT
 *
 * Calls over gRPC: the payload is the message, and what else there is to say goes beside it (core/service.h:
 * weft_request_trailer). The codec knows how. The core knows the deadline. */
#include "core/base/metadata.h"
#include "private.h"
#include "unpack.h"

static enum weft_rpc_code read_call(struct weft_rpc_call *call)
{
    const struct weft_request *request = call->request;
    call->target = request->target;
    call->message = request->payload;
    call->metadata = request->metadata;
    return WEFT_RPC_OK;
}

static void put_message(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__rpc_reply *reply = (const void *)body;
    protobuf_c_message_pack(reply->message, dst);
}

static int write_message(struct weft_rpc_call *call, struct weft__rpc_reply *reply)
{
    (void)call;
    reply->body.size = protobuf_c_message_get_packed_size(reply->message);
    reply->body.write = put_message;
    return 0;
}

static int end(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
               uint8_t *dst, size_t *size)
{
    (void)dst, (void)size;
    if (code == WEFT_RPC_OK)
        return 0;
    return weft_request_trailer(call->request, code, weft_view_str(words), weft_view(NULL, 0));
}

static bool metadata(const struct weft_rpc_call *call, struct weft_view wanted,
                     struct weft_view *value)
{
    struct weft_view rest = call->metadata, name;
    while (weft_metadata_next(&rest, &name, value))
        if (weft__rpc_is_name(name, wanted))
            return true;
    return false;
}

const struct weft__rpc_face weft__rpc_grpc = {
    .speaks = "*",
    .read = read_call,
    .unpack = weft__rpc_unpack_call,
    .write = write_message,
    .end = end,
    .metadata = metadata,
};
