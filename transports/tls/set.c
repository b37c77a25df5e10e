/* SPDX-License-Identifier: MIT */
#include "set.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/base/mem.h"
#include "watch.h"
#include "words.h"

enum {
    CERTIFICATES_MAX = 32 * 1024, /* bytes of the other end's chain */
    SESSION_SECONDS = 3600,
};

/* Forward secrecy and authenticated encryption alone. AES with 128 bits comes first, since it is the fastest. */
static const char ciphers_of_1_2[] = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
static const char ciphers_of_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

static int no_memory(struct weft_error *error)
{
    ERR_clear_error();
    return weft_error_set(error, -ENOMEM, "tls: %s", weft_strerror(-ENOMEM));
}

/* Chooses among the protocols that a client offers. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *size,
                        const unsigned char *offered, unsigned offered_size, void *arg)
{
    const struct weft__tls_options *options = arg;
    (void)ssl;

    for (size_t i = 0; i < options->protocol_count; i++) {
        size_t length = strlen(options->protocols[i]);
        for (unsigned at = 0; at < offered_size; at += 1u + offered[at])
            if (offered[at] == length &&
                memcmp(offered + at + 1, options->protocols[i], length) == 0) {
                *out = offered + at + 1;
                *size = (unsigned char)length;
                return SSL_TLSEXT_ERR_OK;
            }
    }
    return options->must_agree ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

/* Offers the protocols of a client. */
static int offer_protocols(SSL_CTX *ctx, const struct weft__tls_options *options)
{
    unsigned char list[256];
    size_t used = 0;

    for (size_t i = 0; i < options->protocol_count; i++) {
        size_t length = strlen(options->protocols[i]);
        if (used + 1 + length > sizeof list)
            break;
        list[used] = (unsigned char)length;
        memcpy(list + used + 1, options->protocols[i], length);
        used += 1 + length;
    }
    return used == 0 || SSL_CTX_set_alpn_protos(ctx, list, (unsigned)used) == 0;
}

/* Chooses the certificate by the name that a client asks for. Without a name, or with one that is unknown, it is
 * the first: the client decides if it takes that. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct weft__tls_set *set = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;

    for (size_t i = 0; name && i < set->count; i++)
        if (X509_check_host(SSL_CTX_get0_certificate(set->pairs[i].ctx), name, 0, 0, NULL) == 1) {
            if (i > 0)
                (void)SSL_set_SSL_CTX(ssl, set->pairs[i].ctx);
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

static int set_server(SSL_CTX *ctx, struct weft__tls_set *set)
{
    static const unsigned char name[] = "weft";

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets alone: no memory of ours */
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, set);
    if (set->options->protocol_count > 0)
        SSL_CTX_set_alpn_select_cb(ctx, on_protocols, (void *)(uintptr_t)set->options);
    return SSL_CTX_set_num_tickets(ctx, 1) &&
           SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1);
}

static int set_client(SSL_CTX *ctx, const struct weft__tls_options *options)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (options->verify != WEFT__TLS_OFF &&
        !(weft__tls_is_address(options->name)
              ? X509_VERIFY_PARAM_set1_ip_asc(param, options->name)
              : X509_VERIFY_PARAM_set1_host(param, options->name, 0)))
        return 0;
    return offer_protocols(ctx, options);
}

static int set_verify(SSL_CTX *ctx, struct weft__tls_set *set)
{
    const struct weft__tls_options *options = set->options;
    int mode = options->verify == WEFT__TLS_OFF ? SSL_VERIFY_NONE
               : options->verify == WEFT__TLS_OPTIONAL
                   ? SSL_VERIFY_PEER
                   : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

    SSL_CTX_set_verify(ctx, mode, weft__tls_on_verify);
    if (set->store)
        SSL_CTX_set1_cert_store(ctx, set->store);
    if (set->authorities) {
        STACK_OF(X509_NAME) *copy = SSL_dup_CA_list(set->authorities);
        if (!copy)
            return 0;
        SSL_CTX_set_client_CA_list(ctx, copy);
    }
    return set->store || options->role == WEFT_SERVER || SSL_CTX_set_default_verify_paths(ctx);
}

/* Not by OpenSSL's macro, whose cast clang warns of. */
static int set_groups(SSL_CTX *ctx)
{
    return SSL_CTX_ctrl(ctx, SSL_CTRL_SET_GROUPS_LIST, 0, (void *)(uintptr_t)groups) == 1;
}

