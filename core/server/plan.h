/* SPDX-License-Identifier: MIT
 *
 * A plan: the endpoints that a server's URLs stand for. core/server.h says which: a URL that begins with
 * `?` is a variant of the endpoint before it, and one with `codec=auto` stands for an endpoint per codec. A
 * plan has the codec of each endpoint, and says which of them share an address. Private to core/server. */
#ifndef WEFT_PLAN_H
#define WEFT_PLAN_H

#include "core/server.h"

/* One endpoint to make. */
struct weft__planned {
    /* Borrowed from the options: with an address, or "?...". The endpoints of one `codec=auto` have the
     * same pointer. */
    const char *url;
    const struct weft_codec *codec;
    size_t first; /* index of the first endpoint at the address; its own if this is that one */
    bool is_auto; /* the URL says `codec=auto` */
};

/* Those that share an address are side by side. */
struct weft__plan {
    struct weft__planned *items; /* owned */
    size_t count;
};

/* Makes the plan of options->urls, in their order. Returns 0. On failure nothing is held, and the result is
 * WEFT_ECONFIG or -ENOMEM with one line in *error. */
WEFT_MUST_USE int weft__plan_make(struct weft__plan *plan,
                                  const struct weft_server_options *options,
                                  struct weft_error *error);
/* Frees the items, and zeroes *plan. */
void weft__plan_free(struct weft__plan *plan);

#endif
