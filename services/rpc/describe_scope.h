/* SPDX-License-Identifier: MIT
 *
 * Writes descriptors of types (google/protobuf/descriptor.proto). Private to this folder. */
#ifndef WEFT_RPC_DESCRIBE_SCOPE_H
#define WEFT_RPC_DESCRIBE_SCOPE_H

#include "services/payload/text.h"
#include "types.h"

/* Each adds a field of a descriptor. The text may fail. */
void weft__rpc_put_uint(struct weft_text *text, uint32_t number, uint64_t value);
void weft__rpc_put_bytes(struct weft_text *text, uint32_t number, struct weft_view bytes);
void weft__rpc_put_name(struct weft_text *text, uint32_t number, const char *name);
/* Adds a message that has been made apart, and frees it. */
void weft__rpc_put_made(struct weft_text *text, uint32_t number, struct weft_text *made);
/* Adds the whole name of a type, with a point before it. */
void weft__rpc_put_type_name(struct weft_text *text, uint32_t number, const char *name);

/* Adds the types of a package: messages as fields of one number, with the types that lie within them, and enums as
 * fields of the other. The types are sorted. */
void weft__rpc_put_types(struct weft_text *text, const struct weft__rpc_types *types,
                         const char *package, uint32_t of_message, uint32_t of_enum);

#endif
