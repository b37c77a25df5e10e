/* SPDX-License-Identifier: MIT
 *
 * Reads values of kv out of JSON, in the forms of json.h. */
#ifndef KV_HTTP_JSON_READ_H
#define KV_HTTP_JSON_READ_H

#include "core/base/mem.h"
#include "services/payload/json/reader.h"

/* Takes the value whose first token is `token`, the last that was read, and packs it. *packed lies in the arena. Returns 0;
 * WEFT_EMALFORMED: *why says what is wrong, static; -ENOMEM. */
WEFT_MUST_USE int kv_json_read_value(struct weft_json *json, enum weft_json_token token,
                                     struct weft_arena *arena, struct weft_view *packed,
                                     const char **why);

/* Gives the text of a string, the last token that was read. It lies in the JSON or in the arena. Returns as
 * kv_json_read_value. */
WEFT_MUST_USE int kv_json_read_text(const struct weft_json *json, struct weft_arena *arena,
                                    struct weft_view *text, const char **why);

#endif
