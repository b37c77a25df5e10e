/* SPDX-License-Identifier: MIT
 *
 * The statuses of HTTP in words. A status that kv never sends counts as 500. Private to this folder. */
#ifndef KV_HTTP_STATUS_H
#define KV_HTTP_STATUS_H

#include "core/base/bytes.h"

/* Returns the status line of a response, with its end, and the fields that such a response always has. */
const char *kv__http_status_line(unsigned status);

/* Returns the three digits of a status and its title, such as "404 Not Found", which are static. */
struct weft_view kv__http_title(unsigned status);

#endif
