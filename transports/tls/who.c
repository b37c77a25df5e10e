/* SPDX-License-Identifier: MIT */
#include "who.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/peer.h"
#include "names.h"

enum { NAMES = 1024 };

/* An empty text is one that is not there. */
struct weft__tls_who {
    char subject[WEFT__TLS_NAME], server_name[WEFT__TLS_NAME], names[NAMES];
};

struct weft__tls_who *weft__tls_who_new(SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    bool is_proven = cert && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE &&
                     SSL_get_verify_result(ssl) == X509_V_OK;
    const char *server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (!is_proven && !server_name)
        return NULL;
    struct weft__tls_who *who = weft_calloc(1, sizeof *who);
    if (!who)
        return NULL;
    if (server_name && strlen(server_name) < sizeof who->server_name)
        memcpy(who->server_name, server_name, strlen(server_name) + 1);
    if (is_proven && !weft__tls_common_name(cert, who->subject, sizeof who->subject))
        who->subject[0] = '\0';
    if (is_proven)
        (void)weft__tls_alternative_names(cert, "\n", who->names, sizeof who->names);
    return who;
}

void weft__tls_who_free(struct weft__tls_who *who)
{
    weft_free(who);
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

void weft__tls_who_tell(const struct weft__tls_who *who, struct weft_peer *peer)
{
    peer->subject = or_null(who->subject);
    peer->names = or_null(who->names);
    peer->server_name = or_null(who->server_name);
}

const char *weft__tls_protocol(const SSL *ssl, const struct weft__tls_options *options)
{
    const unsigned char *name;
    unsigned size;

    SSL_get0_alpn_selected(ssl, &name, &size);
    for (size_t i = 0; size > 0 && i < options->protocol_count; i++)
        if (strlen(options->protocols[i]) == size && memcmp(options->protocols[i], name, size) == 0)
            return options->protocols[i];
    return NULL;
}
