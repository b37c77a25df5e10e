/* SPDX-License-Identifier: MIT */
#include "update.h"

#include <locale.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packed.h"

enum {
    REAL_TEXT_MAX = 256, /* a text that is longer is not taken for a number */
};

/* sodium_init chooses the fastest code for this processor. It does so once, and whoever calls it again
 * only pays for a lock. Should it fail there is slower code, which needs no initialization. */
void weft_kv_version(struct weft_view packed, uint8_t version[KV_VERSION_SIZE])
{
    int chosen = sodium_init();
    (void)chosen;
    (void)crypto_generichash(version, KV_VERSION_SIZE, packed.data, packed.size, NULL, 0);
}

/* A program may have set a locale that writes 1,5. newlocale needs no memory for "C". */
static locale_t enter_c_locale(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static bool read_real(struct weft_view text, double *real)
{
    char copy[REAL_TEXT_MAX + 1];
    if (text.size == 0 || text.size > REAL_TEXT_MAX)
        return false;
    /* strtod takes more than a decimal number: spaces, "nan" and "0x1". */
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (strspn(copy, "0123456789+-.eE") != text.size)
        return false;
    char *end;
    locale_t before = enter_c_locale();
    *real = strtod(copy, &end);
    (void)uselocale(before);
    return end == copy + text.size;
}

/* True if text is what an integer is written as: no sign but a minus, no zeros in front. */
static bool read_integer(struct weft_view text, int64_t *integer)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    struct weft_view digits = weft_view_skip(text, negative);
    if (digits.size == 0 || (digits.data[0] == '0' && text.size > 1))
        return false;
    *integer = 0;
    for (size_t i = 0; i < digits.size; i++) {
        int digit = digits.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(*integer, 10, integer) ||
            __builtin_sub_overflow(*integer, digit, integer))
            return false;
    }
    /* It was counted downwards, because there is one more negative number than there are others. */
    return negative || !__builtin_sub_overflow(0, *integer, integer);
}

/* Gives value as text; that of a number is written to `room`. False: it has none. */
static bool text_of(const struct kv_unpacked *value, bool numbers, char room[KV_NUMBER_TEXT],
                    struct weft_view *text)
{
    size_t size;
    if (value->is_empty || kv_is_text(value)) {
        *text = value->text;
        return true;
    }
    if (!numbers || value->type == KV_TYPE_BOOL)
        return false;
    if (value->type == KV_TYPE_FLOAT)
        size = kv_write_real(room, kv_real_of(value));
    else
        size = (size_t)snprintf(room, KV_NUMBER_TEXT, "%lld", (long long)value->number);
    *text = weft_view(room, size);
    return true;
}

/* NULL is an absent key. */
static bool integer_of(const struct kv_unpacked *value, bool texts, int64_t *integer)
{
    char room[KV_NUMBER_TEXT];
    struct weft_view text;
    *integer = 0;
    if (!value)
        return true;
    if (value->type == KV_TYPE_INTEGER) {
        *integer = (int64_t)value->number;
        return true;
    }
    return texts && text_of(value, true, room, &text) && read_integer(text, integer);
}

static bool real_number_of(const struct kv_unpacked *value, bool texts, double *real)
{
    *real = 0;
    if (!value)
        return true;
    if (value->type == KV_TYPE_FLOAT)
        *real = kv_real_of(value);
    else if (value->type == KV_TYPE_INTEGER)
        *real = (double)(int64_t)value->number;
    else
        return texts && kv_is_text(value) && read_real(value->text, real);
    return true;
}

/* The value becomes the first `size` of next->bytes. */
static void store_bytes(struct kv_next *next, size_t size)
{
    next->verdict = KV_VERDICT_STORE;
    next->parts[0] = weft_view(next->bytes, size);
    next->part_count = 1;
}

static void store_value(struct kv_next *next, const struct kv_value *value)
{
    next->verdict = KV_VERDICT_STORE;
    next->parts[0] = value->bytes;
    next->part_count = 1;
    next->blob = value->blob;
}

static void add(const struct kv_update *update, const struct kv_unpacked *current,
                struct kv_next *next)
{
    int64_t sum;
    if (!integer_of(current, update->text, &sum)) {
        next->verdict = KV_VERDICT_WRONG;
        return;
    }
    if (__builtin_add_overflow(sum, update->integer, &sum)) {
        next->verdict = KV_VERDICT_RANGE;
        return;
    }
    store_bytes(next, kv_pack_integer(next->bytes, sum));
}

static void add_real(const struct kv_update *update, const struct kv_unpacked *current,
                     struct kv_next *next)
{
    double sum;
    if (!real_number_of(current, update->text, &sum)) {
        next->verdict = KV_VERDICT_WRONG;
        return;
    }
    sum += update->real;
    if (!isfinite(sum)) {
        next->verdict = KV_VERDICT_RANGE;
        return;
    }
    if (update->text) {
        char text[KV_NUMBER_TEXT];
        size_t size = kv_write_real(text, sum);
        size_t head = kv_pack_head(next->bytes, KV_TYPE_STRING, size);
        memcpy(next->bytes + head, text, size);
        store_bytes(next, head + size);
        return;
    }
    store_bytes(next, kv_pack_real(next->bytes, sum));
}

/* Puts head, the texts of two values, behind each other. A number's text lies on the caller's stack, so
 * it moves to next->bytes, behind the head. */
