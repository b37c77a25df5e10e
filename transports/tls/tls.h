/* SPDX-License-Identifier: MIT
 *
 * TLS 1.3 and 1.2 as a filter over a stream, for both roles, by OpenSSL 3. docs/security.md describes it for
 * users. The filter does no I/O and starts no thread; OpenSSL reads the clock to judge certificates. Files are
 * read by configure and by weft_tls_prepare alone. */
#ifndef WEFT_TLS_H
#define WEFT_TLS_H

#include <stdatomic.h>

#include "core/base/samples.h"
#include "core/filter.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Handshakes since the start. */
struct weft_tls_counts {
    uint64_t handshakes; /* that succeeded */
    uint64_t resumed;    /* those of them that resumed an earlier session */
    uint64_t failed;     /* those that were begun and that the peer or we refused */
};

/* The filter's context in a server's registry: the certificates of all its endpoints. The memory is the
 * caller's, zeroed, and outlives the server. It needs no fini. A client may be registered with a NULL context. */
struct weft_tls {
    struct weft__tls_place *places; /* the filter's own, as is the rest */
    /* Held for the moment in which the list is changed, on the thread of prepare, or read on another one. */
    atomic_bool busy;
    struct weft_tls_counts gone; /* the counts of endpoints that were removed */
};

/* Its name is "tls". */
extern const struct weft_filter weft_filter_tls;

/* A reload in two steps, both on one thread, while other threads serve. prepare reads and checks the files of
 * every endpoint: certificates, their keys, authorities and lists of the revoked. Returns 0, and then commit or
 * abandon follows before the next prepare; or an error with one line in *error that names the endpoint's file,
 * and nothing is held. commit lets handshakes from now on use what was prepared, and ends the sessions that
 * clients might resume; connections that are open keep what they have. An endpoint that was configured between prepare
 * and commit has read its files then, and is passed over. */
WEFT_MUST_USE int weft_tls_prepare(struct weft_tls *tls, struct weft_error *error);
void weft_tls_commit(struct weft_tls *tls);
void weft_tls_abandon(struct weft_tls *tls);

/* True if what was prepared is other than what is in use. */
bool weft_tls_would_change(const struct weft_tls *tls);

/* Calls line for each certificate in use, in one line: its file, subject, names, end, and if the file on disk is
 * another one by now, which it reads for that. days is the number of days until the certificate expires, below
 * 0 if it has. Same thread as prepare. */
void weft_tls_describe(const struct weft_tls *tls,
                       void (*line)(void *arg, const char *text, int days), void *arg);

/* Any thread. */
struct weft_tls_counts weft_tls_count(struct weft_tls *tls);
/* A collector (base/samples.h) of these counts, and of when each certificate in use expires; context is the struct
 * weft_tls. */
void weft_tls_collect(void *context, struct weft_samples *samples);

/* Makes a certificate authority for tests, and certificates and keys of a server and of a client that it has
 * signed, in a folder that exists: ca.pem, ca.key, server.pem, server.key, client.pem, client.key. Only the
 * owner may read them (0600). The server's is for localhost, 127.0.0.1, ::1 and the names of the list, separated
 * by commas; NULL: for no more. The client's CN is `client`. They hold for `days` from a day ago on. Overwrites
 * no file: -EEXIST. Any error comes with one line in *error, and leaves no file that was made. */
WEFT_MUST_USE int weft_tls_make_certificates(const char *folder, const char *names,
                                             const char *client, int days,
                                             struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
