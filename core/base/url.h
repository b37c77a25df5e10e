/* SPDX-License-Identifier: MIT
 *
 * Endpoint URLs, after RFC 3986. They have one of two forms, and options behind it:
 *
 *     tcp://HOST:PORT?name=value&...   an IPv6 address is in brackets: tcp://[::1]:9527
 *     unix:PATH?name=value&...         unix:///PATH means unix:/PATH
 *
 * The first form may have a path behind the port, as in ws://HOST:PORT/PATH, if its scheme has a use for it.
 *
 * The parser takes either form with any scheme. Without a scheme, ADDRESS:PORT, localhost:PORT and
 * NAME.DOMAIN:PORT mean tcp. Any thread may call these functions. */
#ifndef WEFT_URL_H
#define WEFT_URL_H

#include "err.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WEFT_URL_MAX = 1024,  /* the most bytes of a URL, its NUL included */
    WEFT_URL_OPTIONS = 16 /* the most options of a URL */
};

/* A parsed URL. Its strings lie in `text` or are static, so the struct must not be copied: parse again
 * instead. It needs no fini. */
struct weft_url {
    const char *scheme; /* in lower case: "tcp", "unix" */
    const char *host;   /* without brackets; NULL if the form is SCHEME:PATH */
    const char *port;   /* decimal digits, 0 to 65535; NULL if the form is SCHEME:PATH */
    const char *path;   /* with each %XX decoded; NULL if the form is SCHEME://HOST:PORT */
    const char *target; /* "/PATH" behind HOST:PORT, as it was given; NULL if there is none */
    struct weft_option_value options[WEFT_URL_OPTIONS]; /* with each %XX decoded */
    size_t option_count;
    char text[2 * WEFT_URL_MAX]; /* memory of the strings */
};

/* Parses text into *url, which gets a copy of it. Only the syntax is checked, not that a transport has this
 * scheme. WEFT_ECONFIG: *error says what is wrong with text and shows the two forms, and *url must not be
 * used. An option that is given twice is wrong, and so is %00. */
WEFT_MUST_USE int weft_url_parse(struct weft_url *url, const char *text, struct weft_error *error);

/* Parses a text that is options alone, as in "?codec=resp". The scheme, host, port and path are then NULL.
 * The rest of the contract is that of weft_url_parse. */
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
