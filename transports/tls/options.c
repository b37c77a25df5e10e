/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

const struct weft_option weft__tls_option_table[] = {
    {"cert", "FILE,...", "certificates of a server, or one of a client, each with its chain"},
    {"key", "FILE,...", "their keys, in the same order (default: the files of cert)"},
    {"client-ca", "FILE", "a server asks for certificates of clients that this has signed"},
    {"ca", "FILE", "who must have signed the server's certificate (default: the system's)"},
    {"name", "NAME", "what the server's certificate must be for (default: the host)"},
    {"verify", "off|optional|required", "if the other end must have a certificate"},
    {"crl", "FILE", "lists of revoked certificates"},
    {"min", "1.2|1.3", "the lowest version of TLS (default 1.2)"},
    {NULL, NULL, NULL},
};

static int refuse(struct weft_error *error, const char *name, const char *value, const char *why)
{
    return weft_error_set(error, WEFT_ECONFIG, "option %s=%s: %s", name, value, why);
}

bool weft__tls_item(const char *list, size_t i, char *dst)
{
    for (; i > 0; i--) {
        list += strcspn(list, ",");
        if (*list == '\0')
            return false;
        list++;
    }
    size_t size = strcspn(list, ",");
    memcpy(dst, list, size);
    dst[size] = '\0';
    return size > 0;
}

bool weft__tls_is_address(const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    ASN1_OCTET_STRING_free(address);
    return address != NULL;
}

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static int read_verify(struct weft__tls_options *options, const char *text,
                       struct weft_error *error)
{
    static const char *const names[] = {"off", "optional", "required"};
    bool is_server = options->role == WEFT_SERVER;

    options->verify = is_server && options->ca[0] == '\0' ? WEFT__TLS_OFF : WEFT__TLS_REQUIRED;
    for (int i = WEFT__TLS_OFF; text && i <= WEFT__TLS_REQUIRED; i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        if (!is_server && i == WEFT__TLS_OPTIONAL)
            return refuse(error, "verify", text, "a client takes off or required");
        if (is_server && i != WEFT__TLS_OFF && options->ca[0] == '\0')
            return refuse(error, "verify", text,
                          "client-ca= must say who signs certificates of clients");
        options->verify = (enum weft__tls_verify)i;
        return 0;
    }
    return text ? refuse(error, "verify", text, "it is off, optional or required") : 0;
}

static int read_pairs(struct weft__tls_options *options, const char *cert, const char *key,
                      struct weft_error *error)
{
    bool is_server = options->role == WEFT_SERVER;
    char item[WEFT_URL_MAX];

    if (!cert && key)
        return refuse(error, "key", key, "the certificate is missing: cert=FILE");
    if (!cert)
        return is_server ? weft_error_set(error, WEFT_ECONFIG,
                                          "tls: a server needs cert=FILE and key=FILE; kvs "
                                          "--make-certificate FOLDER makes some for tests")
                         : 0;
    options->pairs = count_items(cert);
    if (options->pairs > (is_server ? WEFT__TLS_PAIRS : 1))
        return refuse(error, "cert", cert, is_server ? "at most 8" : "a client has one");
    if (key && count_items(key) != options->pairs)
        return refuse(error, "key", key, "there must be as many keys as certificates");
    snprintf(options->cert, sizeof options->cert, "%s", cert);
    snprintf(options->key, sizeof options->key, "%s", key ? key : cert);
    for (size_t i = 0; i < options->pairs; i++)
        if (!weft__tls_item(options->cert, i, item) || !weft__tls_item(options->key, i, item))
            return refuse(error, "cert", cert, "an item of the list is empty");
    return 0;
}

static int read_min(struct weft__tls_options *options, const char *text, struct weft_error *error)
{
    options->min = TLS1_2_VERSION;
    if (text && strcmp(text, "1.3") == 0)
        options->min = TLS1_3_VERSION;
    else if (text && strcmp(text, "1.2") != 0)
        return refuse(error, "min", text, "it is 1.2 or 1.3");
    return 0;
}

/* The name that a client asks for, and that the certificate must have. */
static int read_name(struct weft__tls_options *options, const char *name,
                     const struct weft_url *url, struct weft_error *error)
{
    if (!name)
        name = url->host;
    if (!name && options->verify == WEFT__TLS_OFF)
        return 0;
    if (!name)
        return weft_error_set(error, WEFT_ECONFIG,
                              "tls: without a host, name=NAME says what the server's certificate "
                              "must be for");
    if (*name == '\0' || strlen(name) >= sizeof options->name)
        return refuse(error, "name", name, "it has 1 to 255 bytes");
    snprintf(options->name, sizeof options->name, "%s", name);
    return 0;
}

/* A filter above, such as ws, has codecs that say nothing about the protocol here. */
static void read_protocols(struct weft__tls_options *options, const struct weft_url *url,
                           const struct weft_codec *const *codecs)
{
    if (strncmp(url->scheme, "tls", 3) != 0)
        return;
    options->must_agree = *codecs != NULL;
    for (; *codecs; codecs++) {
        const char *alpn = (*codecs)->alpn;
        if (alpn && options->protocol_count < WEFT__TLS_PROTOCOLS)
            options->protocols[options->protocol_count++] = alpn;
        else
            options->must_agree = false;
    }
}

static int refuse_others(const struct weft_option_set *set, enum weft_role role,
                         struct weft_error *error)
{
    static const char *const of_clients[] = {"ca", "name"}, *const of_servers[] = {"client-ca"};
    const char *const *names = role == WEFT_SERVER ? of_clients : of_servers;
    size_t count = role == WEFT_SERVER ? 2 : 1;

    for (size_t i = 0; i < count; i++) {
        const char *value = weft_option_get(set, names[i]);
        if (value)
            return refuse(error, names[i], value,
                          role == WEFT_SERVER ? "only a client has it; a server has client-ca="
                                              : "only a server has it; a client has ca=");
    }
    return 0;
}

int weft__tls_options_read(struct weft__tls_options *options, const struct weft_url *url,
                           enum weft_role role, const struct weft_codec *const *codecs,
                           struct weft_error *error)
{
    const struct weft_option_set set = weft_url_option_set(url);
    const char *ca = weft_option_get(&set, role == WEFT_SERVER ? "client-ca" : "ca");
    const char *crl = weft_option_get(&set, "crl");

    *options = (struct weft__tls_options){.role = role};
    snprintf(options->place, sizeof options->place, "%s:%s%.500s%s%s", url->scheme,
             url->host ? "//" : "", url->host ? url->host : or_empty(url->path),
             url->host ? ":" : "", url->host ? url->port : "");
    snprintf(options->ca, sizeof options->ca, "%s", or_empty(ca));
    snprintf(options->crl, sizeof options->crl, "%s", or_empty(crl));
    int err = refuse_others(&set, role, error);
    if (err == 0)
        err = read_verify(options, weft_option_get(&set, "verify"), error);
    if (err == 0)
        err =
            read_pairs(options, weft_option_get(&set, "cert"), weft_option_get(&set, "key"), error);
    if (err == 0)
        err = read_min(options, weft_option_get(&set, "min"), error);
    if (err == 0 && crl && role == WEFT_SERVER && !ca)
        err = refuse(error, "crl", crl, "client-ca= must say who signs certificates of clients");
    if (err == 0 && role == WEFT_CLIENT)
        err = read_name(options, weft_option_get(&set, "name"), url, error);
    if (err == 0)
        read_protocols(options, url, codecs);
    return err;
}
