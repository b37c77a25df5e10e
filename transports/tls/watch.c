/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include "state.h"

enum { KEY_UPDATES_MAX = 32 };

static void break_rule(struct weft__tls *tls, const char *why)
{
    tls->broke_rule = true;
    tls->why = why;
}

void weft__tls_on_message(int is_sent, int version, int type, const void *data, size_t size,
                          SSL *ssl, void *arg)
{
    struct weft__tls *tls = SSL_get_app_data(ssl);
    const unsigned char *message = data;
    (void)version, (void)arg;

    if (size < 2 || !tls->is_open)
        return;
    /* OpenSSL refuses a renegotiation with a warning, as often as it is asked. */
    if (is_sent && type == SSL3_RT_ALERT && message[1] == SSL_AD_NO_RENEGOTIATION)
        break_rule(tls, "the peer wants to renegotiate");
    if (!is_sent && type == SSL3_RT_HANDSHAKE && message[0] == SSL3_MT_KEY_UPDATE &&
        ++tls->key_updates > KEY_UPDATES_MAX)
        break_rule(tls, "the peer changes keys again and again");
}
