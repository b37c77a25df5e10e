/* SPDX-License-Identifier: MIT
 *
 * The requests that make up nearly all of a load, in the shape that encoders write them: one hget,
 * hset, hdel or hexist, every field once and in order, lengths in one byte or two, a value that is
 * text or bytes. Such a one is read in one pass, without descriptors. */
#ifndef KV_REQUEST_USUAL_H
#define KV_REQUEST_USUAL_H

#include "request.h"

/* As kv_request_decode where that answers KV_DECODED. False: it has another shape or is wrong, which
 * kv_request_decode knows to tell apart; the call is then undefined. */
bool kv_request_decode_usual(struct kv_request *self, struct weft_view payload,
                             struct kv_call *call);

#endif
