/* SPDX-License-Identifier: MIT
 *
 * Messages of topics as a stream of events (services/payload/http/event.h), which docs/http.md describes. */
#ifndef KV_HTTP_TOPICS_H
#define KV_HTTP_TOPICS_H

#include "services/kv/subscription.h"

/* These do what the slots `format.make` and `put_words` of kv_topic_face do. */
struct weft_blob *kv_http_make_events(const struct kv_feed_run *run);
size_t kv_http_put_topic_words(uint8_t *dst, const struct kv_topic_words *words);

#endif
