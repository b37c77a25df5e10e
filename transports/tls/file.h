/* SPDX-License-Identifier: MIT
 *
 * PEM files. Private to the filter. */
#ifndef WEFT_TLS_FILE_H
#define WEFT_TLS_FILE_H

#include "core/base/err.h"

#include <openssl/pem.h>

enum { WEFT__TLS_DIGEST = 32 };

/* One file, held in memory while it is read. */
struct weft__tls_file {
    const char *option, *path; /* borrowed, for texts */
    uint8_t *data;
    size_t size;
    BIO *bio; /* reads data */
};

/* Reads a file of at most 1 MiB. option is the name that it was given by. Returns 0, -ENOMEM or WEFT_ECONFIG with
 * one line in *error, and nothing is held. */
WEFT_MUST_USE int weft__tls_file_read(struct weft__tls_file *file, const char *option,
                                      const char *path, struct weft_error *error);
/* Wipes and frees it. A zeroed one is fine. */
void weft__tls_file_fini(struct weft__tls_file *file);

/* Adds the file's bytes to a digest of several: *digest becomes that of itself and the bytes. */
WEFT_MUST_USE int weft__tls_file_digest(const struct weft__tls_file *file,
                                        uint8_t digest[WEFT__TLS_DIGEST]);

/* Sets *error from OpenSSL's first error, which it clears: "option cert=FILE: what: reason". Returns WEFT_ECONFIG,
 * or -ENOMEM. */
int weft__tls_file_refuse(const struct weft__tls_file *file, const char *what,
                          struct weft_error *error);

/* Refuses to ask for a password: a start or a reload must not wait for somebody who types. */
int weft__tls_no_password(char *buf, int size, int writing, void *arg);

#endif
