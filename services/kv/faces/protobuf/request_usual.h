/* SPDX-License-Identifier: MIT
 *
 * A fast path for the requests that make up nearly all of a usual load: one hget, hset, hdel or hexist, encoded as most
 * encoders do it, with every field once and in order, lengths of one or two bytes, and a value that is a string or
 * bytes. Such a request is read in one pass, without descriptors. */
#ifndef KV_REQUEST_USUAL_H
#define KV_REQUEST_USUAL_H

#include "request.h"

/* True if the request has this shape; *call is then as kv_request_decode_any would set it. False if it has another
 * shape or is malformed. Then *call is undefined, and kv_request_decode_any has to read the request. */
bool kv_request_decode_usual(struct kv_request *self, struct weft_view payload,
                             struct kv_call *call);

/* Does what kv_request_decode_any does, by the fast path if the request has the usual shape. */
static inline enum kv_decoded kv_request_decode(struct kv_request *self, struct weft_view payload,
                                                struct kv_call *call)
{
    return kv_request_decode_usual(self, payload, call)
               ? KV_DECODED
               : kv_request_decode_any(self, payload, call);
}

#endif
