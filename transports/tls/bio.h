/* SPDX-License-Identifier: MIT
 *
 * The BIO between OpenSSL and the bytes of the filter seam: it reads `in` and appends to `down`, and copies
 * nothing in between. Private to the filter. */
#ifndef WEFT_TLS_BIO_H
#define WEFT_TLS_BIO_H

#include <openssl/bio.h>

struct weft__tls;

/* Returns a method for weft__tls_bio, or NULL: no memory. */
BIO_METHOD *weft__tls_bio_method(void);

/* Returns a BIO over the state, or NULL: no memory. */
BIO *weft__tls_bio(const BIO_METHOD *method, struct weft__tls *tls);

#endif
