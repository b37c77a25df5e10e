/* SPDX-License-Identifier: MIT
 *
 * The packed form: the bytes in which kv's faces store a value, so that each face can read what
 * another one stored. A store takes them for any bytes.
 *
 * No bytes at all are the empty value. Any other value is one tag and its contents, nothing else:
 *
 *     tag        one byte, type << 3 | form
 *     contents   KV_FORM_NUMBER: a varint, seven bits per byte, the low ones first, minimal
 *                KV_FORM_EIGHT:  eight bytes, the low one first
 *                KV_FORM_BYTES:  a minimal varint N, then N bytes
 *
 * protobuf writes the message Value of proto/abi.proto in this way, so the protobuf face sends a
 * stored value as it lies. Equal values have equal packed forms. */
#ifndef KV_VALUE_H
#define KV_VALUE_H

#ifdef __cplusplus
extern "C" {
#endif

enum kv_type {
    KV_TYPE_STRING = 1,  /* bytes, which are UTF-8 */
    KV_TYPE_BINARY = 2,  /* bytes */
    KV_TYPE_INTEGER = 3, /* number: 64 bits, two's complement */
    KV_TYPE_FLOAT = 4,   /* eight: a double of IEEE 754 */
    KV_TYPE_BOOL = 5,    /* number: 0 or 1 */
};

enum kv_form { KV_FORM_NUMBER = 0, KV_FORM_EIGHT = 1, KV_FORM_BYTES = 2 };

/* The first byte of a packed value. */
#define KV_PACKED_TAG(type, form) ((type) << 3 | (form))

#ifdef __cplusplus
}
#endif

#endif
