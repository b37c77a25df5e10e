/* SPDX-License-Identifier: MIT
 *
 * Values, keys and texts of kv as JSON. Types are kept, in the forms of `kvc --json`:
 *
 *      string   "text"
 *      binary   {"base64": "AP8="}
 *      integer  42; beyond 2^53 - 1 either way, where many readers have doubles, {"integer": "9223372036854775807"}
 *      float    1.5, 1.0, 1e+300; {"float": "nan"}, "-nan", "nan(0x7ff8000000000001)", "inf", "-inf"
 *      bool     true, false
 *      empty    null
 *
 * A name that is not UTF-8 has the form of a binary. Each `_size` function returns the bytes that its put function
 * writes, and each put returns the byte behind them. */
#ifndef KV_HTTP_JSON_H
#define KV_HTTP_JSON_H

#include "core/base/bytes.h"
#include "services/kv/text.h"

/* packed is a value as it is stored. */
size_t kv_json_value_size(struct weft_view packed);
uint8_t *kv_json_put_value(uint8_t *dst, struct weft_view packed);

size_t kv_json_name_size(struct weft_view name);
uint8_t *kv_json_put_name(uint8_t *dst, struct weft_view name);

/* A text as a string. What is not UTF-8 in it becomes U+FFFD. */
size_t kv_json_text_size(const struct kv_text *text);
uint8_t *kv_json_put_text(uint8_t *dst, const struct kv_text *text);

#endif
