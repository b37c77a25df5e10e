/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "abi.h"
#include "abi.pb-c.h"
#include "services/kv/update.h"
#include "services/payload/protobuf/writer.h"

int kv__decode_watch(struct kv_decoder *self, struct weft_view message, struct kv_watch_spec *spec)
{
    struct weft_pb_reader reader = weft_pb_read(message, &abi__watch__descriptor, &self->budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        switch (field.descriptor ? field.number : 0) {
        case ABI_COMMAND_TABLE:
            spec->table = field.bytes;
            break;
        case ABI_WATCH_KEY:
        case ABI_WATCH_PREFIX:
            spec->key = field.bytes;
            spec->one = field.number == ABI_WATCH_KEY;
            break;
        case ABI_WATCH_FROM:
            spec->from = field.scalar;
            break;
        case ABI_WATCH_ALL_TABLES:
            spec->all = field.scalar != 0;
            break;
        case ABI_WATCH_ONLY_NUMBER:
            spec->only_number = field.scalar != 0;
            break;
        case ABI_WATCH_VERSIONS:
            spec->versions = field.scalar != 0;
            break;
        }
    }
    return err;
}

static size_t put_number(uint8_t *dst, uint64_t number, bool has_changes)
{
    (void)has_changes;
    uint8_t *end = weft_pb_put_uint(dst, ABI_RESPONSE_STATUS, KV_OK);
    end = weft_pb_put_uint(end, ABI_RESPONSE_NUMBER, number);
    return (size_t)(end - dst);
}

/* The size of the message, without its tag and length. */
static size_t inner_size(const struct kv_change *change, const uint8_t *version)
{
    size_t size = weft_pb_uint_size(ABI_CHANGED_NUMBER, change->number) +
                  weft_pb_text_size(ABI_CHANGED_TABLE, change->table.size) +
                  weft_pb_text_size(ABI_CHANGED_KEY, change->key.size);
    if (change->kind != KV_CHANGE_SET)
        return size + weft_pb_uint_size(ABI_CHANGED_REMOVED, 1);
    size += weft_pb_bytes_size(ABI_CHANGED_VALUE, change->value.size);
    if (change->expires != KV_NEVER)
        size += weft_pb_uint_size(ABI_CHANGED_EXPIRES, (uint64_t)change->expires);
    return version ? size + weft_pb_bytes_size(ABI_CHANGED_VERSION, KV_VERSION_SIZE) : size;
}

static size_t change_size(const struct kv_change *change, const uint8_t *version)
{
    return weft_pb_bytes_size(ABI_RESPONSE_CHANGES, inner_size(change, version));
}

static void put_change(uint8_t *dst, const struct kv_change *change, const uint8_t *version)
{
    dst = weft_pb_put_head(dst, ABI_RESPONSE_CHANGES, inner_size(change, version));
    dst = weft_pb_put_uint(dst, ABI_CHANGED_NUMBER, change->number);
    dst = weft_pb_put_text(dst, ABI_CHANGED_TABLE, change->table);
    dst = weft_pb_put_text(dst, ABI_CHANGED_KEY, change->key);
    switch (change->kind) {
    case KV_CHANGE_SET:
        dst = weft_pb_put_bytes(dst, ABI_CHANGED_VALUE, change->value);
        if (change->expires != KV_NEVER)
            dst = weft_pb_put_uint(dst, ABI_CHANGED_EXPIRES, (uint64_t)change->expires);
        if (version)
            dst = weft_pb_put_bytes(dst, ABI_CHANGED_VERSION, weft_view(version, KV_VERSION_SIZE));
        break;
    case KV_CHANGE_REMOVED:
        dst = weft_pb_put_uint(dst, ABI_CHANGED_REMOVED, 1);
        break;
    case KV_CHANGE_EXPIRED:
        dst = weft_pb_put_uint(dst, ABI_CHANGED_EXPIRED, 1);
        break;
    case KV_CHANGE_DROPPED:
        dst = weft_pb_put_uint(dst, ABI_CHANGED_DROPPED, 1);
        break;
    }
    (void)dst;
}

const struct kv_watch_face kv__watch_face = {
    .put_number = put_number, .change_size = change_size, .put_change = put_change};
