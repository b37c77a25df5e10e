/* SPDX-License-Identifier: MIT
 *
 * The content of a response of kv: its size, and its bytes. Private to this folder. */
#ifndef KV_HTTP_CONTENT_H
#define KV_HTTP_CONTENT_H

#include "reply.h"

/* Returns the number of bytes that the content of a response has. */
size_t kv__http_content_size(const struct kv_http_body *self);

/* The write of a body: its head, and its content. */
void kv__http_write(const struct weft_body *body, uint8_t *dst);

#endif
