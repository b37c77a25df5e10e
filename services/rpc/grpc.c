/* SPDX-License-Identifier: MIT
 *
 * Calls over gRPC: the payload is the message, and what else there is to say goes beside it (core/service.h:
 * weft_request_trailer). The codec knows how. The core knows the deadline. */
#include <errno.h>

#include "core/base/metadata.h"
#include "private.h"
#include "services/payload/protobuf/writer.h"
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

/* Hands the core what goes before the first message. Returns 0 or -ENOMEM. */
static int set_header(const struct weft_rpc_call *call, struct weft_view header)
{
    return header.size > 0 ? weft_request_header(call->request, header) : 0;
}

static int write_message(struct weft_rpc_call *call, struct weft__rpc_reply *reply)
{
    int err = set_header(call, reply->header);
    if (err == 0 && reply->trailer.size > 0)
        err = weft_request_trailer(call->request, WEFT_RPC_OK, weft_view(NULL, 0), reply->trailer);
    reply->body.size = protobuf_c_message_get_packed_size(reply->message);
    reply->body.write = put_message;
    return err;
}

/* The fields of google.rpc.Status. */
enum { CODE = 1, MESSAGE = 2, DETAILS = 3 };

/* Adds the field that has the details to *trailer, which it makes. */
static void add_details(struct weft_text *trailer, enum weft_rpc_code code, struct weft_view words,
                        struct weft_view details)
{
    uint8_t head[2 * WEFT_PB_VARINT_MAX + WEFT_RPC_WORDS_MAX + 4];
    struct weft_text status = {.failed = false};
    uint8_t *end = weft_pb_put_uint(head, CODE, code);
    end = weft_pb_put_text(end, MESSAGE, words);
    weft_text_add(&status, weft_view(head, (size_t)(end - head)));
    weft_text_add(&status, details);
    weft_text_puts(trailer, "grpc-status-details-bin: ");
    weft__rpc_put_base64(trailer, weft_text_view(&status));
    weft_text_puts(trailer, "\n");
    trailer->failed |= status.failed;
    weft_text_fini(&status);
}

static int end(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
               struct weft__rpc_last *last)
{
    const struct weft_view text = weft_view_str(words), details = weft__rpc_details_of(call);
    struct weft_view trailer = weft__rpc_trailer_of(call);
    struct weft_text both = {.failed = false};
    int err = set_header(call, weft__rpc_header_of(call));
    (void)last;
    if (code != WEFT_RPC_OK && details.size > 0) {
        weft_text_add(&both, trailer);
        add_details(&both, code, text, details);
        trailer = weft_text_view(&both);
        err = both.failed ? -ENOMEM : err;
    }
    if (err == 0 && (code != WEFT_RPC_OK || trailer.size > 0))
        err = weft_request_trailer(call->request, code, text, trailer);
    weft_text_fini(&both);
    return err;
}

static void put_field(struct weft_text *text, enum weft__rpc_part part, struct weft_view name,
                      struct weft_view value)
{
    (void)part;
    weft_text_add(text, name);
    weft_text_puts(text, ": ");
    if (weft__rpc_is_bin(name))
        weft__rpc_put_base64(text, value);
    else
        weft_text_add(text, value);
    weft_text_puts(text, "\n");
}

static void put_detail(struct weft_text *text, const ProtobufCMessage *detail)
{
    weft__rpc_put_any(text, DETAILS, detail);
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
    .has_streams = true,
    .put_field = put_field,
    .put_detail = put_detail,
};
