/* SPDX-License-Identifier: MIT
 *
 * The peer's identity, by its certificate and the name that it asked for. Private to the filter. */
#ifndef WEFT_TLS_WHO_H
#define WEFT_TLS_WHO_H

#include <openssl/ssl.h>

#include "options.h"

struct weft_peer;
struct weft__tls_who;

/* Returns what is known once the handshake is over, or NULL: nothing, or no memory. */
struct weft__tls_who *weft__tls_who_new(SSL *ssl);
void weft__tls_who_free(struct weft__tls_who *who);

/* Sets the peer's fields, which point into *who. */
void weft__tls_who_tell(const struct weft__tls_who *who, struct weft_peer *peer);

/* Returns the protocol that was agreed on, one of those of the options, or NULL. */
const char *weft__tls_protocol(const SSL *ssl, const struct weft__tls_options *options);

#endif
