/* SPDX-License-Identifier: MIT
 *
 * Metadata, fields and details of a call: metadata.h. */
#include <errno.h>

#include "private.h"
#include "services/payload/base64.h"
#include "services/payload/protobuf/writer.h"

#define TYPE_URL "type.googleapis.com/"

/* --- the client's ------------------------------------------------------------------------------------- */

bool weft_rpc_metadata(const struct weft_rpc_call *call, const char *name, struct weft_view *value)
{
    return call->face->metadata(call, weft_view_str(name), value);
}

bool weft__rpc_is_bin(struct weft_view name)
{
    return name.size > 4 && memcmp(name.data + name.size - 4, "-bin", 4) == 0;
}

int weft_rpc_metadata_bytes(struct weft_rpc_call *call, const char *name, struct weft_view *bytes)
{
    struct weft_view text;
    if (!weft_rpc_metadata(call, name, &text))
        return -ENOENT;
    if (call->face->bytes_are_plain || !weft__rpc_is_bin(weft_view_str(name))) {
        *bytes = text;
        return 0;
    }
    /* Clients of gRPC leave the padding out, which the strict reader wants. */
    const size_t padded = (text.size + 3) / 4 * 4;
    uint8_t *copy = weft_arena_alloc(weft_request_arena(call->request), 2 * padded + 1);
    if (!copy)
        return -ENOMEM;
    memset(copy, '=', padded);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    const ssize_t size = weft_base64_read(weft_view(copy, padded), copy + padded);
    if (size < 0)
        return (int)size;
    *bytes = weft_view(copy + padded, (size_t)size);
    return 0;
}

/* --- the answer's ------------------------------------------------------------------------------------- */

struct weft_view weft__rpc_header_of(const struct weft_rpc_call *call)
{
    return call && call->beside && !call->sent ? weft_text_view(&call->beside->header)
                                               : weft_view(NULL, 0);
}

struct weft_view weft__rpc_trailer_of(const struct weft_rpc_call *call)
{
    return call && call->beside ? weft_text_view(&call->beside->trailer) : weft_view(NULL, 0);
}

struct weft_view weft__rpc_details_of(const struct weft_rpc_call *call)
{
    return call && call->beside ? weft_text_view(&call->beside->details) : weft_view(NULL, 0);
}

void weft__rpc_beside_free(struct weft_rpc_call *call)
{
    struct weft__rpc_beside *beside = call->beside;
    if (!beside)
        return;
    weft_text_fini(&beside->header);
    weft_text_fini(&beside->trailer);
    weft_text_fini(&beside->details);
    weft_free(beside);
    call->beside = NULL;
}

static bool is_name(struct weft_view name)
{
    static const char *const own[] = {"content-type", "te", "connection", "host"};
    if (name.size == 0 || (name.size >= 5 && memcmp(name.data, "grpc-", 5) == 0))
        return false;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (weft_view_equal(name, weft_view_str(own[i])))
            return false;
    for (size_t i = 0; i < name.size; i++) {
        const uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

/* A space at an end would be lost on the way. */
static bool is_value(struct weft_view value)
{
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e)
            return false;
    return value.size == 0 || (value.data[0] != ' ' && value.data[value.size - 1] != ' ');
}

static size_t size_of(const struct weft__rpc_beside *beside)
{
    return weft_text_view(&beside->header).size + weft_text_view(&beside->trailer).size +
           weft_text_view(&beside->details).size;
}

/* Adds what was made to the end of a text, and frees it. */
static int take(struct weft_rpc_call *call, struct weft_text *dst, struct weft_text *made)
{
    int err = made->failed ? -ENOMEM : 0;
    if (err == 0 && size_of(call->beside) + weft_text_view(made).size > WEFT_RPC_BESIDE_MAX)
        err = WEFT_ETOOBIG;
    if (err == 0 && weft_buf_append(&dst->buf, weft_text_view(made)) < 0)
        err = -ENOMEM;
    weft_text_fini(made);
    return err;
}

static bool make_beside(struct weft_rpc_call *call)
{
    if (!call->beside)
        call->beside = weft_calloc(1, sizeof *call->beside);
    return call->beside != NULL;
}

static int add_field(struct weft_rpc_call *call, enum weft__rpc_part part, const char *name,
                     struct weft_view value)
{
    struct weft_text made = {.failed = false};
    const struct weft_view as_view = weft_view_str(name);
    if (!is_name(as_view) || (!weft__rpc_is_bin(as_view) && !is_value(value)))
        return -EINVAL;
    if (part == WEFT__RPC_HEADER && call->sent)
        return -EPERM;
    if (value.size > WEFT_RPC_BESIDE_MAX)
        return WEFT_ETOOBIG;
    if (!make_beside(call))
        return -ENOMEM;
    struct weft__rpc_beside *beside = call->beside;
    unsigned *count = part == WEFT__RPC_HEADER ? &beside->headers : &beside->trailers;
    if (*count == WEFT_RPC_FIELDS_MAX)
        return WEFT_ETOOBIG;
    call->face->put_field(&made, part, as_view, value);
    const int err =
        take(call, part == WEFT__RPC_HEADER ? &beside->header : &beside->trailer, &made);
    *count += err == 0;
    return err;
}

int weft_rpc_add_header(struct weft_rpc_call *call, const char *name, struct weft_view value)
{
    return add_field(call, WEFT__RPC_HEADER, name, value);
}

int weft_rpc_add_trailer(struct weft_rpc_call *call, const char *name, struct weft_view value)
{
    return add_field(call, WEFT__RPC_TRAILER, name, value);
}

int weft_rpc_add_detail(struct weft_rpc_call *call, const ProtobufCMessage *detail)
{
    struct weft_text made = {.failed = false};
    if (!make_beside(call))
        return -ENOMEM;
    call->face->put_detail(&made, detail);
    return take(call, &call->beside->details, &made);
}

/* --- the forms that faces share ----------------------------------------------------------------------- */

void weft__rpc_put_base64(struct weft_text *text, struct weft_view bytes)
{
    const size_t size = weft_base64_size(bytes.size);
    uint8_t *dst = text->failed ? NULL : weft_buf_reserve(&text->buf, size);
    text->failed = !dst;
    if (dst)
        weft_buf_commit(&text->buf, (size_t)(weft_base64_put(dst, bytes) - dst));
}

void weft__rpc_put_any(struct weft_text *text, uint32_t number, const ProtobufCMessage *detail)
{
    enum { URL = 1, VALUE = 2 };
    const struct weft_view name = weft_view_str(detail->descriptor->name);
    const size_t url = sizeof TYPE_URL - 1 + name.size;
    const size_t value = protobuf_c_message_get_packed_size(detail);
    const size_t any = weft_pb_bytes_size(URL, url) + weft_pb_text_size(VALUE, value);
    const size_t all = weft_pb_bytes_size(number, any);
    uint8_t *dst = text->failed ? NULL : weft_buf_reserve(&text->buf, all);
    text->failed = !dst;
    if (!dst)
        return;
    dst = weft_pb_put_head(dst, number, any);
    dst = weft_pb_put_head(dst, URL, url);
    memcpy(dst, TYPE_URL, sizeof TYPE_URL - 1);
    memcpy(dst + sizeof TYPE_URL - 1, name.data, name.size);
    dst += url;
    if (value > 0) {
        dst = weft_pb_put_head(dst, VALUE, value);
        (void)protobuf_c_message_pack(detail, dst);
    }
    weft_buf_commit(&text->buf, all);
}
