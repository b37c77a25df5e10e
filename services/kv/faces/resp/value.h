/* SPDX-License-Identifier: MIT
 *
 * Values of kv as the texts that Redis knows. task.h includes this file.
 */
#ifndef KV_RESP_VALUE_H
#define KV_RESP_VALUE_H

#include "task.h"

enum { RESP_NUMBER_MAX = KV_NUMBER_TEXT };

/* Returns the text of a value. For a string or binary it is the bytes, which lie in the value; for a number or bool it
 * is written to `space`. */
struct weft_view resp_value_text(struct weft_view packed, char space[RESP_NUMBER_MAX]);

/* Sets *value to the packed form of text: a string if it is UTF-8, else a binary. It lies in the request's arena, or in
 * a blob, which the session drops with the task's last operation. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int resp_value_make(struct resp_task *task, struct weft_view text,
                                  struct kv_value *value);

/* True if text is an integer in the form that Redis accepts; sets *number. */
bool resp_parse_integer(struct weft_view text, int64_t *number);
/* True if text is a finite number in a form that Redis accepts; sets *number. */
bool resp_parse_real(struct weft_view text, double *number);

/* True if the bytes match a pattern of Redis: * ? [a-z] [^a] and \. The time is at most proportional to the product of
 * both sizes. */
bool resp_matches(struct weft_view pattern, struct weft_view bytes);

#endif
