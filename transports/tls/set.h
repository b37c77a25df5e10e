/* SPDX-License-Identifier: MIT
 *
 * A set is what one read of an endpoint's files gave: contexts of OpenSSL, one for each certificate. Sets are
 * counted, since a connection keeps its own while a reload brings the next. Private to the filter. */
#ifndef WEFT_TLS_SET_H
#define WEFT_TLS_SET_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "file.h"
#include "options.h"

struct weft__tls_pair {
    SSL_CTX *ctx;
    uint8_t digest[WEFT__TLS_DIGEST]; /* of the files of the certificate and the key */
};

struct weft__tls_set {
    atomic_uint refs;
    const struct weft__tls_options *options; /* borrowed */
    X509_STORE *store;                 /* whom to trust; NULL: nobody, or whom the system trusts */
    STACK_OF(X509_NAME) * authorities; /* their names, which a server sends */
    uint8_t trust_digest[WEFT__TLS_DIGEST]; /* of the files of authorities and revoked ones */
    size_t count;                           /* at least 1 */
    struct weft__tls_pair pairs[WEFT__TLS_PAIRS];
};

/* Reads the files that options name, which outlive the set. Returns 0, or -ENOMEM or WEFT_ECONFIG with one line in
 * *error. */
WEFT_MUST_USE int weft__tls_set_new(struct weft__tls_set **set,
                                    const struct weft__tls_options *options,
                                    struct weft_error *error);
void weft__tls_set_ref(struct weft__tls_set *set);
/* NULL is fine. */
void weft__tls_set_unref(struct weft__tls_set *set);

/* True if two sets were read from files with the same bytes. */
bool weft__tls_set_is_same(const struct weft__tls_set *one, const struct weft__tls_set *other);

/* Sets digest to that of a pair's files as they are now. */
WEFT_MUST_USE int weft__tls_pair_digest(const struct weft__tls_options *options, size_t i,
                                        uint8_t digest[WEFT__TLS_DIGEST]);

#endif
