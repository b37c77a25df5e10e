/* SPDX-License-Identifier: MIT
 *
 * A short way through the requests that make up nearly all of a load, in the shape in which encoders
 * write them: one hget, hset, hdel or hexist, every field once and in order, lengths of one or two
 * bytes, a value that is a string or bytes. Such a request is read in one pass, without descriptors. */
#ifndef KV_REQUEST_USUAL_H
#define KV_REQUEST_USUAL_H

#include "request.h"

/* True if the request has the usual shape: the call is then what kv_request_decode_any makes of it. False
 * if it has another shape or is malformed, which is for kv_request_decode_any to say; the call is then
 * undefined. */
bool kv_request_decode_usual(struct kv_request *self, struct weft_view payload,
                             struct kv_call *call);

/* kv_request_decode_any, by the short way where there is one. */
static inline enum kv_decoded kv_request_decode(struct kv_request *self, struct weft_view payload,
                                                struct kv_call *call)
{
    return kv_request_decode_usual(self, payload, call)
               ? KV_DECODED
               : kv_request_decode_any(self, payload, call);
}

#endif
