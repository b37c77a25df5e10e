/* SPDX-License-Identifier: MIT */
#include "packed.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

enum { VARINT_MAX = 10 };

/* Returns the size of the varint at the beginning of view, or 0 if there is none. */
static size_t read_varint(struct weft_view view, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < view.size && i < VARINT_MAX; i++) {
        *number |= (uint64_t)(view.data[i] & 0x7f) << (7 * i);
        if (!(view.data[i] & 0x80))
            return i + 1;
    }
    return 0;
}

static size_t write_varint(uint8_t *dst, uint64_t number)
{
    size_t size = 0;
    for (; number >= 0x80; number >>= 7)
        dst[size++] = (uint8_t)(number | 0x80);
    dst[size++] = (uint8_t)number;
    return size;
}

static uint64_t read_eight(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

bool kv_unpack(struct weft_view packed, struct kv_unpacked *value)
{
    *value = (struct kv_unpacked){.is_empty = packed.size == 0};
    if (value->is_empty)
        return true;
    uint8_t tag = packed.data[0];
    struct weft_view contents = weft_view_skip(packed, 1);
    size_t size;
    switch (tag) {
    case KV_PACKED_TAG(KV_TYPE_STRING, KV_FORM_BYTES):
    case KV_PACKED_TAG(KV_TYPE_BINARY, KV_FORM_BYTES):
        size = read_varint(contents, &value->number);
        value->text = weft_view_skip(contents, size);
        if (size == 0 || value->number != value->text.size)
            return false;
        break;
    case KV_PACKED_TAG(KV_TYPE_INTEGER, KV_FORM_NUMBER):
    case KV_PACKED_TAG(KV_TYPE_BOOL, KV_FORM_NUMBER):
        size = read_varint(contents, &value->number);
        if (size == 0 || size != contents.size)
            return false;
        break;
    case KV_PACKED_TAG(KV_TYPE_FLOAT, KV_FORM_EIGHT):
        if (contents.size != 8)
            return false;
        value->number = read_eight(contents.data);
        break;
    default:
        return false;
    }
    value->type = (enum kv_type)(tag >> 3);
    return true;
}

size_t kv_write_real(char text[KV_NUMBER_TEXT], double real)
{
    /* A program may have set a locale that writes 1,5. newlocale needs no memory for "C". */
    locale_t before = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
    int size = 0;
    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(text, KV_NUMBER_TEXT, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    (void)uselocale(before);
    return (size_t)size;
}

size_t kv_pack_head(uint8_t dst[KV_PACKED_HEAD_MAX], enum kv_type type, uint64_t size)
{
    dst[0] = (uint8_t)KV_PACKED_TAG(type, KV_FORM_BYTES);
    return 1 + write_varint(dst + 1, size);
}

size_t kv_pack_integer(uint8_t dst[KV_NUMBER_MAX], int64_t integer)
{
    dst[0] = KV_PACKED_TAG(KV_TYPE_INTEGER, KV_FORM_NUMBER);
    return 1 + write_varint(dst + 1, (uint64_t)integer);
}

size_t kv_pack_real(uint8_t dst[KV_NUMBER_MAX], double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    dst[0] = KV_PACKED_TAG(KV_TYPE_FLOAT, KV_FORM_EIGHT);
    for (unsigned i = 0; i < 8; i++)
        dst[1 + i] = (uint8_t)(bits >> (8 * i));
    return 9;
}

size_t kv_pack_bool(uint8_t dst[KV_NUMBER_MAX], bool is_true)
{
    dst[0] = KV_PACKED_TAG(KV_TYPE_BOOL, KV_FORM_NUMBER);
    dst[1] = is_true;
    return 2;
}
