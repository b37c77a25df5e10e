/* SPDX-License-Identifier: MIT
 *
 * One value of JSON as a value of protobuf-c. Private to this folder. */
#ifndef WEFT_RPC_JSON_SCALAR_H
#define WEFT_RPC_JSON_SCALAR_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/mem.h"
#include "services/payload/json/reader.h"

struct weft__rpc_json {
    struct weft_json json;
    struct weft_arena *arena;
    const char *why; /* what is wrong: static */
    bool no_memory;
};

/* Notes what is wrong, unless something is noted. Returns false. */
bool weft__rpc_json_fail(struct weft__rpc_json *self, const char *why);
/* Returns memory of the arena, or NULL, which is noted. */
WEFT_MUST_USE void *weft__rpc_json_alloc(struct weft__rpc_json *self, size_t size);

/* Sets *text to the string that has just been read, in memory of the arena and with a NUL behind it. */
WEFT_MUST_USE bool weft__rpc_json_string(struct weft__rpc_json *self, struct weft_view *text);

/* Writes the value of a token to *member, whose type is the field's, which is no message. is_key: the token is the
 * key of a map, a string whatever the type is. */
WEFT_MUST_USE bool weft__rpc_json_scalar(struct weft__rpc_json *self,
                                         const ProtobufCFieldDescriptor *field,
                                         enum weft_json_token token, bool is_key, void *member);

#endif