static void join(struct kv_next *next, enum kv_type type, const struct weft_view texts[2],
                 const bool written[2])
{
    size_t size = kv_pack_head(next->bytes, type, texts[0].size + texts[1].size);
    store_bytes(next, size);
    for (int i = 0; i < 2; i++) {
        struct weft_view text = texts[i];
        if (text.size == 0)
            continue;
        if (written[i]) {
            memcpy(next->bytes + size, text.data, text.size);
            text.data = next->bytes + size;
            size += text.size;
        }
        next->parts[next->part_count++] = text;
    }
}

static void append(const struct kv_item *item, const struct kv_unpacked *current,
                   struct kv_next *next)
{
    static const struct kv_unpacked nothing = {.is_empty = true};
    const struct kv_update *update = item->update;
    struct kv_unpacked added;
    char rooms[2][KV_NUMBER_TEXT];
    struct weft_view texts[2];
    if (!current)
        current = &nothing;
    next->verdict = KV_VERDICT_WRONG;
    if (!kv_unpack(item->value.bytes, &added) ||
        !text_of(current, update->text, rooms[0], &texts[0]) ||
        !text_of(&added, update->text, rooms[1], &texts[1]))
        return;
    uint64_t size = (uint64_t)texts[0].size + texts[1].size;
    uint64_t max = ((uint64_t)1 << 30) - 1 - KV_PACKED_HEAD_MAX;
    if (update->size_max > 0 && update->size_max < max)
        max = update->size_max;
    if (size > max) {
        next->verdict = KV_VERDICT_RANGE;
        return;
    }
    if (current->is_empty && (added.is_empty || kv_is_text(&added))) {
        store_value(next, &item->value);
        return;
    }
    bool is_binary = current->type == KV_TYPE_BINARY || added.type == KV_TYPE_BINARY;
    bool written[2] = {!current->is_empty && !kv_is_text(current),
                       !added.is_empty && !kv_is_text(&added)};
    join(next, is_binary ? KV_TYPE_BINARY : KV_TYPE_STRING, texts, written);
}

/* True if a is a later expiry than b. */
static bool is_later(int64_t a, int64_t b)
{
    return b != KV_NEVER && (a == KV_NEVER || a > b);
}

static bool has_version(const struct kv_update *update, struct weft_view packed)
{
    uint8_t version[KV_VERSION_SIZE];
    weft_kv_version(packed, version);
    return memcmp(version, update->version, sizeof version) == 0;
}

static bool condition_holds(const struct kv_item *item, const struct kv_value *current,
                            int64_t current_expires)
{
    int64_t expires = item->expires == KV_KEEP_EXPIRY ? current_expires : item->expires;
    if (item->update->when == KV_IF_ANY)
        return true;
    if (!current)
        return item->update->when == KV_IF_ABSENT;
    switch (item->update->when) {
    case KV_IF_ANY:
    case KV_IF_PRESENT:
        return true;
    case KV_IF_ABSENT:
        return false;
    case KV_IF_VERSION:
        return has_version(item->update, current->bytes);
    case KV_IF_TIMED:
        return current_expires != KV_NEVER;
    case KV_IF_UNTIMED:
        return current_expires == KV_NEVER;
    case KV_IF_LATER:
        return is_later(expires, current_expires);
    case KV_IF_SOONER:
        return is_later(current_expires, expires);
    }
    return false;
}

/* Sets the value that a sum has. */
static void combine(const struct kv_item *item, const struct kv_value *current,
                    struct kv_next *next)
{
    struct kv_unpacked value;
    if (current && !kv_unpack(current->bytes, &value)) {
        next->verdict = KV_VERDICT_WRONG;
        return;
    }
    const struct kv_unpacked *unpacked = current ? &value : NULL;
    if (item->update->then == KV_THEN_ADD)
        add(item->update, unpacked, next);
    else if (item->update->then == KV_THEN_ADD_REAL)
        add_real(item->update, unpacked, next);
    else
        append(item, unpacked, next);
}

void weft_kv_update_decide(const struct kv_item *item, const struct kv_value *current,
                           int64_t current_expires, int64_t now, struct kv_next *next)
{
    if (current && kv_has_expired(current_expires, now))
        current = NULL;
    if (!current)
        current_expires = KV_NEVER;
    next->verdict = KV_VERDICT_KEEP;
    next->part_count = 0;
    next->blob = NULL;
    next->expires = item->expires == KV_KEEP_EXPIRY ? current_expires : item->expires;
    if (!condition_holds(item, current, current_expires)) {
        next->verdict = KV_VERDICT_UNMET;
        return;
    }
    switch (item->update->then) {
    case KV_THEN_KEEP:
        return;
    case KV_THEN_REMOVE:
        if (current)
            next->verdict = KV_VERDICT_REMOVE;
        return;
    case KV_THEN_EXPIRE:
        if (current && next->expires != current_expires)
            store_value(next, current);
        break;
    case KV_THEN_SET:
        store_value(next, &item->value);
        break;
    case KV_THEN_ADD:
    case KV_THEN_ADD_REAL:
    case KV_THEN_APPEND:
        combine(item, current, next);
        break;
    }
    if (next->verdict == KV_VERDICT_STORE && kv_has_expired(next->expires, now))
        next->verdict = KV_VERDICT_REMOVE;
}
