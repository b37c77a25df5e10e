/* SPDX-License-Identifier: MIT
 *
 * Looks at TLS's own messages, for what OpenSSL would put up with. Private to the filter. */
#ifndef WEFT_TLS_WATCH_H
#define WEFT_TLS_WATCH_H

#include <openssl/ssl.h>

/* A message callback (SSL_CTX_set_msg_callback). A renegotiation breaks a rule, and so do many key updates in a
 * row: each is answered, whether the peer reads or not. */
void weft__tls_on_message(int is_sent, int version, int type, const void *data, size_t size,
                          SSL *ssl, void *arg);

#endif
