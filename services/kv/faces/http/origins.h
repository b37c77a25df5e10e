/* SPDX-License-Identifier: MIT
 *
 * Lists of origins, as the option cors has them. */
#ifndef KV_HTTP_ORIGINS_H
#define KV_HTTP_ORIGINS_H

#include "reply.h"

/* True if the text is a list of origins, or a star. */
bool kv_http_origins_are_good(const char *text);

/* True if the list has that origin. */
bool kv_http_origin_is_in(struct weft_view list, struct weft_view origin);

#endif
