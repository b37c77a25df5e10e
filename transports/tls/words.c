/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/base/mem.h"
#include "names.h"
#include "state.h"

enum { WORDS = 1024, NAMES = 400 };

void weft__tls_say(struct weft__tls *tls, const char *fmt, ...)
{
    char text[WORDS];
    va_list args;

    if (tls->words || tls->why)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *quote = text; (quote = strchr(quote, '"')) != NULL;) /* of the log */
        *quote = '\'';
    tls->words = weft_malloc(strlen(text) + 1);
    if (tls->words)
        memcpy(tls->words, text, strlen(text) + 1);
    else
        tls->why = "no memory to say why";
}

static bool is_server(const struct weft__tls *tls)
{
    return tls->place->options.role == WEFT_SERVER;
}

static const char *ca_option(const struct weft__tls *tls)
{
    return is_server(tls) ? "client-ca=" : "ca=";
}

static const char *other_end(const struct weft__tls *tls)
{
    return is_server(tls) ? "client" : "server";
}

static void say_other_name(struct weft__tls *tls, const X509 *cert)
{
    char names[NAMES], subject[NAMES];

    (void)weft__tls_alternative_names(cert, ", ", names, sizeof names);
    if (names[0] == '\0')
        (void)weft__tls_subject(X509_get_subject_name(cert), names, sizeof names);
    weft__tls_say(
        tls,
        "the server's certificate is for %s and not for %s; name= says which name it must have",
        names[0] ? names : weft__tls_subject(X509_get_issuer_name(cert), subject, sizeof subject),
        tls->place->options.name);
}

static void say_revoked(struct weft__tls *tls, X509 *cert, const char *subject)
{
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *digits = serial ? BN_bn2hex(serial) : NULL;

    weft__tls_say(tls, "the certificate of %s, number %s, is revoked", subject,
                  digits ? digits : "?");
    OPENSSL_free(digits);
    BN_free(serial);
}

static void say_certificate(struct weft__tls *tls, int error, X509 *cert)
{
    char subject[NAMES], issuer[NAMES], time[WEFT__TLS_TIME];

    (void)weft__tls_subject(X509_get_subject_name(cert), subject, sizeof subject);
    (void)weft__tls_subject(X509_get_issuer_name(cert), issuer, sizeof issuer);
    switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        say_other_name(tls, cert);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        weft__tls_say(tls, "the certificate of %s expired at %s", subject,
                      weft__tls_time(X509_get0_notAfter(cert), time));
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        weft__tls_say(tls, "the certificate of %s holds from %s on only", subject,
                      weft__tls_time(X509_get0_notBefore(cert), time));
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        weft__tls_say(tls, "the certificate of %s is signed by itself; %s names those to trust",
                      subject, ca_option(tls));
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        weft__tls_say(tls, "the certificate of %s is signed by %s, whom %s does not name", subject,
                      issuer, ca_option(tls));
        break;
    case X509_V_ERR_CERT_REVOKED:
        say_revoked(tls, cert, subject);
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
        weft__tls_say(
            tls, "crl= has no list of %s that is of today, so the certificate of %s may be revoked",
            issuer, subject);
        break;
    default:
        weft__tls_say(tls, "the certificate of %s: %s", subject,
                      X509_verify_cert_error_string(error));
    }
}

int weft__tls_on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct weft__tls *tls = SSL_get_app_data(ssl);
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    int error = X509_STORE_CTX_get_error(store);

    /* Without verification a client takes any certificate. */
    if (ok || tls->place->options.verify == WEFT__TLS_OFF)
        return ok;
    if (cert)
        say_certificate(tls, error, cert);
    else
        weft__tls_say(tls, "the %s's certificate: %s", other_end(tls),
                      X509_verify_cert_error_string(error));
    return 0;
}

/* Returns what an alert means. OpenSSL 3.0 has no words for the one that refuses a peer without a certificate. */
static const char *alert_text(int alert)
{
    return alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required"
                                                : SSL_alert_desc_string_long(alert);
}

void weft__tls_say_error(struct weft__tls *tls)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    bool is_ssl = ERR_GET_LIB(code) == ERR_LIB_SSL;

    if (is_ssl && reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
        weft__tls_say(tls, "the %s refuses: %s", other_end(tls),
                      alert_text(reason - SSL_AD_REASON_OFFSET));
    else if (is_ssl && (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
                        reason == SSL_R_HTTPS_PROXY_REQUEST))
        weft__tls_say(tls, "the %s does not speak TLS", other_end(tls));
    else if (is_ssl && reason == SSL_R_UNSUPPORTED_PROTOCOL)
        weft__tls_say(tls, "the %s speaks no version of TLS from min= on", other_end(tls));
    else if (is_ssl && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        weft__tls_say(tls, "the client shows no certificate, and verify=required");
    else
        weft__tls_say(tls, "TLS: %s", text ? text : "the handshake failed");
}
