/* SPDX-License-Identifier: MIT
 *
 * A codec for clients of the admin service. A message to be sent is a whole request; one that comes is a whole
 * response, head and body, and says its size with Content-Length. */
#ifndef KVC_HTTP_H
#define KVC_HTTP_H

#include "core/codec.h"

extern const struct weft_codec kvc_http_codec;

struct kvc_http_response {
    unsigned status;
    struct weft_view body;
};

/* Reads what the codec gave. False: it is no response. */
WEFT_MUST_USE bool kvc_http_read(struct weft_view message, struct kvc_http_response *response);

#endif
