/* SPDX-License-Identifier: MIT
 *
 * Writes replies of kv as HTTP responses: the outgoing half of the HTTP face. */
#ifndef KV_HTTP_REPLY_H
#define KV_HTTP_REPLY_H

#include "core/base/body.h"
#include "route.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"

enum {
    KV_HTTP_DATE = 30,        /* bytes of "Sun, 06 Nov 1994 08:49:37 GMT" with a NUL */
    KV_HTTP_ORIGIN_MAX = 256, /* the most bytes of an origin in the option cors, with a NUL */
    KV_HTTP_HEAD_MAX = 1024,  /* every head that is written here has fewer bytes */
};

/* The parts of a reply's head that do not come from the command. */
struct kv_http_about {
    const struct kv_http_route *route; /* NULL: the request was not read */
    const char *date;                  /* the value of the Date field; NULL: no field */
    const char *origin; /* the value of Access-Control-Allow-Origin; NULL: no field */
    bool has_cors;      /* some origins are allowed, so the reply depends on the Origin field */
    int64_t now;        /* weft_loop_wall */
    uint64_t receivers; /* of a message that was published */
};

/* The contents of a response's body. */
enum kv_http_content {
    KV_HTTP_EMPTY,   /* no bytes */
    KV_HTTP_NO_BODY, /* a status that has no body: 204 or 304 */
    KV_HTTP_RAW,     /* the bytes of `value` */
    KV_HTTP_JSON,    /* `value`, which is in packed form, as JSON, and a line end */
    KV_HTTP_PAGE,    /* pairs or tables, and a cursor, as JSON */
    KV_HTTP_PROBLEM, /* an error as JSON (RFC 9457) */
    KV_HTTP_LINES    /* the answers of a batch */
};

/* A response as a weft_body. It has views of the call, the reply and the pairs, which must live as long. */
struct kv_http_body {
    struct weft_body_parts parts; /* first: write() casts it back; parts.body is the response */
    enum kv_http_content content;
    const struct kv_reply *reply;
    const struct kv_text *text; /* KV_HTTP_PROBLEM: its detail */
    const struct kv_pairs *pairs;
    bool names; /* KV_HTTP_PAGE: it shows tables */
    enum kv_status status;
    struct weft_view value;
    struct weft_blob
        *blob;       /* KV_HTTP_RAW: the blob in which the store has the value; may be NULL */
    char number[40]; /* `value` may show it */
    size_t content_size, head_size;
    char head[KV_HTTP_HEAD_MAX];
};

/* Makes *self the response to a command, or to a request that was refused. call is read only if the reply has values,
 * states or pairs. */
void kv_http_body_init(struct kv_http_body *self, const struct kv_http_about *about,
                       const struct kv_reply *reply, const struct kv_call *call,
                       const struct kv_pairs *pairs);

/* These return the size of one pair or table of a page with a comma behind it, and write it. now is weft_loop_wall, the
 * same in both calls. */
size_t kv_http_pair_size(const struct kv_call *call, const struct kv_pair *pair, int64_t now);
void kv_http_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                      int64_t now);

/* Writes a whole response that has only a status and a text to dst, in at most `room` bytes; a text that does not fit
 * is cut. `fields` is more lines for its head, or "". Returns the size. */
size_t kv_http_put_problem(uint8_t *dst, size_t room, unsigned status, const char *fields,
                           const char *text);

#endif
