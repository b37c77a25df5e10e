/* SPDX-License-Identifier: MIT
 *
 * Changes of tables as a stream of events (services/payload/http/event.h), which docs/http.md describes. */
#ifndef KV_HTTP_CHANGES_H
#define KV_HTTP_CHANGES_H

#include "reply.h"
#include "services/kv/watch.h"

/* Writes the head of a response that is a stream of events, in less than KV_HTTP_HEAD_MAX bytes. Returns the size. */
size_t kv_http_put_stream_head(uint8_t *dst, const struct kv_http_about *about);

/* These do what the slots of that name in kv_watch_face do. */
size_t kv_http_put_number(uint8_t *dst, uint64_t number, bool has_changes);
size_t kv_http_change_size(const struct kv_change *change, const uint8_t *version);
void kv_http_put_change(uint8_t *dst, const struct kv_change *change, const uint8_t *version);

/* Writes an event `end`, which says why a stream ends, in at most WEFT_REJECT_MAX bytes. Returns the size. */
size_t kv_http_put_stream_end(uint8_t *dst, enum kv_status status, const char *text);

#endif
