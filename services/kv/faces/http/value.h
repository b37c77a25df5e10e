/* SPDX-License-Identifier: MIT
 *
 * The body of a request as a value. */
#ifndef KV_HTTP_VALUE_H
#define KV_HTTP_VALUE_H

#include "route.h"
#include "services/kv/face.h"

/* Packs the body of the request as a value of the type that its Content-Type says, in the request's arena. False: the
 * task was refused. */
WEFT_MUST_USE bool kv_http_read_value(struct kv_task *task, const struct kv_http_route *route,
                                      struct weft_view *packed);

#endif
