/* SPDX-License-Identifier: MIT
 *
 * Says what failed, for people. Private to the filter. */
#ifndef WEFT_TLS_WORDS_H
#define WEFT_TLS_WORDS_H

#include <openssl/ssl.h>

#include "core/base/compiler.h"

struct weft__tls;

/* Keeps the words, unless there are some: the first cause is the right one. */
void weft__tls_say(struct weft__tls *tls, const char *fmt, ...) WEFT_PRINTF(2, 3);

/* A callback of verification (SSL_CTX_set_verify): words what is wrong with a certificate. */
int weft__tls_on_verify(int ok, X509_STORE_CTX *store);

/* Words the first error of OpenSSL's queue. */
void weft__tls_say_error(struct weft__tls *tls);

#endif
