/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool is_plain(const unsigned char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] == 0x7f)
            return false;
    return size > 0;
}

bool weft__tls_common_name(const X509 *cert, char *dst, size_t size)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text = NULL;
    int length = at < 0 ? -1
                        : ASN1_STRING_to_UTF8(
                              &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    bool ok = length > 0 && (size_t)length < size && is_plain(text, (size_t)length);

    if (ok) {
        memcpy(dst, text, (size_t)length);
        dst[length] = '\0';
    }
    OPENSSL_free(text);
    ERR_clear_error();
    return ok;
}

/* Writes one name. Returns false if it is of no kind that is shown. */
static bool write_name(const GENERAL_NAME *name, char *dst, size_t size)
{
    int type;
    const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);

    if (type == GEN_IPADD) {
        int length = ASN1_STRING_length(text);
        return (length == 4 || length == 16) &&
               inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(text), dst,
                         (socklen_t)size);
    }
    size_t length = type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI
                        ? (size_t)ASN1_STRING_length(text)
                        : 0;
    if (length == 0 || length >= size || !is_plain(ASN1_STRING_get0_data(text), length))
        return false;
    memcpy(dst, ASN1_STRING_get0_data(text), length);
    dst[length] = '\0';
    return true;
}

char *weft__tls_alternative_names(const X509 *cert, const char *between, char *dst, size_t size)
{
    static const char rest[] = "...";
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t used = 0, gap = strlen(between);
    char name[WEFT__TLS_NAME];

    dst[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (!write_name(sk_GENERAL_NAME_value(names, i), name, sizeof name))
            continue;
        bool fits = used + gap + strlen(name) + gap + sizeof rest <= size;
        used += (size_t)snprintf(dst + used, size - used, "%s%s", used > 0 ? between : "",
                                 fits ? name : rest);
        if (!fits)
            break;
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return dst;
}

char *weft__tls_subject(const X509_NAME *name, char *dst, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;

    /* With this form control characters and bytes above 127 are escaped. */
    if (bio && X509_NAME_print_ex(bio, name, 0,
                                  XN_FLAG_ONELINE & ~(unsigned long)(ASN1_STRFLGS_ESC_QUOTE |
                                                                     XN_FLAG_SPC_EQ)) >= 0)
        length = BIO_get_mem_data(bio, &text);
    snprintf(dst, size, "%.*s", (int)length, length > 0 ? text : "");
    BIO_free(bio);
    ERR_clear_error();
    return dst;
}

char *weft__tls_time(const ASN1_TIME *time, char dst[WEFT__TLS_TIME])
{
    struct tm tm;

    if (!ASN1_TIME_to_tm(time, &tm) ||
        strftime(dst, WEFT__TLS_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(dst, WEFT__TLS_TIME, "an unknown time");
    return dst;
}
