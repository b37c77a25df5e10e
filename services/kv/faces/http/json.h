/* SPDX-License-Identifier: MIT
 *
 * Writes values, keys and texts of kv as JSON. The forms are those of `kvc --json`, which keep the types:
 *
 *      string   "text"
 *      binary   {"base64": "AP8="}
 *      integer  42; if its magnitude is above 2^53 - 1, which many readers cannot represent:
 *               {"integer": "9223372036854775807"}
 *      float    1.5, 1.0, 1e+300; {"float": "nan"}, "-nan", "nan(0x7ff8000000000001)", "inf", "-inf"
 *      bool     true, false
 *      empty    null
 *
 * A name (of a table or key) is a string, or has the form of a binary if it is not UTF-8. Each `_size` function returns
 * the number of bytes that its put function writes. Each put function returns the position behind them. All are pure
 * and allocate nothing. */
#ifndef KV_HTTP_JSON_H
#define KV_HTTP_JSON_H

#include "core/base/bytes.h"
#include "services/kv/text.h"

/* packed is a value in its packed form (value.h). */
size_t kv_json_value_size(struct weft_view packed);
uint8_t *kv_json_put_value(uint8_t *dst, struct weft_view packed);

size_t kv_json_name_size(struct weft_view name);
uint8_t *kv_json_put_name(uint8_t *dst, struct weft_view name);

/* These write a text as a string. Bytes that are not UTF-8 become U+FFFD. */
size_t kv_json_text_size(const struct kv_text *text);
uint8_t *kv_json_put_text(uint8_t *dst, const struct kv_text *text);

#endif
