/* SPDX-License-Identifier: MIT
 *
 * The client's side of the line face (docs/wire.md, "kv in lines"): it turns requests into lines of words
 * and lines of fields into replies, on any thread. Private to this folder. */
#ifndef KV_CLIENT_LINE_H
#define KV_CLIENT_LINE_H

#include "message.h"

/* A codec that carries every request, for the texts that refuse one. */
#define WEFT__KV_LINE_INSTEAD "length-delimited-gzip"

/* Checks that a request which has passed weft__kv_request_check can be said in a line. Returns 0; or with *error set
 * -EINVAL for a newline in a name or a string, or changes that are not all of one kind, and -ENOTSUP for what lines do
 * not have: watches, end_if_slow, and unsubscribe without an id. */
WEFT_MUST_USE int weft__kv_line_check(const struct weft_kv_request *request,
                                      struct weft_error *error);

/* The request must live as long as the body is borrowed, and have passed weft__kv_line_check. */
struct weft__kv_request_body weft__kv_line_to_body(const struct weft_kv_request *request);

/* Writes "login USER PASSWORD" to dst, or only counts if dst is NULL. Returns the number of bytes. */
size_t weft__kv_line_put_login(uint8_t *dst, struct weft_view user, struct weft_view password);

/* The meaning of the fields of an answer. */
enum weft__kv_line_answer {
    WEFT__KV_LINE_VALUES,
    WEFT__KV_LINE_STATES, /* a value, a version and an expiry for each key */
    WEFT__KV_LINE_BOOLS,
    WEFT__KV_LINE_CHANGED, /* bools of keys that no longer expire */
    WEFT__KV_LINE_LEFT,    /* the time left of each key */
    WEFT__KV_LINE_NUMBER,
    WEFT__KV_LINE_PAIRS,
    WEFT__KV_LINE_PAGE,        /* a cursor, then pairs */
    WEFT__KV_LINE_PAGE_STATES, /* a cursor, then pairs with their expiry */
    WEFT__KV_LINE_KEYS,        /* a cursor, then keys */
    WEFT__KV_LINE_KEYS_STATES, /* a cursor, then keys with their expiry */
    WEFT__KV_LINE_TABLES
};

/* Returns true if the line is a message to a subscription. Replies begin with a digit, and those with a letter. */
static inline bool weft__kv_line_is_push(struct weft_view payload)
{
    return payload.size > 0 && *payload.data >= 'a' && *payload.data <= 'z';
}

/* Reads a message to a subscription, as weft__kv_line_read reads a reply. */
WEFT_MUST_USE int weft__kv_line_read_push(struct weft_kv_reply *message, struct weft_view payload,
                                          struct weft_arena *arena, const char **why);

/* Returns what answers a request. */
enum weft__kv_line_answer weft__kv_line_answer_of(const struct weft_kv_request *request);

/* Reads an answer. The reply's arrays and what was escaped lie in the arena, other texts in payload. Returns as
 * weft__kv_reply_read does. */
WEFT_MUST_USE int weft__kv_line_read(struct weft_kv_reply *reply, struct weft_view payload,
                                     enum weft__kv_line_answer answer, struct weft_arena *arena,
                                     const char **why);

#endif
