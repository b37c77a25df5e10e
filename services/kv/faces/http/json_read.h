/* SPDX-License-Identifier: MIT
 *
 * Reads values of kv from JSON, in the forms of json.h. */
#ifndef KV_HTTP_JSON_READ_H
#define KV_HTTP_JSON_READ_H

#include "core/base/mem.h"
#include "services/payload/json/reader.h"

/* Reads the rest of a value whose first token, `token`, was just read from json. Sets *packed to its packed form, which
 * lies in the arena. Returns 0, -ENOMEM, or WEFT_EMALFORMED with a static text in *why. */
WEFT_MUST_USE int kv_json_read_value(struct weft_json *json, enum weft_json_token token,
                                     struct weft_arena *arena, struct weft_view *packed,
                                     const char **why);

/* Sets *text to the text of a string, which was the last token read. It lies in the JSON or in the arena. Returns what
 * kv_json_read_value does. */
WEFT_MUST_USE int kv_json_read_text(const struct weft_json *json, struct weft_arena *arena,
                                    struct weft_view *text, const char **why);

#endif
