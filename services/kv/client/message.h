/* SPDX-License-Identifier: MIT
 *
 * The client's side of proto/abi.proto: it turns requests into bytes and bytes into replies, on any
 * thread. */
#ifndef KV_CLIENT_MESSAGE_H
#define KV_CLIENT_MESSAGE_H

#include "core/base/body.h"
#include "core/base/mem.h"
#include "services/kv/client.h"

/* A request on its way out. */
struct weft__kv_request_body {
    struct weft_body body; /* first, since a pointer to it is what is handed on */
    const struct weft_kv_request *request;
    size_t inner; /* the size of the command's message, without its tag and length */
};

/* The request must live as long as the body is borrowed, and have passed weft__kv_request_check. */
struct weft__kv_request_body weft__kv_request_to_body(const struct weft_kv_request *request);

/* A login on its way out. */
struct weft__kv_login_body {
    struct weft_body body; /* first, since a pointer to it is what is handed on */
    struct weft_view user, password;
};

/* Sets up the body of a login, whose texts must live as long as it is borrowed. Returns 0, or -EINVAL with *error
 * set: a text is empty, is not UTF-8 or, in lines, has a newline. */
WEFT_MUST_USE int weft__kv_login_to_body(struct weft__kv_login_body *login, struct weft_view user,
                                         struct weft_view password, bool in_lines,
                                         struct weft_error *error);

/* Checks that a request has the keys and pairs that its op asks for, and UTF-8 in every string. Returns
 * 0, or -EINVAL with *error set. */
WEFT_MUST_USE int weft__kv_request_check(const struct weft_kv_request *request,
                                         struct weft_error *error);

/* Reads a CommandResponse. The reply's arrays lie in the arena, its texts in payload. Unknown fields are
 * skipped, and the last member of a oneof counts. Returns 0; WEFT_EMALFORMED; WEFT_ETOOBIG if it needs
 * more than the arena's budget; or -ENOMEM. *why is static text unless it returns 0. */
WEFT_MUST_USE int weft__kv_reply_read(struct weft_kv_reply *reply, struct weft_view payload,
                                      struct weft_arena *arena, const char **why);

#endif