static SSL_CTX *new_context(struct weft__tls_set *set)
{
    const struct weft__tls_options *options = set->options;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    if (!ctx)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* The file has the chain: OpenSSL is not to look for another one at each handshake. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
    SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
    SSL_CTX_set_default_passwd_cb(ctx, weft__tls_no_password);
    SSL_CTX_set_msg_callback(ctx, weft__tls_on_message);
    if (SSL_CTX_set_min_proto_version(ctx, options->min) &&
        SSL_CTX_set_cipher_list(ctx, ciphers_of_1_2) &&
        SSL_CTX_set_ciphersuites(ctx, ciphers_of_1_3) && set_groups(ctx) && set_verify(ctx, set) &&
        (options->role == WEFT_SERVER ? set_server(ctx, set) : set_client(ctx, options)))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* Returns true if the last error is that a file of PEM has no more parts, and clears that. */
static bool is_at_end(void)
{
    unsigned long code = ERR_peek_last_error();

    if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

static int load_certificate(SSL_CTX *ctx, const struct weft__tls_file *file,
                            struct weft_error *error)
{
    X509 *cert = PEM_read_bio_X509_AUX(file->bio, NULL, weft__tls_no_password, NULL);

    if (!cert)
        return weft__tls_file_refuse(file, "there is no certificate", error);
    int ok = SSL_CTX_use_certificate(ctx, cert);
    X509_free(cert);
    if (ok != 1)
        return weft__tls_file_refuse(file, "the certificate cannot be used", error);
    while ((cert = PEM_read_bio_X509(file->bio, NULL, weft__tls_no_password, NULL)) != NULL)
        if (!SSL_CTX_add0_chain_cert(ctx, cert)) {
            X509_free(cert);
            return weft__tls_file_refuse(file, "the chain cannot be used", error);
        }
    return is_at_end() ? 0 : weft__tls_file_refuse(file, "the chain is damaged", error);
}

static int load_key(SSL_CTX *ctx, const struct weft__tls_file *file, struct weft_error *error)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file->bio, NULL, weft__tls_no_password, NULL);

    if (!key)
        return weft__tls_file_refuse(file, "there is no key that needs no password", error);
    int ok = SSL_CTX_use_PrivateKey(ctx, key);
    EVP_PKEY_free(key);
    return ok == 1 ? 0 : weft__tls_file_refuse(file, "it is not the key of the certificate", error);
}

static int load_pair(SSL_CTX *ctx, const struct weft__tls_options *options, size_t i,
                     uint8_t digest[WEFT__TLS_DIGEST], struct weft_error *error)
{
    char path[WEFT_URL_MAX];
    struct weft__tls_file file;

    memset(digest, 0, WEFT__TLS_DIGEST);
    (void)weft__tls_item(options->cert, i, path);
    int err = weft__tls_file_read(&file, "cert", path, error);
    if (err == 0 && ctx)
        err = load_certificate(ctx, &file, error);
    if (err == 0 && weft__tls_file_digest(&file, digest) < 0)
        err = no_memory(error);
    weft__tls_file_fini(&file);
    if (err < 0)
        return err;
    (void)weft__tls_item(options->key, i, path);
    err = weft__tls_file_read(&file, "key", path, error);
    if (err == 0 && ctx)
        err = load_key(ctx, &file, error);
    if (err == 0 && weft__tls_file_digest(&file, digest) < 0)
        err = no_memory(error);
    weft__tls_file_fini(&file);
    return err;
}

int weft__tls_pair_digest(const struct weft__tls_options *options, size_t i,
                          uint8_t digest[WEFT__TLS_DIGEST])
{
    return load_pair(NULL, options, i, digest, NULL);
}

static int add_authority(struct weft__tls_set *set, X509 *cert)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));

    if (name && sk_X509_NAME_push(set->authorities, name) > 0)
        return X509_STORE_add_cert(set->store, cert);
    X509_NAME_free(name);
    return 0;
}

static int load_authorities(struct weft__tls_set *set, const struct weft__tls_file *file,
                            struct weft_error *error)
{
    int count = 0, ok = 1;
    X509 *cert;

