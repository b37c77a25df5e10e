/* SPDX-License-Identifier: MIT
 *
 * Messages of protobuf-c as JSON (https://protobuf.dev/programming-guides/json/). Of the well-known types
 * google.protobuf.Timestamp and Duration have a form of their own here (json_time.h); the others are messages like any
 * other. Private to this folder. */
#ifndef WEFT_RPC_JSON_H
#define WEFT_RPC_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/mem.h"
#include "services/payload/text.h"

/* Adds a message. Fields of proto3 that have their default are left out. The text may fail. */
void weft__rpc_write_json(struct weft_text *text, const ProtobufCMessage *message);

/* Makes a message of JSON in memory of the arena; nothing of it is to be freed. A field that the message does
 * not have is an error. Returns NULL if it cannot: why[0] to why[why_size - 1] say why, and *malformed is
 * false if memory or the budget has run out. */
WEFT_MUST_USE ProtobufCMessage *weft__rpc_read_json(const ProtobufCMessageDescriptor *type,
                                                    struct weft_view json, struct weft_arena *arena,
                                                    char *why, size_t why_size, bool *malformed);

/* Writes the name of a field in JSON, lowerCamelCase, to dst, which has as much room as `name` has bytes. Returns
 * its size. */
size_t weft__rpc_json_name(const char *name, uint8_t *dst);

/* Returns the type of the entries if the field is a map, else NULL. protobuf-c does not say so, but protoc names
 * the entries of `map<K, V> foo_bar` "FooBarEntry", inside of the message, and gives that name to nothing else. */
const ProtobufCMessageDescriptor *weft__rpc_map_of(const ProtobufCMessageDescriptor *type,
                                                   const ProtobufCFieldDescriptor *field);

/* Returns the size of a field's member in an array of its type. */
size_t weft__rpc_member_size(const ProtobufCFieldDescriptor *field);

#endif
