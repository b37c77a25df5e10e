/* SPDX-License-Identifier: MIT
 *
 * Reads one line of a batch as a command. Private to this folder. */
#ifndef KV_HTTP_BATCH_LINE_H
#define KV_HTTP_BATCH_LINE_H

#include "batch.h"

enum { KV_HTTP_BATCH_PING = 1 };

/* Sets task->call up for the command of a line, and counts its elements. Returns 0; KV_HTTP_BATCH_PING if it asks for
 * nothing but an answer; -ENOMEM; WEFT_ETOOBIG if the batch has too many elements; or WEFT_EMALFORMED, and *why, which
 * is valid until the next call, says what is wrong with the line. */
WEFT_MUST_USE int kv_http_batch_read(struct kv_task *task, struct kv_http_batch *batch,
                                     struct weft_view line, const char **why);

/* True if the command that was read last takes several keys, so that its answer has arrays. */
bool kv_http_batch_is_many(const struct kv_http_batch *batch);

#endif
