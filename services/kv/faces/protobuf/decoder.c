/* SPDX-License-Identifier: MIT */
#include "decoder.h"

#include <errno.h>

#include "abi.pb-c.h"
#include "core/service.h"
#include "services/payload/protobuf/writer.h"

void *kv__decoder_alloc(struct kv_decoder *decoder, size_t size)
{
    struct weft_arena *arena = weft_request_arena(decoder->self->request);
    void *p = weft_arena_alloc(arena, size);
    if (!p)
        decoder->failure = arena->over_budget ? KV_DECODED_BYTES : KV_DECODED_NO_MEMORY;
    return p;
}

/* True if a varint of ten bytes has bits beyond the 64th, which the reader dropped. */
static bool has_dropped_bits(const struct weft_pb_field *field)
{
    return field->wire == WEFT_PB_VARINT && field->raw.size > WEFT_PB_VARINT_MAX &&
           field->raw.data[field->raw.size - 1] > 1;
}

/* Sets *value to the packed form (value.h) of a Value whose last member is field. The member mostly lies
 * in the message in that form already; only if it does not, for instance because a varint is not
 * minimal, is it written anew. */
static int canonical_value(struct kv_decoder *self, const struct weft_pb_field *field,
                           struct weft_view *value)
{
    enum { TAG = 1 };
    uint64_t scalar = field->scalar;
    if (field->descriptor->type == PROTOBUF_C_TYPE_BOOL)
        scalar = scalar != 0;
    size_t size;
    switch (field->wire) {
    case WEFT_PB_LENGTH:
        size = weft_pb_bytes_size(field->number, field->bytes.size);
        break;
    case WEFT_PB_VARINT:
        size = weft_pb_uint_size(field->number, scalar);
        break;
    default:
        size = TAG + sizeof scalar;
        break;
    }
    *value = field->raw;
    if (field->raw.size == size && scalar == field->scalar && !has_dropped_bits(field))
        return 0;

    uint8_t *dst = kv__decoder_alloc(self, size);
    if (!dst)
        return -ENOMEM;
    *value = weft_view(dst, size);
    if (field->wire == WEFT_PB_LENGTH)
        (void)weft_pb_put_bytes(dst, field->number, field->bytes);
    else if (field->wire == WEFT_PB_VARINT)
        (void)weft_pb_put_uint(dst, field->number, scalar);
    else
        (void)weft_pb_put_fixed64(dst, field->number, scalar);
    return 0;
}

int kv__decode_value(struct kv_decoder *self, struct weft_view message, struct weft_view *value)
{
    struct weft_pb_reader reader = weft_pb_read(message, &abi__value__descriptor, &self->budget);
    struct weft_pb_field field, last = {0};
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.descriptor)
            last = field;
    }
    if (err < 0 || !last.descriptor)
        return err;
    return canonical_value(self, &last, value);
}
