/* SPDX-License-Identifier: MIT
 *
 * The files that an endpoint serves to a browser that does not ask for a WebSocket (option `page`). They are
 * read when the server is configured and kept in memory. Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_PAGE_H
#define WEFT_WEBSOCKET_PAGE_H

#include "core/base/chain.h"

enum { WEFT__WS_PAGE_MAX = 1 << 20, WEFT__WS_PAGES_MAX = 16 };

struct weft__ws_file {
    char name[64];    /* the last part of its path */
    const char *type; /* Content-Type; static */
    struct weft_blob *blob;
};

/* The files of one value of the option. */
struct weft__ws_page {
    struct weft__ws_page *next;
    char *value;
    size_t count;
    struct weft__ws_file files[WEFT__WS_PAGES_MAX];
};

/* Reads the files of value, "a.html,b.js". Returns 0, -ENOMEM, or WEFT_ECONFIG with one line in *error. */
WEFT_MUST_USE int weft__ws_page_new(struct weft__ws_page **page, const char *value,
                                    struct weft_error *error);
void weft__ws_page_free(struct weft__ws_page *page);

/* Returns the file that a path stands for, or NULL. "/" is the first one, "/NAME" the one of that name. page may be
 * NULL. */
const struct weft__ws_file *weft__ws_page_find(const struct weft__ws_page *page,
                                               struct weft_view path);

/* Appends the answer to a GET, or to a HEAD if head is true. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int weft__ws_page_answer(const struct weft__ws_file *file, bool head,
                                       struct weft_chain *out);

#endif
