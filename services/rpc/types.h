/* SPDX-License-Identifier: MIT
 *
 * The types that some messages are made of. Private to this folder. */
#ifndef WEFT_RPC_TYPES_H
#define WEFT_RPC_TYPES_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"

/* One of the two is set. */
struct weft__rpc_type {
    const char *name, *package; /* of the descriptor: "package.Outer.Inner", "package" */
    const ProtobufCMessageDescriptor *message;
    const ProtobufCEnumDescriptor *enumeration;
};

/* Types, each once. A zeroed one is empty. */
struct weft__rpc_types {
    struct weft__rpc_type *types;
    size_t count, room;
};

/* Adds a message and all types in it. -ENOMEM: some may have been added. */
WEFT_MUST_USE int weft__rpc_types_add(struct weft__rpc_types *self,
                                      const ProtobufCMessageDescriptor *message);
/* Sorts them by name, so that the types within a message stand directly behind it. */
void weft__rpc_types_sort(struct weft__rpc_types *self);
void weft__rpc_types_fini(struct weft__rpc_types *self);

/* Returns the type of that name, or NULL. */
const struct weft__rpc_type *weft__rpc_types_find(const struct weft__rpc_types *self,
                                                  struct weft_view name);

/* True if the name is that of something within `outer`, a message or a package. All lies within the empty name. */
bool weft__rpc_is_within(const char *name, struct weft_view outer);

#endif
