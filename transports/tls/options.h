/* SPDX-License-Identifier: MIT
 *
 * The options of TLS in a URL. Private to the filter. */
#ifndef WEFT_TLS_OPTIONS_H
#define WEFT_TLS_OPTIONS_H

#include "core/base/url.h"
#include "core/codec.h"

enum { WEFT__TLS_PAIRS = 8, WEFT__TLS_PROTOCOLS = 16 };

enum weft__tls_verify { WEFT__TLS_OFF, WEFT__TLS_OPTIONAL, WEFT__TLS_REQUIRED };

/* All texts are copies, empty if the URL has no such option. Lists keep their commas. */
struct weft__tls_options {
    enum weft_role role;
    enum weft__tls_verify verify;
    int min; /* TLS1_2_VERSION or TLS1_3_VERSION */
    size_t pairs;
    char cert[WEFT_URL_MAX],
        key[WEFT_URL_MAX]; /* lists of equal length; empty for a client without */
    char ca[WEFT_URL_MAX]; /* client-ca of a server; empty for a client: the system's */
    char crl[WEFT_URL_MAX];
    char name[256];                             /* that a server must have; a client's */
    char place[WEFT_URL_MAX];                   /* the endpoint, for texts */
    const char *protocols[WEFT__TLS_PROTOCOLS]; /* ALPN, in order of preference; static */
    size_t protocol_count;
    bool must_agree; /* every codec of the endpoint has a name in ALPN */
};

/* Option names, as in a URL. */
extern const struct weft_option weft__tls_option_table[];

/* Reads a URL. codecs are the endpoint's, ended by NULL. Returns 0, or WEFT_ECONFIG with one line in *error. */
WEFT_MUST_USE int weft__tls_options_read(struct weft__tls_options *options,
                                         const struct weft_url *url, enum weft_role role,
                                         const struct weft_codec *const *codecs,
                                         struct weft_error *error);

/* Copies the i-th item of a list with commas to dst, of WEFT_URL_MAX bytes. Returns false if there is none. */
bool weft__tls_item(const char *list, size_t i, char *dst);

/* True if a name is an IPv4 or IPv6 address. */
bool weft__tls_is_address(const char *name);

#endif
