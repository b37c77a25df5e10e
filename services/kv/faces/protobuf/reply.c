/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <errno.h>

#include "abi.h"
#include "core/base/mem.h"
#include "core/task.h"
#include "services/payload/protobuf/writer.h"
#include "state.h"

enum {
    /* Bytes of the status field of a 200, and of a bool in a field of values. */
    OK_SIZE = 3,
    BOOL_SIZE = 4,
};

static size_t pair_inner_size(const struct kv_pair *pair)
{
    return weft_pb_text_size(ABI_PAIR_KEY, pair->key.size) +
           weft_pb_bytes_size(ABI_PAIR_VALUE, pair->value.bytes.size);
}

static size_t table_inner_size(const struct kv_pair *table)
{
    return weft_pb_text_size(ABI_TABLE_NAME, table->key.size) +
           (table->total > 0 ? weft_pb_uint_size(ABI_TABLE_COUNT, table->total) : 0);
}

static void put_table(uint8_t *dst, const struct kv_pair *table)
{
    dst = weft_pb_put_head(dst, ABI_RESPONSE_TABLES, table_inner_size(table));
    dst = weft_pb_put_text(dst, ABI_TABLE_NAME, table->key);
    if (table->total > 0)
        (void)weft_pb_put_uint(dst, ABI_TABLE_COUNT, table->total);
}

/* hgetall cannot ask for states. */
static bool has_states(const struct kv_call *call)
{
    return call->command->takes == KV_TAKES_PAGE && call->states;
}

static struct kv_state state_of(const struct kv_pair *pair)
{
    return (struct kv_state){.present = true, .expires = pair->expires};
}

size_t kv_reply_pair_size(const struct kv_call *call, const struct kv_pair *pair, int64_t now)
{
    if (call->command->takes == KV_TAKES_NAMES)
        return weft_pb_bytes_size(ABI_RESPONSE_TABLES, table_inner_size(pair));
    const struct kv_state state = state_of(pair);
    return weft_pb_bytes_size(ABI_RESPONSE_PAIRS, pair_inner_size(pair)) +
           (has_states(call) ? kv__state_size(&state, now) : 0);
}

void kv_reply_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                       int64_t now)
{
    if (call->command->takes == KV_TAKES_NAMES) {
        put_table(dst, pair);
        return;
    }
    dst = weft_pb_put_head(dst, ABI_RESPONSE_PAIRS, pair_inner_size(pair));
    dst = weft_pb_put_text(dst, ABI_PAIR_KEY, pair->key);
    dst = weft_pb_put_bytes(dst, ABI_PAIR_VALUE, pair->value.bytes);
    const struct kv_state state = state_of(pair);
    if (has_states(call))
        (void)kv__state_put(dst, &state, now);
}

static struct weft_view value_of(const struct kv_item *item)
{
    return item->present ? item->found.bytes : weft_view(NULL, 0);
}

static uint8_t *write_bool(uint8_t *dst, bool value)
{
    dst = weft_pb_put_head(dst, ABI_RESPONSE_VALUES, BOOL_SIZE - 2);
    return weft_pb_put_uint(dst, KV_TYPE_BOOL, value);
}

static uint8_t *write_values(const struct kv_reply_body *self, uint8_t *dst)
{
    const struct kv_call *call = self->call;
    enum kv_gives gives = self->reply->gives;
    if (gives == KV_GIVES_VALUE)
        return weft_pb_put_bytes(dst, ABI_RESPONSE_VALUES, self->reply->value);
    if (gives == KV_GIVES_NOTHING)
        return dst;
    for (size_t i = 0; i < call->count; i++) {
        if (gives == KV_GIVES_VALUES)
            dst = weft_pb_put_bytes(dst, ABI_RESPONSE_VALUES, value_of(&call->items[i]));
        else
            dst = write_bool(dst, call->items[i].present);
    }
    return dst;
}

static void write_reply(const struct weft_body *body, uint8_t *dst)
{
    const struct kv_reply_body *self = (const struct kv_reply_body *)body;
    const struct kv_reply *reply = self->reply;
    dst = weft_pb_put_uint(dst, ABI_RESPONSE_STATUS, (uint64_t)reply->status);
    if (reply->text.count > 0) {
        dst = weft_pb_put_head(dst, ABI_RESPONSE_MESSAGE, kv_text_size(&reply->text));
        dst = kv_text_write(&reply->text, dst);
    }
    dst = write_values(self, dst);
    for (size_t i = 0; reply->states && i < self->call->count; i++) {
        struct kv_state state;
        kv_call_state(self->call, i, self->now, &state);
        dst = kv__state_put(dst, &state, self->now);
    }
    if (self->pairs)
        dst = kv_pairs_write(self->pairs, dst);
    if (reply->cursor.size > 0)
        (void)weft_pb_put_bytes(dst, ABI_RESPONSE_CURSOR, reply->cursor);
}

