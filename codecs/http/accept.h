/* SPDX-License-Identifier: MIT
 *
 * Accept-Encoding (RFC 9110, 12.5.3): which form of a reply's content a client wants. */
#ifndef WEFT_HTTP_ACCEPT_H
#define WEFT_HTTP_ACCEPT_H

#include "core/base/bytes.h"

/* The wishes of a request: for each form 0 if none is known, else 1 more than its weight, which is 0 to 1000. A
 * zeroed one is a request without the field. */
struct weft__http_accepts {
    uint16_t gzip, identity, any;
};

/* Takes the value of one field. What is no list of codings counts as not being there. */
void weft__http_accept(struct weft__http_accepts *accepts, struct weft_view value);

/* True if the client takes gzip, and does not prefer the content as it is. */
bool weft__http_wants_gzip(const struct weft__http_accepts *accepts);

/* True if the client does not take the content as it is. */
bool weft__http_refuses_plain(const struct weft__http_accepts *accepts);

#endif
