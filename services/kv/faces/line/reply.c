/* SPDX-License-Identifier: MIT
 *
 * Everything is written twice: first to NULL, which counts. */
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "services/kv/packed.h"
#include "services/payload/base64.h"
#include "services/payload/line/value.h"

enum { STATUS_TEXT = 16, NUMBER_TEXT = 32, NO_CURSOR = '-' };

static uint8_t *after(uint8_t *dst, size_t size)
{
    return dst ? dst + size : NULL;
}

static size_t put_bytes(uint8_t *dst, const void *bytes, size_t size)
{
    if (dst && size > 0)
        memcpy(dst, bytes, size);
    return size;
}

static size_t put_str(uint8_t *dst, const char *text)
{
    return put_bytes(dst, text, strlen(text));
}

/* Begins a field. */
static size_t put_tab(uint8_t *dst)
{
    return put_bytes(dst, "\t", 1);
}

/* Returns a packed value for its text. Bytes that are the packed form of nothing are a binary value. */
static struct weft_line_value value_of(struct weft_view packed)
{
    struct kv_unpacked value;
    if (!kv_unpack(packed, &value))
        return (struct weft_line_value){.type = WEFT_LINE_BINARY, .bytes = packed};
    if (value.is_empty)
        return (struct weft_line_value){.type = WEFT_LINE_EMPTY};
    switch (value.type) {
    case KV_TYPE_STRING:
        return (struct weft_line_value){.type = WEFT_LINE_STRING, .bytes = value.text};
    case KV_TYPE_BINARY:
        return (struct weft_line_value){.type = WEFT_LINE_BINARY, .bytes = value.text};
    case KV_TYPE_INTEGER:
        return (struct weft_line_value){.type = WEFT_LINE_INTEGER,
                                        .integer = (int64_t)value.number};
    case KV_TYPE_FLOAT:
        return (struct weft_line_value){.type = WEFT_LINE_FLOAT, .number = kv_real_of(&value)};
    case KV_TYPE_BOOL:
        return (struct weft_line_value){.type = WEFT_LINE_BOOL, .boolean = value.number != 0};
    }
    return (struct weft_line_value){.type = WEFT_LINE_EMPTY};
}

size_t kv_line_put_value(uint8_t *dst, struct weft_view packed)
{
    struct weft_line_value value = value_of(packed);
    return weft_line_put_value(dst, &value);
}

/* Writes a number without the type before it, where nothing but a number can come. */
static size_t put_number(uint8_t *dst, struct weft_view packed)
{
    struct weft_line_value value = value_of(packed);
    char text[WEFT_LINE_NUMBER];
    if (value.type == WEFT_LINE_FLOAT)
        return put_str(dst, weft_line_format_double(value.number, text));
    (void)snprintf(text, sizeof text, "%" PRId64, value.integer);
    return put_str(dst, text);
}

static size_t put_seconds(uint8_t *dst, int64_t milliseconds)
{
    char text[NUMBER_TEXT];
    (void)snprintf(text, sizeof text, "%" PRId64 ".%03d", milliseconds / 1000,
                   (int)(milliseconds % 1000));
    return put_str(dst, text);
}

/* Writes the seconds that are left of a key. One that has expired since it was found has one millisecond. */
static size_t put_left(uint8_t *dst, const struct kv_state *state, int64_t now)
{
    if (!state->present)
        return put_str(dst, "absent");
    if (state->expires == KV_NEVER)
        return put_str(dst, "never");
    return put_seconds(dst, state->expires > now ? state->expires - now : 1);
}

/* Writes the two fields of an expiry: the seconds that are left, and the time since 1970. */
static size_t put_expiry(uint8_t *dst, const struct kv_state *state, int64_t now)
{
    size_t size = put_tab(dst);
    size += put_left(after(dst, size), state, now);
    size += put_tab(after(dst, size));
    if (!state->present || state->expires == KV_NEVER)
        return size + put_left(after(dst, size), state, now);
    return size + put_seconds(after(dst, size), state->expires);
}

static size_t put_version(uint8_t *dst, const struct kv_state *state)
{
    static const char digits[] = "0123456789abcdef";
    if (!state->has_version)
        return 0;
    for (size_t i = 0; dst && i < KV_VERSION_SIZE; i++) {
        dst[2 * i] = (uint8_t)digits[state->version[i] >> 4];
        dst[2 * i + 1] = (uint8_t)digits[state->version[i] & 15];
    }
    return (size_t)2 * KV_VERSION_SIZE;
}

static size_t put_state(uint8_t *dst, const struct kv_line_body *self, size_t index)
{
    struct kv_state state;
    kv_call_state(self->call, index, self->now, &state);
    size_t size = put_tab(dst);
    size += put_version(after(dst, size), &state);
    return size + put_expiry(after(dst, size), &state, self->now);
}

