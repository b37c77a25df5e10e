/* SPDX-License-Identifier: MIT
 *
 * Builds a JSON text (RFC 8259) from its values, in order. Commas and quotation marks are the builder's work.
 *
 *     weft_json_open(&json, NULL, '{');
 *     weft_json_number(&json, "count", 3);
 *     weft_json_open(&json, "names", '[');
 *     weft_json_string(&json, NULL, "a");
 *     weft_json_close(&json, ']');
 *     weft_json_close(&json, '}');                    {"count":3,"names":["a"]} */
#ifndef WEFT_JSON_BUILD_H
#define WEFT_JSON_BUILD_H

#include "services/payload/text.h"

/* Set `text` to where the JSON goes; all else is zero. */
struct weft_json_build {
    struct weft_text *text;
    bool behind; /* a value stands before, so a comma follows */
};

/* `key` is that of a member of an object, and NULL in an array and for the whole. bracket: one of {}[]. */
void weft_json_open(struct weft_json_build *json, const char *key, char bracket);
void weft_json_close(struct weft_json_build *json, char bracket);
/* A NULL text is null. Bytes that are not UTF-8 are replaced. */
void weft_json_string(struct weft_json_build *json, const char *key, const char *text);
void weft_json_view(struct weft_json_build *json, const char *key, struct weft_view text);
void weft_json_bool(struct weft_json_build *json, const char *key, bool value);
/* Writes a whole number without a point or an exponent. What JSON has no number for is null. */
void weft_json_number(struct weft_json_build *json, const char *key, double value);
/* A number that a double may not hold. */
void weft_json_integer(struct weft_json_build *json, const char *key, uint64_t value);

#endif
