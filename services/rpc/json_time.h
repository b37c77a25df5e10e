/* SPDX-License-Identifier: MIT
 *
 * google.protobuf.Timestamp and google.protobuf.Duration, which JSON has as strings: "2023-01-01T00:00:00.500Z" and
 * "1.500s". They are known by their names and fields, since protobuf-c has no C of its own for them. Private to this
 * folder. */
#ifndef WEFT_RPC_JSON_TIME_H
#define WEFT_RPC_JSON_TIME_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"

/* True if the type is one of the two. */
bool weft__rpc_is_time(const ProtobufCMessageDescriptor *type);

/* Returns the string of one whose fields are 0, with its quotes. */
const char *weft__rpc_no_time(const ProtobufCMessageDescriptor *type);

enum { WEFT__RPC_TIME_TEXT = 48 };
/* Writes the string of such a message to dst, without its quotes, and returns its size; or 0: it is beyond what the
 * string can say (the years 1 to 9999; 10,000 years). */
size_t weft__rpc_write_time(const ProtobufCMessage *message, char *dst);

/* Sets the fields of such a message from a string. Returns NULL, or what is wrong, which is static. */
const char *weft__rpc_read_time(const ProtobufCMessageDescriptor *type, struct weft_view text,
                                void *message);

#endif
