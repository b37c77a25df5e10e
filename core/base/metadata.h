/* SPDX-License-Identifier: MIT
 *
 * Metadata: the fields that a request or an answer has beside its messages, as plain text. Each field is its
 * name, a colon, a space, its value and a line feed:
 *
 *     user-agent: grpc-python/1.51.1
 *     trace-bin: AAEC
 *
 * Names are in lower case. A value has no control characters. The value of a name that ends in "-bin" is bytes
 * in base64 (RFC 4648), as gRPC sends it: with or without the padding. A name may occur more than once; the order of
 * fields is kept. Fields that the protocol uses itself, such as gRPC's content-type, are left out.
 *
 * Any thread may call these functions. They allocate nothing. */
#ifndef WEFT_METADATA_H
#define WEFT_METADATA_H

#include <stdbool.h>

#include "bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the first field off *rest: its name and value are views into it. Returns false if there is no field
 * left, or if *rest does not begin with one. */
bool weft_metadata_next(struct weft_view *rest, struct weft_view *name, struct weft_view *value);

/* Returns the value of the first field called name, or a view whose data is NULL. */
struct weft_view weft_metadata_get(struct weft_view metadata, const char *name);

#ifdef __cplusplus
}
#endif

#endif
