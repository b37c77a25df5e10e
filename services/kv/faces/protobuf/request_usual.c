/* SPDX-License-Identifier: MIT
 *
 * Why there is a second decoder: the one that is guided by descriptors takes 311 more of the 1,190
 * instructions of an hget at depth 64, and 643 more of the 1,744 of an hset. Most go into setting up a
 * reader, finding descriptors and keeping a budget for up to four messages inside one another. This one
 * expects the shapes that make up a load, and gives up after a few comparisons on any other. Tests and
 * a fuzzer hold both decoders against each other and against protobuf-c. */
#include "request_usual.h"

#include "abi.h"
#include "services/payload/protobuf/text.h"
#include "services/payload/protobuf/wire.h"

/* The tag of a length-delimited field. It is one byte, because the numbers used here are under 16. */
#define TAG(number) ((number) << 3 | WEFT_PB_LENGTH)

/* An hset has three messages below the request: command, pair and value. */
enum { MOST_ELEMENTS = 3 };

struct cursor {
    const uint8_t *at, *end;
};

static inline struct cursor within(struct weft_view message)
{
    return (struct cursor){message.data, message.data + message.size};
}

static inline bool at_end(const struct cursor *cursor)
{
    return cursor->at == cursor->end;
}

/* Takes the contents of the next field. False if it has another tag, or if its length is not a minimal
 * varint of one or two bytes. */
static inline bool take(struct cursor *cursor, uint8_t tag, struct weft_view *contents)
{
    const uint8_t *at = cursor->at;
    size_t left = (size_t)(cursor->end - at), head = 2;
    if (left < head || at[0] != tag)
        return false;
    size_t size = at[1];
    if (size >= 0x80) {
        head = 3;
        if (left < head || at[2] == 0 || at[2] >= 0x80)
            return false;
        size = (size & 0x7F) | (size_t)at[2] << 7;
    }
    if (size > left - head)
        return false;
    *contents = weft_view(at + head, size);
    cursor->at = at + head + size;
    return true;
}

static inline bool take_text(struct cursor *cursor, uint8_t tag, struct weft_view *text)
{
    return take(cursor, tag, text) && weft_pb_is_text(*text);
}

/* True if a Value lies there in its packed form and is a string or bytes. */
static bool is_usual_value(struct weft_view value)
{
    struct cursor at = within(value);
    struct weft_view contents;
    if (value.size == 0)
        return false;
    bool good = value.data[0] == TAG(KV_TYPE_STRING)
                    ? take_text(&at, TAG(KV_TYPE_STRING), &contents)
                    : take(&at, TAG(KV_TYPE_BINARY), &contents);
    return good && at_end(&at);
}

static bool take_pair(struct cursor *command, struct kv_item *item)
{
    struct weft_view pair;
    if (!take(command, TAG(ABI_COMMAND_ITEM), &pair))
        return false;
    struct cursor at = within(pair);
    return take_text(&at, TAG(ABI_PAIR_KEY), &item->key) &&
           take(&at, TAG(ABI_PAIR_VALUE), &item->value.bytes) && at_end(&at) &&
           is_usual_value(item->value.bytes);
}

static const struct kv_command *command_of(uint8_t tag)
{
    switch (tag) {
    case TAG(ABI_HGET):
        return &kv_commands[KV_HGET];
    case TAG(ABI_HSET):
        return &kv_commands[KV_HSET];
    case TAG(ABI_HDEL):
        return &kv_commands[KV_HDEL];
    case TAG(ABI_HEXIST):
        return &kv_commands[KV_HEXIST];
    default:
        return NULL;
    }
}

bool kv_request_decode_usual(struct kv_request *self, struct weft_view payload,
                             struct kv_call *call)
{
    if (payload.size == 0 || self->max_elements < MOST_ELEMENTS)
        return false;
    struct cursor request = within(payload);
    struct kv_item *item = &self->items[0];
    struct weft_view command;
    call->command = command_of(payload.data[0]);
    if (!call->command || !take(&request, payload.data[0], &command) || !at_end(&request))
        return false;

    struct cursor at = within(command);
    call->items = self->items;
    call->count = 1;
    item->value = (struct kv_value){{NULL, 0}, NULL};
    item->expires = KV_NEVER;
    if (!take_text(&at, TAG(ABI_COMMAND_TABLE), &call->table))
        return false;
    bool good = call->command->takes == KV_TAKES_PAIRS
                    ? take_pair(&at, item)
                    : take_text(&at, TAG(ABI_COMMAND_ITEM), &item->key);
    return good && at_end(&at);
}
