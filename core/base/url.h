/* SPDX-License-Identifier: MIT
 *
 * Endpoint URLs (after RFC 3986): `tcp://HOST:PORT?name=value&...`, `tcp://[::1]:9527`,
 * `unix:PATH?name=value`, where `unix:///PATH` is the absolute one too. `ADDRESS:PORT`, `localhost:PORT` and
 * `NAME.DOMAIN:PORT` mean tcp. Any thread. */
#ifndef WEFT_URL_H
#define WEFT_URL_H

#include "err.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_URL_MAX = 1024, WEFT_URL_OPTIONS = 16 };

/* Pointers point into `text`: a copy must be parsed, not assigned. */
struct weft_url {
    const char *scheme; /* "tcp", "unix", lower case as given */
    const char *host;   /* without brackets; NULL where the form is SCHEME:PATH */
    const char *port;   /* decimal digits, 0..65535; NULL where there is none */
    const char *path;   /* %XX decoded; NULL where the form is SCHEME://HOST:PORT */
    struct weft_option_value options[WEFT_URL_OPTIONS]; /* names and values %XX decoded */
    size_t option_count;
    char text[2 * WEFT_URL_MAX];
};

/* WEFT_ECONFIG: *error names what is wrong with the text and shows the two forms. An option given
 * twice is refused. */
WEFT_MUST_USE int weft_url_parse(struct weft_url *url, const char *text, struct weft_error *error);

static inline struct weft_option_set weft_url_option_set(const struct weft_url *url)
{
    struct weft_option_set set = {url->options, url->option_count};
    return set;
}

#ifdef __cplusplus
}
#endif

#endif