/* Writes what an item answers: whether it is there, the time that it has, or its value. */
static size_t put_item(uint8_t *dst, const struct kv_line_body *self, size_t index)
{
    const struct kv_item *item = &self->call->items[index];
    if (self->call->command == &kv_commands[KV_HTTL]) {
        struct kv_state state;
        kv_call_state(self->call, index, self->now, &state);
        return put_left(dst, &state, self->now);
    }
    if (self->reply->gives == KV_GIVES_BOOLS)
        return put_str(dst, item->present ? "true" : "false");
    size_t size = item->present ? kv_line_put_value(dst, item->found.bytes) : 0;
    return self->reply->states ? size + put_state(after(dst, size), self, index) : size;
}

static size_t put_items(uint8_t *dst, const struct kv_line_body *self)
{
    size_t size = 0;
    for (size_t i = 0; i < self->call->count; i++) {
        size += put_tab(after(dst, size));
        size += put_item(after(dst, size), self, i);
    }
    return size;
}

static size_t put_cursor(uint8_t *dst, struct weft_view cursor)
{
    size_t size = put_tab(dst);
    if (cursor.size == 0)
        return size + put_bytes(after(dst, size), &(char){NO_CURSOR}, 1);
    if (dst)
        (void)weft_base64_put(dst + size, cursor);
    return size + weft_base64_size(cursor.size);
}

/* Names in a text may hold anything. A part in a form of its own stays on the line by that. */
static size_t put_words(uint8_t *dst, const struct kv_text *text)
{
    size_t size = text->count > 0 ? put_tab(dst) : 0;
    for (size_t i = 0; i < text->count; i++) {
        const struct kv_text_part *part = &text->parts[i];
        size += part->form ? part->form(part->view, after(dst, size))
                           : weft_line_put_text(after(dst, size), part->view, true);
    }
    return size;
}

/* Writes the version of the key whose condition does not hold, behind the text that names it. */
static size_t put_unmet(uint8_t *dst, const struct kv_line_body *self)
{
    for (size_t i = 0; i < self->call->count; i++) {
        struct kv_state state;
        kv_call_state(self->call, i, self->now, &state);
        if (!state.unmet)
            continue;
        size_t size = put_tab(dst);
        return size + put_version(after(dst, size), &state);
    }
    return 0;
}

static size_t put_pairs(uint8_t *dst, const struct kv_pairs *pairs)
{
    if (dst)
        (void)kv_pairs_write(pairs, dst);
    return pairs->size;
}

/* A refusal may come before the command is known, so the status is asked first. */
static bool is_paged(const struct kv_line_body *self)
{
    return self->reply->status == KV_OK && self->call && self->call->command &&
           kv_is_paged(self->call->command);
}

static size_t put_reply(uint8_t *dst, const struct kv_line_body *self)
{
    const struct kv_reply *reply = self->reply;
    char status[STATUS_TEXT];
    (void)snprintf(status, sizeof status, "%d", (int)reply->status);
    size_t size = put_str(dst, status);
    size += put_words(after(dst, size), &reply->text);
    if (reply->status == KV_NOT_MET && reply->states)
        size += put_unmet(after(dst, size), self);
    if (reply->gives == KV_GIVES_VALUES || reply->gives == KV_GIVES_BOOLS)
        size += put_items(after(dst, size), self);
    if (reply->gives == KV_GIVES_VALUE) {
        size += put_tab(after(dst, size));
        size += put_number(after(dst, size), reply->value);
    }
    if (is_paged(self))
        size += put_cursor(after(dst, size), reply->cursor);
    return self->pairs ? size + put_pairs(after(dst, size), self->pairs) : size;
}

static void write_reply(const struct weft_body *body, uint8_t *dst)
{
    (void)put_reply(dst, (const struct kv_line_body *)body);
}

void kv_line_body_init(struct kv_line_body *self, const struct kv_reply *reply,
                       const struct kv_call *call, const struct kv_pairs *pairs, int64_t now)
{
    *self = (struct kv_line_body){.reply = reply, .call = call, .pairs = pairs, .now = now};
    self->body.size = put_reply(NULL, self);
    self->body.write = write_reply;
}

size_t kv_line_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                        int64_t now)
{
    size_t size = put_tab(dst);
    size += weft_line_put_text(after(dst, size), pair->key, true);
    if (call->command->takes == KV_TAKES_NAMES) {
        char count[NUMBER_TEXT];
        (void)snprintf(count, sizeof count, "\t%" PRIu64, pair->total);
        return size + put_str(after(dst, size), count);
    }
    if (!call->filter.keys_only) {
        size += put_tab(after(dst, size));
        size += kv_line_put_value(after(dst, size), pair->value.bytes);
    }
    const struct kv_state state = {.present = true, .expires = pair->expires};
    return call->states ? size + put_expiry(after(dst, size), &state, now) : size;
}
