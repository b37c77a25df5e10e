/* SPDX-License-Identifier: MIT
 *
 * The packed form: the bytes as which kv's faces (message formats, service.h) store a value, so that each face
 * can read what another one stored. To a store they are only bytes. services/kv/packed.h reads and writes them
 * inside the tree.
 *
 * The empty value is zero bytes long. Any other value is one tag and its contents, and nothing else:
 *
 *     tag        one byte, KV_PACKED_TAG(type, form)
 *     contents   KV_FORM_NUMBER: a varint: seven bits per byte, the low ones first, the top bit set in all bytes
 *                                but the last, in as few bytes as possible
 *                KV_FORM_EIGHT:  eight bytes, the low one first
 *                KV_FORM_BYTES:  a varint N, then N bytes
 *
 * These are the bytes of a message Value of proto/abi.proto, so the protobuf face sends a stored value
 * unchanged. Equal values have equal packed forms. */
#ifndef KV_VALUE_H
#define KV_VALUE_H

#ifdef __cplusplus
extern "C" {
#endif

/* The types of values, each with the one form that it has. */
enum kv_type {
    KV_TYPE_STRING = 1,  /* KV_FORM_BYTES: UTF-8 */
    KV_TYPE_BINARY = 2,  /* KV_FORM_BYTES: any bytes */
    KV_TYPE_INTEGER = 3, /* KV_FORM_NUMBER: 64 bits, two's complement */
    KV_TYPE_FLOAT = 4,   /* KV_FORM_EIGHT: a double of IEEE 754 */
    KV_TYPE_BOOL = 5,    /* KV_FORM_NUMBER: 0 or 1 */
};

/* The values are the wire types of protobuf. */
enum kv_form { KV_FORM_NUMBER = 0, KV_FORM_EIGHT = 1, KV_FORM_BYTES = 2 };

/* The first byte of a packed value. */
#define KV_PACKED_TAG(type, form) ((type) << 3 | (form))

#ifdef __cplusplus
}
#endif

#endif
