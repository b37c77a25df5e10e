/* SPDX-License-Identifier: MIT
 *
 * The client's side of proto/abi.proto: requests into bytes, bytes into replies. Any thread. */
#ifndef KV_CLIENT_MESSAGE_H
#define KV_CLIENT_MESSAGE_H

#include "core/base/body.h"
#include "core/base/mem.h"
#include "services/kv/client.h"

/* A request on its way out. */
struct weft__kv_request_body {
    struct weft_body body; /* first: what is handed on is a pointer to it */
    const struct weft_kv_request *request;
    size_t inner; /* bytes of the command's message, without its own head */
};

/* request must live as long as the body is borrowed, and have passed weft__kv_request_check. */
struct weft__kv_request_body weft__kv_request_to_body(const struct weft_kv_request *request);

/* Whether a request has the keys and pairs its op asks for, and UTF-8 where the proto says string.
 * -EINVAL: *error says what is wrong. */
WEFT_MUST_USE int weft__kv_request_check(const struct weft_kv_request *request,
                                         struct weft_error *error);

/* Reads a CommandResponse. The reply's arrays lie in the arena, its texts in payload. Unknown
 * fields are skipped, of a oneof set twice the last counts. WEFT_EMALFORMED; WEFT_ETOOBIG: over the
 * arena's budget; -ENOMEM. *why is static text then. */
WEFT_MUST_USE int weft__kv_reply_read(struct weft_kv_reply *reply, struct weft_view payload,
                                      struct weft_arena *arena, const char **why);

#endif
