/* SPDX-License-Identifier: MIT
 *
 * Reads JSON (RFC 8259) token by token, for messages of a known shape. Nothing is built of it, so that a stranger's
 * bytes buy no memory, however they are nested. Any thread; allocates nothing. */
#ifndef WEFT_JSON_READER_H
#define WEFT_JSON_READER_H

#include <sys/types.h>

#include "core/base/bytes.h"

enum weft_json_token {
    WEFT_JSON_BAD, /* no JSON stands here; `why` says why */
    WEFT_JSON_END, /* nothing is left */
    WEFT_JSON_ARRAY,
    WEFT_JSON_ARRAY_END,
    WEFT_JSON_OBJECT,
    WEFT_JSON_OBJECT_END,
    WEFT_JSON_COMMA,
    WEFT_JSON_COLON,
    WEFT_JSON_STRING,  /* `text` is what stands between the quotation marks */
    WEFT_JSON_INTEGER, /* a number without point and exponent; `text` is all of it */
    WEFT_JSON_REAL,    /* any other number; `text` is all of it */
    WEFT_JSON_TRUE,
    WEFT_JSON_FALSE,
    WEFT_JSON_NULL
};

/* Set `rest` to the JSON, and call weft_json_next for each token. */
struct weft_json {
    struct weft_view rest; /* what has not been read */
    struct weft_view text; /* of the last token */
    bool escaped;          /* STRING: text has escapes */
    const char *why;       /* BAD: static */
};

enum weft_json_token weft_json_next(struct weft_json *json);

/* Writes the text of a STRING without its escapes to dst, which has room for text.size bytes. Returns how many it
 * wrote, or WEFT_EMALFORMED: half of a surrogate pair. NUL is a character like any other. */
WEFT_MUST_USE ssize_t weft_json_unescape(struct weft_view text, uint8_t *dst);

#endif
