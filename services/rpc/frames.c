/* SPDX-License-Identifier: MIT
 *
 * Calls in frames: proto/rpc.proto. */
#include "message.h"
#include "private.h"
#include "unpack.h"
#include "services/payload/protobuf/writer.h"

/* The numbers of proto/rpc.proto. */
enum { METHOD = 1, REQUEST = 2, TIMEOUT = 3, METADATA = 4 };
enum { NAME = 1, VALUE = 2 };
enum { CODE = 1, MESSAGE = 2, RESPONSE = 3, MORE = 4, HEADER = 5, TRAILER = 6, DETAILS = 7 };

/* True if the field has the type that its number stands for. */
static bool is_call_field(const struct weft__rpc_field *field)
{
    return field->number > METADATA ||
           field->wire == (field->number == TIMEOUT ? WEFT_PB_VARINT : WEFT_PB_LENGTH);
}

static enum weft_rpc_code read_call(struct weft_rpc_call *call)
{
    struct weft_view rest = call->request->payload;
    struct weft__rpc_field field;
    int more;
    while ((more = weft__rpc_next(&rest, &field)) > 0 && is_call_field(&field)) {
        if (field.number == METHOD)
            call->target = field.bytes;
        else if (field.number == REQUEST)
            call->message = field.bytes;
        else if (field.number == TIMEOUT)
            call->timeout = field.value > WEFT_LIMIT_TIME_MAX / 1000000 ? WEFT_LIMIT_TIME_MAX
                                                                        : field.value * 1000000;
    }
    if (more != 0) {
        weft__rpc_set_words(call, "The frame is no weft.rpc.Call");
        return WEFT_RPC_INVALID_ARGUMENT;
    }
    call->metadata = call->request->payload;
    return WEFT_RPC_OK;
}

static uint8_t *put_view(uint8_t *dst, struct weft_view view)
{
    if (view.size > 0)
        memcpy(dst, view.data, view.size);
    return dst + view.size;
}

static void put_reply(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__rpc_reply *reply = (const void *)body;
    dst = weft_pb_put_head(dst, RESPONSE, reply->size);
    dst += protobuf_c_message_pack(reply->message, dst);
    if (!reply->last)
        dst = weft_pb_put_uint(dst, MORE, 1);
    dst = put_view(dst, reply->header);
    (void)put_view(dst, reply->trailer);
}

static int write_reply(struct weft_rpc_call *call, struct weft__rpc_reply *reply)
{
    (void)call;
    reply->size = protobuf_c_message_get_packed_size(reply->message);
    reply->body.write = put_reply;
    reply->body.size = weft_pb_head_size(RESPONSE, reply->size) + reply->size +
                       (reply->last ? 0 : weft_pb_uint_size(MORE, 1)) + reply->header.size +
                       reply->trailer.size;
    return 0;
}

static int end(const struct weft_rpc_call *call, enum weft_rpc_code code, const char *words,
               struct weft__rpc_last *last)
{
    uint8_t *at = last->text;
    if (code != WEFT_RPC_OK)
        at = weft_pb_put_uint(at, CODE, code);
    at = weft_pb_put_text(at, MESSAGE, weft_view_str(words));
    weft__rpc_add_piece(last, weft_view(last->text, (size_t)(at - last->text)));
    weft__rpc_add_piece(last, weft__rpc_header_of(call));
    weft__rpc_add_piece(last, weft__rpc_trailer_of(call));
    if (code != WEFT_RPC_OK)
        weft__rpc_add_piece(last, weft__rpc_details_of(call));
    return 1;
}

static void put_field(struct weft_text *text, enum weft__rpc_part part, struct weft_view name,
                      struct weft_view value)
{
    const size_t size = weft_pb_bytes_size(NAME, name.size) + weft_pb_bytes_size(VALUE, value.size);
    uint8_t head[2 * WEFT_PB_VARINT_MAX], *end;
    end = weft_pb_put_head(head, part == WEFT__RPC_HEADER ? HEADER : TRAILER, size);
    end = weft_pb_put_head(end, NAME, name.size);
    weft_text_add(text, weft_view(head, (size_t)(end - head)));
    weft_text_add(text, name);
    end = weft_pb_put_head(head, VALUE, value.size);
    weft_text_add(text, weft_view(head, (size_t)(end - head)));
    weft_text_add(text, value);
}

static void put_detail(struct weft_text *text, const ProtobufCMessage *detail)
{
    weft__rpc_put_any(text, DETAILS, detail);
}

static bool metadata(const struct weft_rpc_call *call, struct weft_view wanted,
                     struct weft_view *value)
{
    struct weft_view rest = call->metadata;
    struct weft__rpc_field field, part;
    while (weft__rpc_next(&rest, &field) > 0) {
        struct weft_view name = {0}, own = {0};
        while (field.number == METADATA && weft__rpc_next(&field.bytes, &part) > 0) {
            if (part.number == NAME)
                name = part.bytes;
            else if (part.number == VALUE)
                own = part.bytes;
        }
        if (field.number != METADATA || !weft__rpc_is_name(name, wanted))
            continue;
        *value = own;
        return true;
    }
    return false;
}

const struct weft__rpc_face weft__rpc_frames = {
    .speaks = "protobuf:rpc",
    .read = read_call,
    .unpack = weft__rpc_unpack_call,
    .write = write_reply,
    .end = end,
    .metadata = metadata,
    .bytes_are_plain = true,
    .put_field = put_field,
    .put_detail = put_detail,
};
