/* SPDX-License-Identifier: MIT
 *
 * Reads the head of an HTTP/1.1 message, as far as the opening handshake of a WebSocket needs it (RFC 9112,
 * RFC 6455). It is strict: whatever two readers of HTTP could understand differently is refused. Nothing is
 * copied or allocated. Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_HEAD_H
#define WEFT_WEBSOCKET_HEAD_H

#include "core/base/bytes.h"

enum {
    WEFT__WS_HEAD_MAX = 8192, /* bytes of a head, its last empty line included */
    WEFT__WS_FIELDS_MAX = 64
};

struct weft__ws_field {
    struct weft_view name, value; /* the value has no spaces around it */
};

/* The views lie in the text that was read. */
struct weft__ws_head {
    /* A request has a method, a target and a version; a response has a version, a status and a reason. */
    struct weft_view line[3];
    struct weft__ws_field fields[WEFT__WS_FIELDS_MAX];
    size_t count;
};

/* Looks for the end of a head among the bytes. from says how many of them a former call has searched in
 * vain. Returns the head's size, or 0: its end is not there. */
size_t weft__ws_head_end(struct weft_view text, size_t from);

/* Reads a whole head. Returns NULL, or static text that says what is wrong with it. */
const char *weft__ws_head_read(struct weft__ws_head *head, struct weft_view text, bool response);

/* Returns the value of the only field of that name. If there is none, or more than one, *count says so and
 * the view is empty. */
struct weft_view weft__ws_head_only(const struct weft__ws_head *head, const char *name,
                                    size_t *count);

/* True if a field of that name has this item in its list of items, which are separated by commas. Upper and
 * lower case are the same, unless exact is true. */
bool weft__ws_head_lists(const struct weft__ws_head *head, const char *name, const char *item,
                         bool exact);

/* True if text is word; upper and lower case are the same. */
bool weft__ws_is_word(struct weft_view text, const char *word);

#endif
