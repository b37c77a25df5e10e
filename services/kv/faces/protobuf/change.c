/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "abi.h"
#include "abi.pb-c.h"
#include "core/task.h"
#include "decoder.h"

/* The time `after` milliseconds from now; one that no calendar has is the last one. */
static int64_t time_after(struct weft_loop *loop, uint64_t after)
{
    int64_t now = weft_loop_wall(loop);
    return after < (uint64_t)(INT64_MAX - now) ? now + (int64_t)after : INT64_MAX;
}

/* A time of 0 has passed like any other, but in an item it would mean never. */
static int64_t time_at(uint64_t at)
{
    return at == 0 ? 1 : at < INT64_MAX ? (int64_t)at : INT64_MAX;
}

void kv__decode_expiry(struct kv_decoder *decoder, const struct weft_pb_field *field,
                       struct kv_expiry_field *expiry)
{
    switch (field->number) {
    case ABI_EXPIRE_AFTER:
        *expiry = (struct kv_expiry_field){true, time_after(decoder->self->loop, field->scalar)};
        break;
    case ABI_EXPIRE_AT:
        *expiry = (struct kv_expiry_field){true, time_at(field->scalar)};
        break;
    case ABI_EXPIRE_NEVER:
        *expiry = (struct kv_expiry_field){field->scalar != 0, KV_NEVER};
        break;
    case ABI_EXPIRE_KEEP:
        *expiry = (struct kv_expiry_field){field->scalar != 0, KV_KEEP_EXPIRY};
        break;
    }
}

/* The oneofs of a Change, as far as it has been read. */
struct change {
    enum { CHANGES_NOTHING, CHANGES_VALUE, CHANGES_REMOVE } what;
    struct kv_expiry_field expiry;
    enum kv_if when;
    struct weft_view version;
};

/* A version that is empty is that of a key that is not there. */
static int take_version(struct kv_decoder *decoder, struct weft_view version, struct change *change)
{
    if (version.size != 0 && version.size != KV_VERSION_SIZE) {
        decoder->budget.what = "a version is not of 16 bytes";
        return WEFT_EMALFORMED;
    }
    change->when = version.size == 0 ? KV_IF_ABSENT : KV_IF_VERSION;
    change->version = version;
    return 0;
}

static int take_field(struct kv_decoder *decoder, const struct weft_pb_field *field,
                      struct change *change, struct kv_item *item)
{
    switch (field->number) {
    case ABI_CHANGE_KEY:
        item->key = field->bytes;
        return 0;
    case ABI_CHANGE_VALUE:
        /* Another member of the oneof has come between: this value begins anew. */
        if (change->what != CHANGES_VALUE)
            item->value.bytes = weft_view(NULL, 0);
        change->what = CHANGES_VALUE;
        return kv__decode_value(decoder, field->bytes, &item->value.bytes);
    case ABI_CHANGE_REMOVE:
        change->what = field->scalar ? CHANGES_REMOVE : CHANGES_NOTHING;
        return 0;
    case ABI_CHANGE_IF_ABSENT:
        change->when = field->scalar ? KV_IF_ABSENT : KV_IF_ANY;
        return 0;
    case ABI_CHANGE_IF_PRESENT:
        change->when = field->scalar ? KV_IF_PRESENT : KV_IF_ANY;
        return 0;
    case ABI_CHANGE_IF_VERSION:
        return take_version(decoder, field->bytes, change);
    default:
        kv__decode_expiry(decoder, field, &change->expiry);
        return 0;
    }
}

static enum kv_then then_of(const struct change *change)
{
    if (change->what == CHANGES_VALUE)
        return KV_THEN_SET;
    if (change->what == CHANGES_REMOVE)
        return KV_THEN_REMOVE;
    return change->expiry.is_set && change->expiry.expires != KV_KEEP_EXPIRY ? KV_THEN_EXPIRE
                                                                             : KV_THEN_KEEP;
}

/* Makes an update of a change that has been read. A value without a condition needs none. */
static int finish(struct kv_decoder *decoder, const struct change *change, struct kv_item *item)
{
    enum kv_then then = then_of(change);
    if (then != KV_THEN_SET)
        item->value.bytes = weft_view(NULL, 0);
    item->expires = change->expiry.is_set ? change->expiry.expires : KV_NEVER;
    if (then == KV_THEN_REMOVE || then == KV_THEN_KEEP)
        item->expires = KV_KEEP_EXPIRY;
    item->update = NULL;
    if (then == KV_THEN_SET && change->when == KV_IF_ANY)
        return 0;
    struct kv_update *update = kv__decoder_alloc(decoder, sizeof *update);
    if (!update)
        return -ENOMEM;
    *update = (struct kv_update){.when = change->when, .then = then};
    if (change->when == KV_IF_VERSION)
        memcpy(update->version, change->version.data, KV_VERSION_SIZE);
    item->update = update;
    return 0;
}

int kv__decode_change(struct kv_decoder *decoder, struct weft_view message, struct kv_item *item)
{
    struct weft_pb_reader reader =
        weft_pb_read(message, &abi__change__descriptor, &decoder->budget);
    struct weft_pb_field field;
    struct change change = {.what = CHANGES_NOTHING};
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.descriptor)
            err = take_field(decoder, &field, &change, item);
        if (err < 0)
            return err;
    }
    return err < 0 ? err : finish(decoder, &change, item);
}
