/* SPDX-License-Identifier: MIT
 *
 * The names and times of a certificate, as text. Private to the filter. */
#ifndef WEFT_TLS_NAMES_H
#define WEFT_TLS_NAMES_H

#include <stdbool.h>

#include <openssl/x509.h>

enum { WEFT__TLS_NAME = 256, WEFT__TLS_TIME = 24 };

/* Writes the common name (CN) of the subject, for programs: exactly as it is. Returns false if there is none, or
 * it does not fit, or has a control character, by which it might pass for another one. */
bool weft__tls_common_name(const X509 *cert, char *dst, size_t size);

/* Writes the alternative names (DNS names, addresses of IP and mail, URIs) with `between` between them, and ...
 * for those that do not fit. Writes "" if there is none. Returns dst. */
char *weft__tls_alternative_names(const X509 *cert, const char *between, char *dst, size_t size);

/* Writes a subject or an issuer for people: "CN=a, O=b". Returns dst. */
char *weft__tls_subject(const X509_NAME *name, char *dst, size_t size);

/* Writes a time as 2027-01-31T12:00:00Z. Returns dst. */
char *weft__tls_time(const ASN1_TIME *time, char dst[WEFT__TLS_TIME]);

#endif
