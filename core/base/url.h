/* SPDX-License-Identifier: MIT
 *
 * Endpoint URLs, after RFC 3986: `tcp://HOST:PORT?name=value&...`, `tcp://[::1]:9527`,
 * `unix:PATH?name=value`. `unix:///PATH` is another way to write `unix:/PATH`, and `ADDRESS:PORT`,
 * `localhost:PORT` and `NAME.DOMAIN:PORT` mean tcp. Any thread. */
#ifndef WEFT_URL_H
#define WEFT_URL_H

#include "err.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_URL_MAX = 1024,  /* bytes of a URL, its NUL included */
    WEFT_URL_OPTIONS = 16 /* options of a URL */
};

/* A parsed URL. Its pointers point into `text` (or to static text), so the struct must not be copied: parse
 * again instead. HOST:PORT without a scheme has the scheme "tcp". */
struct weft_url {
    const char *scheme; /* "tcp", "unix"; made lower case */
    const char *host;   /* without brackets, or NULL: the form is SCHEME:PATH */
    const char *port;   /* decimal digits, 0 to 65535, or NULL: the form is SCHEME:PATH */
    const char *path;   /* %XX decoded, or NULL: the form is SCHEME://HOST:PORT */
    struct weft_option_value options[WEFT_URL_OPTIONS]; /* names and values %XX decoded */
    size_t option_count;
    char text[2 * WEFT_URL_MAX];
};

/* Parses text into *url, which keeps a copy. WEFT_ECONFIG: *error says what is wrong with text and shows
 * the two forms, and *url must not be used. An option that is given twice is an error. Only the
 * syntax is checked, not that a transport has this scheme. */
WEFT_MUST_USE int weft_url_parse(struct weft_url *url, const char *text, struct weft_error *error);

/* Parses a text that is options alone, as in "?codec=resp": the scheme, host, port and path are NULL.
 * Otherwise like weft_url_parse. */
WEFT_MUST_USE int weft_url_parse_options(struct weft_url *url, const char *text,
                                         struct weft_error *error);

/* Returns the options of url, which are valid as long as *url is. */
static inline struct weft_option_set weft_url_option_set(const struct weft_url *url)
{
    struct weft_option_set set = {url->options, url->option_count};
    return set;
}

#ifdef __cplusplus
}
#endif

#endif
