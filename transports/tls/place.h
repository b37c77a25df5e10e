/* SPDX-License-Identifier: MIT
 *
 * A place is an endpoint of a server, or a client: its options, the set that is in use, and counts. Private to
 * the filter. */
#ifndef WEFT_TLS_PLACE_H
#define WEFT_TLS_PLACE_H

#include <stdatomic.h>

#include "bio.h"
#include "set.h"
#include "tls.h"

struct weft__tls_place {
    struct weft__tls_place *next; /* of the context's list */
    struct weft_tls *context;     /* NULL: it is in no list */
    struct weft__tls_options options;
    BIO_METHOD *method;
    CRYPTO_RWLOCK *lock; /* guards set and session */
    struct weft__tls_set *set;
    SSL_SESSION *session;           /* a client's last one; NULL: none */
    struct weft__tls_set *prepared; /* by a reload; NULL: none */
    atomic_ullong handshakes, resumed, failed;
};

/* Reads the files and adds the place to the context, which may be NULL. Returns 0, or an error with one line in
 * *error. */
WEFT_MUST_USE int weft__tls_place_new(struct weft__tls_place **place, struct weft_tls *context,
                                      const struct weft__tls_options *options,
                                      struct weft_error *error);
void weft__tls_place_free(struct weft__tls_place *place);

/* Adds the place's counts. */
void weft__tls_add_counts(struct weft_tls_counts *sum, const struct weft__tls_place *place);

/* Guard the list of a context's places: collectors read it while a reload adds or removes an endpoint. Both sides are
 * rare and brief, so whoever comes second spins. */
void weft__tls_lock(struct weft_tls *tls);
void weft__tls_unlock(struct weft_tls *tls);

/* Returns a reference to the set in use. Any thread. */
struct weft__tls_set *weft__tls_place_set(struct weft__tls_place *place);

/* Lets a client's connection resume the last session, if there is one. */
void weft__tls_place_resume(struct weft__tls_place *place, SSL *ssl);

#endif