    while (ok &&
           (cert = PEM_read_bio_X509_AUX(file->bio, NULL, weft__tls_no_password, NULL)) != NULL) {
        ok = add_authority(set, cert);
        X509_free(cert);
        count++;
    }
    if (!ok)
        return weft__tls_file_refuse(file, "a certificate cannot be used", error);
    return is_at_end() && count > 0
               ? 0
               : weft__tls_file_refuse(file, "there is no certificate, or a damaged one", error);
}

static int load_revoked(struct weft__tls_set *set, const struct weft__tls_file *file,
                        struct weft_error *error)
{
    int count = 0, ok = 1;
    X509_CRL *crl;

    while (ok &&
           (crl = PEM_read_bio_X509_CRL(file->bio, NULL, weft__tls_no_password, NULL)) != NULL) {
        ok = X509_STORE_add_crl(set->store, crl);
        X509_CRL_free(crl);
        count++;
    }
    if (!ok || !is_at_end() || count == 0)
        return weft__tls_file_refuse(
            file, "there is no list of revoked certificates, or a damaged one", error);
    X509_STORE_set_flags(set->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return 0;
}

static int load_trust_file(struct weft__tls_set *set, const char *option, const char *path,
                           int (*load)(struct weft__tls_set *set, const struct weft__tls_file *file,
                                       struct weft_error *error),
                           struct weft_error *error)
{
    struct weft__tls_file file;
    int err = weft__tls_file_read(&file, option, path, error);

    if (err == 0)
        err = load(set, &file, error);
    if (err == 0 && weft__tls_file_digest(&file, set->trust_digest) < 0)
        err = no_memory(error);
    weft__tls_file_fini(&file);
    return err;
}

static int load_trust(struct weft__tls_set *set, struct weft_error *error)
{
    const struct weft__tls_options *options = set->options;
    bool is_server = options->role == WEFT_SERVER;
    int err = 0;

    if (options->ca[0] == '\0' && options->crl[0] == '\0')
        return 0;
    set->store = X509_STORE_new();
    set->authorities = sk_X509_NAME_new_null();
    if (!set->store || !set->authorities)
        return no_memory(error);
    if (options->ca[0] == '\0' && X509_STORE_set_default_paths(set->store) != 1)
        return no_memory(error);
    /* An authority that is not a root may be trusted as well: whoever names it means it. */
    X509_STORE_set_flags(set->store, X509_V_FLAG_PARTIAL_CHAIN);
    if (options->ca[0])
        err = load_trust_file(set, is_server ? "client-ca" : "ca", options->ca, load_authorities,
                              error);
    if (err == 0 && options->crl[0])
        err = load_trust_file(set, "crl", options->crl, load_revoked, error);
    if (!is_server) { /* a client names no authorities */
        sk_X509_NAME_pop_free(set->authorities, X509_NAME_free);
        set->authorities = NULL;
    }
    return err;
}

int weft__tls_set_new(struct weft__tls_set **made, const struct weft__tls_options *options,
                      struct weft_error *error)
{
    struct weft__tls_set *set = weft_calloc(1, sizeof *set);

    if (!set)
        return no_memory(error);
    atomic_init(&set->refs, 1);
    set->options = options;
    int err = load_trust(set, error);
    for (size_t i = 0; err == 0 && (i == 0 || i < options->pairs); i++) {
        set->count++;
        set->pairs[i].ctx = new_context(set);
        if (!set->pairs[i].ctx)
            err = no_memory(error);
        else if (options->pairs > 0)
            err = load_pair(set->pairs[i].ctx, options, i, set->pairs[i].digest, error);
    }
    if (err < 0) {
        weft__tls_set_unref(set);
        return err;
    }
    *made = set;
    return 0;
}

void weft__tls_set_ref(struct weft__tls_set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
}

void weft__tls_set_unref(struct weft__tls_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < set->count; i++)
        SSL_CTX_free(set->pairs[i].ctx);
    X509_STORE_free(set->store);
    sk_X509_NAME_pop_free(set->authorities, X509_NAME_free);
    weft_free(set);
}

bool weft__tls_set_is_same(const struct weft__tls_set *one, const struct weft__tls_set *other)
{
    for (size_t i = 0; i < one->count; i++)
        if (memcmp(one->pairs[i].digest, other->pairs[i].digest, WEFT__TLS_DIGEST) != 0)
            return false;
    return memcmp(one->trust_digest, other->trust_digest, WEFT__TLS_DIGEST) == 0;
}
