/* SPDX-License-Identifier: MIT */
#include "certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { PATH_SIZE = 512 };

static FILE *open_file(const char *folder, const char *file, const char *suffix, const char *mode)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s.%s", folder, file, suffix);
    FILE *opened = fopen(path, mode);
    assert_non_null(opened);
    return opened;
}

static X509 *load_certificate(const char *folder, const char *file)
{
    FILE *in = open_file(folder, file, "pem", "r");
    X509 *cert = PEM_read_X509(in, NULL, NULL, NULL);
    fclose(in);
    assert_non_null(cert);
    return cert;
}

static EVP_PKEY *load_key(const char *folder, const char *file)
{
    FILE *in = open_file(folder, file, "key", "r");
    EVP_PKEY *key = PEM_read_PrivateKey(in, NULL, NULL, NULL);
    fclose(in);
    assert_non_null(key);
    return key;
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void certificate_make(const char *folder, const struct certificate *certificate)
{
    static long serial = 100;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new(), *issuer = NULL;
    EVP_PKEY *issuer_key = NULL;

    assert_true(key && cert);
    if (certificate->issuer) {
        issuer = load_certificate(folder, certificate->issuer);
        issuer_key = load_key(folder, certificate->issuer);
    }
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_time_adj_ex(X509_getm_notBefore(cert), certificate->from, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(cert), certificate->until, 0, NULL);
    if (certificate->name)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)certificate->name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_set_pubkey(cert, key);
    if (certificate->is_authority)
        extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    if (certificate->names)
        extend(cert, NID_subject_alt_name, certificate->names);
    assert_true(X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()) > 0);

    FILE *out = open_file(folder, certificate->file, "pem", "w");
    assert_int_equal(PEM_write_X509(out, cert), 1);
    fclose(out);
    out = open_file(folder, certificate->file, "key", "w");
    assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void certificate_revoke(const char *folder, const char *issuer, const char *revoked,
                        const char *file, int until)
{
    X509 *authority = load_certificate(folder, issuer);
    EVP_PKEY *key = load_key(folder, issuer);
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();

    assert_true(crl && time);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority));
    X509_CRL_set1_lastUpdate(crl, X509_time_adj_ex(time, -2, 0, NULL));
    X509_CRL_set1_nextUpdate(crl, X509_time_adj_ex(time, until, 0, NULL));
    if (revoked) {
        X509 *cert = load_certificate(folder, revoked);
        X509_REVOKED *entry = X509_REVOKED_new();
        assert_non_null(entry);
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert));
        X509_REVOKED_set_revocationDate(entry, X509_time_adj_ex(time, -1, 0, NULL));
        X509_CRL_add0_revoked(crl, entry);
        X509_free(cert);
    }
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    FILE *out = open_file(folder, file, "pem", "w");
    assert_int_equal(PEM_write_X509_CRL(out, crl), 1);
    fclose(out);
    ASN1_TIME_free(time);
    X509_CRL_free(crl);
    EVP_PKEY_free(key);
    X509_free(authority);
}

void certificates_make(const char *folder)
{
    static const struct certificate all[] = {
        {"ca", "test authority", NULL, NULL, -2, 365, true},
        {"server", "localhost", "DNS:localhost,IP:127.0.0.1,DNS:a.example", "ca", -1, 90, false},
        {"other", "b.example", "DNS:b.example", "ca", -1, 90, false},
        {"client", "ann", "email:ann@example,DNS:laptop.example", "ca", -1, 90, false},
        {"expired", "localhost", "DNS:localhost", "ca", -2, -1, false},
        {"early", "localhost", "DNS:localhost", "ca", 2, 90, false},
        {"wrong", "elsewhere", "DNS:elsewhere.example,IP:192.0.2.1", "ca", -1, 90, false},
        {"bare", "bare \"quoted\"", NULL, "ca", -1, 90, false},
        {"self", "localhost", "DNS:localhost", NULL, -1, 90, false},
        {"foreign", "foreign authority", NULL, NULL, -2, 365, true},
        {"stranger", "localhost", "DNS:localhost", "foreign", -1, 90, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        certificate_make(folder, &all[i]);
    certificate_revoke(folder, "ca", "client", "crl", 30);
}
