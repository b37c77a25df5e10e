/* SPDX-License-Identifier: MIT
 *
 * Reads a request that the codec `http` has let pass: a request line, fields and a body, whose syntax the codec
 * has checked. All views lie in the payload. Any thread; allocates nothing. RFC 9110, RFC 9112, RFC 3986. */
#ifndef WEFT_HTTP_REQUEST_H
#define WEFT_HTTP_REQUEST_H

#include "core/base/bytes.h"

enum weft_http_method {
    WEFT_HTTP_GET,
    WEFT_HTTP_HEAD,
    WEFT_HTTP_PUT,
    WEFT_HTTP_POST,
    WEFT_HTTP_DELETE,
    WEFT_HTTP_OPTIONS,
    WEFT_HTTP_OTHER
};

struct weft_http_request {
    enum weft_http_method method;
    struct weft_view path, query; /* as they were sent; query without its question mark */
    struct weft_view fields;      /* for weft_http_next_field */
    struct weft_view body;
};

/* False: the payload is no request. */
WEFT_MUST_USE bool weft_http_read(struct weft_view payload, struct weft_http_request *request);

/* Takes the next field off *fields. False: there is none left. value has no white space around it. */
bool weft_http_next_field(struct weft_view *fields, struct weft_view *name,
                          struct weft_view *value);

/* Takes the next NAME=VALUE off *query. False: there is none left. Both are as they were sent. */
bool weft_http_next_parameter(struct weft_view *query, struct weft_view *name,
                              struct weft_view *value);

/* Takes the next element off a list whose separator is the comma, without white space around it. Commas in
 * quotes separate nothing. False: there is none left. */
bool weft_http_next_element(struct weft_view *list, struct weft_view *element);

/* True if text is that word, in whatever case. */
bool weft_http_is(struct weft_view text, const char *word);

/* Returns how much the sender of an Accept or Accept-Encoding field wants `name` ("application/json", "gzip"), from
 * 0, not at all, to 1000. Ranges count as well, unless something more exact is named. */
unsigned weft_http_quality(struct weft_view list, const char *name);

/* Writes text without its percent-encoding to dst, which has room for text.size bytes, and sets *size. form: in a
 * query, where + stands for a space. False: a percent sign without two hex digits. */
WEFT_MUST_USE bool weft_http_decode(struct weft_view text, bool form, uint8_t *dst, size_t *size);

#endif
