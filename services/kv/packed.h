/* SPDX-License-Identifier: MIT
 *
 * Reads and writes values in their packed form (value.h), for faces and for updates. Any thread may call these
 * functions; they allocate nothing. */
#ifndef KV_PACKED_H
#define KV_PACKED_H

#include "core/base/bytes.h"
#include "value.h"

enum {
    KV_PACKED_HEAD_MAX = 11, /* the most bytes before the text of a packed string or binary */
    KV_NUMBER_MAX = 11,      /* the most bytes of a packed integer, float or bool */
    KV_NUMBER_TEXT = 32,     /* room for the text of a number */
};

struct kv_unpacked {
    bool is_empty; /* the empty value, which has no type */
    enum kv_type type;
    uint64_t number;       /* KV_TYPE_INTEGER, KV_TYPE_BOOL, and the bits of KV_TYPE_FLOAT */
    struct weft_view text; /* KV_TYPE_STRING, KV_TYPE_BINARY: lies in what was unpacked */
};

/* Reads a packed value into *value. False: the bytes are not the packed form of a value. */
WEFT_MUST_USE bool kv_unpack(struct weft_view packed, struct kv_unpacked *value);

/* True if the value is a string or a binary. */
static inline bool kv_is_text(const struct kv_unpacked *value)
{
    return !value->is_empty && (value->type == KV_TYPE_STRING || value->type == KV_TYPE_BINARY);
}

/* Returns the number of a KV_TYPE_FLOAT. */
static inline double kv_real_of(const struct kv_unpacked *value)
{
    double real;
    memcpy(&real, &value->number, sizeof real);
    return real;
}

/* Writes `real` as a decimal text with the fewest digits, from 15 to 17, that reads back as the same number. Returns
 * the size of the text, without the NUL that follows it. */
size_t kv_write_real(char text[KV_NUMBER_TEXT], double real);

/* Each writes a packed value to dst and returns its size. kv_pack_head writes only the tag and length that precede
 * the text of a string or binary of `size` bytes. */
size_t kv_pack_head(uint8_t dst[KV_PACKED_HEAD_MAX], enum kv_type type, uint64_t size);
size_t kv_pack_integer(uint8_t dst[KV_NUMBER_MAX], int64_t integer);
size_t kv_pack_real(uint8_t dst[KV_NUMBER_MAX], double real);
size_t kv_pack_bool(uint8_t dst[KV_NUMBER_MAX], bool is_true);

#endif
