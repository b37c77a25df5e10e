/* SPDX-License-Identifier: MIT
 *
 * Certificates for tests, made at run time in a folder of the test. All functions assert; main thread only. */
#ifndef TEST_CERTIFICATES_H
#define TEST_CERTIFICATES_H

#include <stdbool.h>

struct certificate {
    const char *file;   /* FILE.pem and FILE.key are written */
    const char *name;   /* CN; NULL: none */
    const char *names;  /* "DNS:a.example,IP:127.0.0.1"; NULL: none */
    const char *issuer; /* the file of another one; NULL: it signs itself */
    int from, until;    /* days from now */
    bool is_authority;
};

void certificate_make(const char *folder, const struct certificate *certificate);

/* Writes FILE.pem: a list of what `issuer` has revoked, with one entry, or with none if revoked is NULL. It holds
 * until `until` days from now. */
void certificate_revoke(const char *folder, const char *issuer, const char *revoked,
                        const char *file, int until);

/* ca; server for localhost, 127.0.0.1 and a.example; other, a server for b.example; client with the CN ann;
 * expired, early, wrong (another name), self (signs itself) and stranger (of an authority, foreign, that is not
 * ca); crl.pem, which revokes client. */
void certificates_make(const char *folder);

#endif
