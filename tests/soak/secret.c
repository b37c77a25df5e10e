/* SPDX-License-Identifier: MIT */
#include "secret.h"

#ifndef SOAK_TLS

#include <errno.h>

void secrets_init(const char *ca)
{
    (void)ca;
}

void secrets_fini(void)
{
}

struct secret *secret_new(int fd)
{
    (void)fd;
    return NULL;
}

void secret_free(struct secret *secret)
{
    (void)secret;
}

ssize_t secret_read(struct secret *secret, uint8_t *dst, size_t size)
{
    (void)secret, (void)dst, (void)size;
    return -EPROTO;
}

ssize_t secret_write(struct secret *secret, const uint8_t *data, size_t size)
{
    (void)secret, (void)data, (void)size;
    return -EPROTO;
}

bool secret_is_open(const struct secret *secret)
{
    (void)secret;
    return false;
}

void secret_end(struct secret *secret)
{
    (void)secret;
}

#else

#include <err.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

static SSL_CTX *context;

static SSL *from_secret(const struct secret *secret)
{
    return (SSL *)(uintptr_t)secret;
}

void secrets_init(const char *ca)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes as to a file */
    context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_load_verify_locations(context, ca, NULL) != 1)
        errx(1, "cannot read %s", ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void secrets_fini(void)
{
    SSL_CTX_free(context);
    context = NULL;
}

struct secret *secret_new(int fd)
{
    SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 ||
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "127.0.0.1") != 1)
        errx(1, "cannot make a client of TLS");
    SSL_set_connect_state(ssl);
    return (struct secret *)(uintptr_t)ssl;
}

void secret_free(struct secret *secret)
{
    SSL_free(from_secret(secret));
}

static ssize_t result(const struct secret *secret, int n)
{
    if (n > 0)
        return n;
    switch (SSL_get_error(from_secret(secret), n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        return -EPROTO;
    }
}

ssize_t secret_read(struct secret *secret, uint8_t *dst, size_t size)
{
    ERR_clear_error();
    return result(secret, SSL_read(from_secret(secret), dst, (int)size));
}

ssize_t secret_write(struct secret *secret, const uint8_t *data, size_t size)
{
    ERR_clear_error();
    return result(secret, SSL_write(from_secret(secret), data, (int)size));
}

bool secret_is_open(const struct secret *secret)
{
    return SSL_is_init_finished(from_secret(secret));
}

void secret_end(struct secret *secret)
{
    ERR_clear_error();
    if (secret_is_open(secret))
        (void)SSL_shutdown(from_secret(secret));
}

#endif
