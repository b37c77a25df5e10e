/* SPDX-License-Identifier: MIT
 *
 * The endpoints that a server's URLs stand for. A URL that begins with `?` is a variant of the endpoint
 * before it: another codec and service at the same address. `codec=auto` stands for several codecs, of
 * which the first is an endpoint, or a variant, and the others are its variants. Private to core/server. */
#ifndef WEFT_PLAN_H
#define WEFT_PLAN_H

#include "core/server.h"

/* One endpoint to make. */
struct weft__planned {
    const char *url; /* borrowed from the options: with an address, or "?..." */
    const struct weft_codec *codec;
    size_t first; /* index of the first endpoint at the address; its own if this is that one */
    bool is_auto; /* the URL says `codec=auto` */
};

struct weft__plan {
    struct weft__planned *items;
    size_t count;
};

/* Returns 0; or WEFT_ECONFIG with one line in *error, or -ENOMEM: nothing is held. */
WEFT_MUST_USE int weft__plan_make(struct weft__plan *plan,
                                  const struct weft_server_options *options,
                                  struct weft_error *error);
void weft__plan_free(struct weft__plan *plan);

#endif
