/* SPDX-License-Identifier: MIT
 *
 * This is a client of TLS on a socket that does not block, by OpenSSL. Where the build has no TLS, none of
 * this is called but secrets_fini. */
#ifndef SOAK_SECRET_H
#define SOAK_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ca: who must have signed the server's certificate, which must be for 127.0.0.1. */
void secrets_init(const char *ca);
void secrets_fini(void);

struct secret;
struct secret *secret_new(int fd);
void secret_free(struct secret *secret);

/* A count; 0: the end, by close_notify; -EAGAIN, or another error. Each goes on with the handshake. */
ssize_t secret_read(struct secret *secret, uint8_t *dst, size_t size);
ssize_t secret_write(struct secret *secret, const uint8_t *data, size_t size);
bool secret_is_open(const struct secret *secret);

/* close_notify. */
void secret_end(struct secret *secret);

#endif
