/* SPDX-License-Identifier: MIT
 *
 * Values of kv have types, those of Redis are bytes. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "services/kv/faces/protobuf/reply.h"
#include "services/kv/packed.h"
#include "services/payload/protobuf/text.h"
#include "services/payload/protobuf/writer.h"
#include "task.h"

enum { INTEGER_DIGITS = 20 };

static struct weft_view number_text(struct weft_view packed, char space[RESP_NUMBER_MAX])
{
    struct kv_unpacked value;
    if (!kv_unpack(packed, &value))
        return packed; /* no face stores it in this way */
    if (value.type == KV_TYPE_BOOL)
        return weft_view_str(value.number ? "true" : "false");
    if (value.type == KV_TYPE_FLOAT)
        return weft_view(space, kv_write_real(space, kv_real_of(&value)));
    return weft_view(space,
                     (size_t)snprintf(space, RESP_NUMBER_MAX, "%" PRId64, (int64_t)value.number));
}

struct weft_view resp_value_text(struct weft_view packed, char space[RESP_NUMBER_MAX])
{
    if (packed.size == 0)
        return packed;
    if (packed.data[0] != KV_PACKED_TAG(KV_TYPE_STRING, KV_FORM_BYTES) &&
        packed.data[0] != KV_PACKED_TAG(KV_TYPE_BINARY, KV_FORM_BYTES))
        return number_text(packed, space);
    size_t head = 1;
    while (head < packed.size && packed.data[head] & 0x80)
        head++;
    head += head < packed.size;
    return weft_view_skip(packed, head);
}

int resp_value_make(struct resp_task *task, struct weft_view text, struct kv_value *value)
{
    bool is_text = text.size == 0 || weft_pb_is_text(text);
    uint32_t type = is_text ? KV_TYPE_STRING : KV_TYPE_BINARY;
    size_t size = weft_pb_bytes_size(type, text.size);
    uint8_t *packed;
    value->blob = NULL;
    if (kv_reply_is_large(size))
        value->blob = kv_reply_blob(size, &packed);
    else
        packed = weft_arena_alloc(weft_request_arena(task->base.request), size);
    if (kv_reply_is_large(size) ? !value->blob : !packed)
        return -ENOMEM;
    (void)weft_pb_put_bytes(packed, type, text);
    value->bytes = weft_view(packed, size);
    return 0;
}

bool resp_parse_integer(struct weft_view text, int64_t *number)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    text = weft_view_skip(text, negative);
    if (text.size == 0 || text.size > INTEGER_DIGITS ||
        (text.data[0] == '0' && (text.size > 1 || negative)))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + negative)
        return false;
    *number = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool resp_parse_real(struct weft_view text, double *number)
{
    char copy[256], *end;
    if (text.size == 0 || text.size >= sizeof copy || text.data[0] <= ' ')
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *number = strtod(copy, &end);
    return end == copy + text.size && isfinite(*number);
}
