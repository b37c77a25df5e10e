/* SPDX-License-Identifier: MIT */
#include "payload.h"

#include <string.h>

enum {
    VERSION = 1,
    NUMBER_SIZE = 8,
    HEAD_SIZE = 1 + KV_REDIS_PUBLISHER + NUMBER_SIZE,
    SIZE_SIZE = 4, /* of the size of a value */
};

/* Writes a number of `size` bytes. Returns the end. */
static uint8_t *put_number(uint8_t *dst, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        dst[i] = (uint8_t)(number >> 8 * (size - 1 - i));
    return dst + size;
}

static uint64_t get_number(const uint8_t *src, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++)
        number = number << 8 | src[i];
    return number;
}

size_t kv_redis_payload_size(const struct weft_view *values, size_t count)
{
    size_t size = HEAD_SIZE;
    for (size_t i = 0; i < count; i++)
        size += SIZE_SIZE + values[i].size;
    return size;
}

void kv_redis_payload_write(uint8_t *dst, const struct kv_redis_payload *head,
                            const struct weft_view *values, size_t count)
{
    *dst++ = VERSION;
    memcpy(dst, head->publisher, KV_REDIS_PUBLISHER);
    dst = put_number(dst + KV_REDIS_PUBLISHER, head->number, NUMBER_SIZE);
    for (size_t i = 0; i < count; i++) {
        dst = put_number(dst, values[i].size, SIZE_SIZE);
        if (values[i].size > 0)
            memcpy(dst, values[i].data, values[i].size);
        dst += values[i].size;
    }
}

bool kv_redis_payload_next(struct weft_view *values, struct weft_view *value)
{
    if (values->size < SIZE_SIZE)
        return false;
    uint64_t size = get_number(values->data, SIZE_SIZE);
    if (size > values->size - SIZE_SIZE)
        return false;
    *value = weft_view(values->data + SIZE_SIZE, (size_t)size);
    *values = weft_view_skip(*values, SIZE_SIZE + (size_t)size);
    return true;
}

bool kv_redis_payload_read(struct kv_redis_payload *payload, struct weft_view bytes)
{
    struct weft_view rest, value;
    if (bytes.size <= HEAD_SIZE || bytes.data[0] != VERSION)
        return false;
    payload->publisher = bytes.data + 1;
    payload->number = get_number(payload->publisher + KV_REDIS_PUBLISHER, NUMBER_SIZE);
    payload->values = rest = weft_view_skip(bytes, HEAD_SIZE);
    while (rest.size > 0)
        if (!kv_redis_payload_next(&rest, &value))
            return false;
    return true;
}
