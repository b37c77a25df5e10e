/* SPDX-License-Identifier: MIT
 *
 * Certificates for tests. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "tls.h"

enum { PATH_SIZE = 1024, NAMES_SIZE = 2048, DAY = 24 * 60 * 60, FILES = 6 };

struct maker {
    const char *folder;
    int days;
    X509 *ca;
    EVP_PKEY *ca_key;
    char made[FILES][PATH_SIZE]; /* paths of files, which a failure removes */
    size_t made_count;
    struct weft_error *error;
};

static int fail(struct maker *maker, int err, const char *what)
{
    ERR_clear_error();
    return weft_error_set(maker->error, err, "%s: %s", what, weft_strerror(err));
}

/* Writes what is in bio to a new file, and frees bio. */
static int write_file(struct maker *maker, const char *name, BIO *bio)
{
    char *path = maker->made[maker->made_count], *data = NULL;
    long size = BIO_get_mem_data(bio, &data), at = 0;
    int err = 0;

    if (snprintf(path, PATH_SIZE, "%s/%s", maker->folder, name) >= PATH_SIZE) {
        BIO_free(bio);
        return fail(maker, -ENAMETOOLONG, maker->folder);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err = -errno;
    } else {
        maker->made_count++;
        while (err == 0 && at < size) {
            ssize_t n = write(fd, data + at, (size_t)(size - at));
            if (n < 0)
                err = -errno;
            else
                at += n;
        }
        if (close(fd) < 0 && err == 0)
            err = -errno;
    }
    BIO_free(bio); /* which overwrites what it held */
    return err < 0 ? fail(maker, err, path) : 0;
}

static int write_pair(struct maker *maker, const char *name, X509 *cert, EVP_PKEY *key)
{
    char file[32];
    BIO *certificates = BIO_new(BIO_s_mem()), *keys = BIO_new(BIO_s_secmem());

    if (!certificates || !keys || !PEM_write_bio_X509(certificates, cert) ||
        !PEM_write_bio_PrivateKey(keys, key, NULL, NULL, 0, NULL, NULL)) {
        BIO_free(certificates);
        BIO_free(keys);
        return fail(maker, -ENOMEM, name);
    }
    (void)snprintf(file, sizeof file, "%s.pem", name);
    int err = write_file(maker, file, certificates);
    if (err < 0) {
        BIO_free(keys);
        return err;
    }
    (void)snprintf(file, sizeof file, "%s.key", name);
    return write_file(maker, file, keys);
}

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    int ok = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

static int set_serial(X509 *cert)
{
    unsigned char bytes[16];
    BIGNUM *number = NULL;
    int ok = RAND_bytes(bytes, sizeof bytes) == 1;

    bytes[0] &= 0x7f;
    number = ok ? BN_bin2bn(bytes, sizeof bytes, NULL) : NULL;
    ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

/* A kind of certificate: its file, and the values of its extensions. */
struct kind {
    const char *name, *constraints, *usage, *extended;
};

/* Fills in a certificate and signs it. Without an authority it signs itself. */
static int fill(const struct maker *maker, X509 *cert, EVP_PKEY *key, const struct kind *kind,
                const char *common_name, const char *names)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    X509 *issuer = maker->ca ? maker->ca : cert;

    return X509_set_version(cert, 2) && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) &&
           X509_time_adj_ex(X509_getm_notAfter(cert), maker->days, 0, NULL) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
           X509_set_pubkey(cert, key) &&
           add_extension(cert, issuer, NID_basic_constraints, kind->constraints) &&
           add_extension(cert, issuer, NID_key_usage, kind->usage) &&
           add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always") &&
           (!kind->extended || add_extension(cert, issuer, NID_ext_key_usage, kind->extended)) &&
           (!names || add_extension(cert, issuer, NID_subject_alt_name, names)) &&
           X509_sign(cert, maker->ca ? maker->ca_key : key, EVP_sha256()) > 0;
}

/* Makes a certificate and its key, and writes both. The first one is the authority, which is kept. */
static int make(struct maker *maker, const struct kind *kind, const char *common_name,
                const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    int err;

    if (!key || !cert)
        err = fail(maker, -ENOMEM, kind->name);
    else if (!fill(maker, cert, key, kind, common_name, names))
        err = fail(maker, -EINVAL, common_name);
    else
        err = write_pair(maker, kind->name, cert, key);
    if (err == 0 && !maker->ca) {
        maker->ca = cert;
        maker->ca_key = key;
        return 0;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

/* Writes the names of a server's certificate as OpenSSL takes them: "DNS:localhost,IP:127.0.0.1". */
static int list_names(struct maker *maker, const char *more, char *dst)
{
    size_t used = (size_t)snprintf(dst, NAMES_SIZE, "DNS:localhost,IP:127.0.0.1,IP:::1");

    while (more && *more) {
        size_t size = strcspn(more, ",");
        char name[256];
        (void)snprintf(name, sizeof name, "%.*s", (int)(size < 255 ? size : 255), more);
        ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
        ERR_clear_error();
        if (size == 0 || size > 255 || used + size + 6 > NAMES_SIZE ||
            strcspn(name, " =:\n;") < size) {
            if (!address) {
                return weft_error_set(maker->error, WEFT_ECONFIG, "'%s' is no name of a server",
                                      name);
            }
        }
        used +=
            (size_t)snprintf(dst + used, NAMES_SIZE - used, ",%s:%s", address ? "IP" : "DNS", name);
        ASN1_OCTET_STRING_free(address);
        more += size + (more[size] == ',');
    }
    return 0;
}

int weft_tls_make_certificates(const char *folder, const char *names, const char *client, int days,
                               struct weft_error *error)
{
    static const struct kind ca = {"ca", "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL},
                             server = {"server", "critical,CA:FALSE", "critical,digitalSignature",
                                       "serverAuth"},
                             user = {"client", "critical,CA:FALSE", "critical,digitalSignature",
                                     "clientAuth"};
    struct maker maker = {.folder = folder, .days = days, .error = error};
    char all[NAMES_SIZE];

    int err = list_names(&maker, names, all);
    if (err == 0)
        err = make(&maker, &ca, "weft test authority", NULL);
    if (err == 0)
        err = make(&maker, &server, "localhost", all);
    if (err == 0)
        err = make(&maker, &user, client, NULL);
    for (size_t i = 0; err < 0 && i < maker.made_count; i++)
        (void)unlink(maker.made[i]);
    X509_free(maker.ca);
    EVP_PKEY_free(maker.ca_key);
    return err;
}