static size_t size_of_values(const struct kv_reply_body *self)
{
    const struct kv_call *call = self->call;
    size_t size = 0;
    switch (self->reply->gives) {
    case KV_GIVES_NOTHING:
        break;
    case KV_GIVES_VALUES:
        for (size_t i = 0; i < call->count; i++)
            size += weft_pb_bytes_size(ABI_RESPONSE_VALUES, value_of(&call->items[i]).size);
        break;
    case KV_GIVES_BOOLS:
        size = call->count * BOOL_SIZE;
        break;
    case KV_GIVES_VALUE:
        size = weft_pb_bytes_size(ABI_RESPONSE_VALUES, self->reply->value.size);
        break;
    }
    return size;
}

static size_t size_of_states(const struct kv_reply_body *self)
{
    size_t size = 0;
    for (size_t i = 0; i < self->call->count; i++) {
        struct kv_state state;
        kv_call_state_outline(self->call, i, self->now, &state);
        size += kv__state_size(&state, self->now);
    }
    return size;
}

static size_t head_size(size_t value_size)
{
    return OK_SIZE + weft_pb_head_size(ABI_RESPONSE_VALUES, value_size);
}

/* Writes everything that stands before the only value of a reply; returns the byte after it. */
static inline uint8_t *put_head(uint8_t *dst, size_t value_size)
{
    static const uint8_t ok[OK_SIZE] = {ABI_RESPONSE_STATUS << 3 | WEFT_PB_VARINT,
                                        (KV_OK & 0x7F) | 0x80, KV_OK >> 7};
    memcpy(dst, ok, OK_SIZE);
    return weft_pb_put_head(dst + OK_SIZE, ABI_RESPONSE_VALUES, value_size);
}

/* True if a value lies in a blob that is its reply in this face's format. Another face may have stored
 * it, with other bytes before the value. */
WEFT_NOINLINE static bool is_whole_reply(const struct kv_value *value)
{
    uint8_t head[OK_SIZE + 1 + WEFT_PB_VARINT_MAX];
    struct weft_view blob = weft_blob_view(value->blob);
    size_t size = head_size(value->bytes.size);
    if (blob.size != size + value->bytes.size)
        return false;
    (void)put_head(head, value->bytes.size);
    return memcmp(head, blob.data, size) == 0;
}

static void write_value(const struct weft_body *body, uint8_t *dst)
{
    const struct kv_reply_body *self = (const struct kv_reply_body *)body;
    dst = put_head(dst, self->value.size);
    if (self->value.size > 0)
        memcpy(dst, self->value.data, self->value.size);
}

/* Makes the body of a reply that is one value, as most are. */
static void init_value(struct kv_reply_body *self, const struct kv_call *call)
{
    const struct kv_item *item = &call->items[0];
    if (item->present && item->found.blob && is_whole_reply(&item->found)) {
        self->body = weft_body_from_blob(item->found.blob);
        /* A write answers with the value that it took out of the store, which nobody will read again. */
        self->body.lasting = !call->command->writes;
        return;
    }
    self->value = value_of(item);
    self->body = (struct weft_body){.size = head_size(self->value.size) + self->value.size,
                                    .write = write_value};
}

WEFT_NOINLINE static void init_any(struct kv_reply_body *self, const struct kv_reply *reply,
                                   const struct kv_call *call, const struct kv_pairs *pairs,
                                   struct weft_loop *loop)
{
    self->reply = reply;
    self->call = call;
    self->pairs = pairs;
    self->now = reply->states ? weft_loop_wall(loop) : 0;
    size_t size = weft_pb_uint_size(ABI_RESPONSE_STATUS, (uint64_t)reply->status);
    if (reply->text.count > 0)
        size += weft_pb_bytes_size(ABI_RESPONSE_MESSAGE, kv_text_size(&reply->text));
    size += size_of_values(self) + (reply->states ? size_of_states(self) : 0) +
            (pairs ? pairs->size : 0);
    if (reply->cursor.size > 0)
        size += weft_pb_bytes_size(ABI_RESPONSE_CURSOR, reply->cursor.size);
    self->body = (struct weft_body){.size = size, .write = write_reply};
}

void kv_reply_body_init(struct kv_reply_body *self, const struct kv_reply *reply,
                        const struct kv_call *call, const struct kv_pairs *pairs,
                        struct weft_loop *loop)
{
    if (reply->gives == KV_GIVES_VALUES && call->count == 1 && !reply->states)
        init_value(self, call);
    else
        init_any(self, reply, call, pairs, loop);
}

bool kv_reply_is_large(size_t size)
{
    return head_size(size) + size > KV_REPLY_INLINE_MAX;
}

struct weft_blob *kv_reply_blob(size_t size, uint8_t **packed)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(head_size(size) + size, &data);
    if (blob)
        *packed = put_head(data, size);
    return blob;
}

int kv__reply_keep_large(struct kv_value *value)
{
    if (!kv_reply_is_large(value->bytes.size))
        return 0;
    uint8_t *dst;
    struct weft_blob *blob = kv_reply_blob(value->bytes.size, &dst);
    if (!blob)
        return -ENOMEM;
    memcpy(dst, value->bytes.data, value->bytes.size);
    value->blob = blob;
    value->bytes = weft_view(dst, value->bytes.size);
    return 0;
}
