/* SPDX-License-Identifier: MIT
 *
 * Messages of a stranger, for protobuf-c: it sets no bound to depth and memory, and takes strings as they
 * come. Private to this folder. */
#ifndef WEFT_RPC_MESSAGE_H
#define WEFT_RPC_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"

enum { WEFT__RPC_DEPTH = 100 }; /* messages in messages: the limit of protobuf itself */

/* One field as it stands in a message. */
struct weft__rpc_field {
    uint32_t number;
    unsigned wire;          /* of enum weft_pb_wire */
    uint64_t value;         /* of a varint */
    struct weft_view bytes; /* of a field with a length */
};

/* Takes the next field off *rest. Returns 1, 0: there is none left, or WEFT_EMALFORMED. */
WEFT_MUST_USE int weft__rpc_next(struct weft_view *rest, struct weft__rpc_field *field);

/* Returns the field of that number, or NULL. */
const ProtobufCFieldDescriptor *weft__rpc_field_of(const ProtobufCMessageDescriptor *type,
                                                   uint32_t number);

/* Makes a message of `bytes` in memory of the arena; nothing of it is to be freed. Returns NULL if it
 * cannot: *why says why, as static text, and *malformed is false if memory or the budget has run out. */
WEFT_MUST_USE ProtobufCMessage *weft__rpc_unpack(const ProtobufCMessageDescriptor *type,
                                                 struct weft_view bytes, struct weft_arena *arena,
                                                 const char **why, bool *malformed);

#endif
