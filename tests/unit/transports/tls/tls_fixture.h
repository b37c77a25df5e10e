/* SPDX-License-Identifier: MIT
 *
 * Two ends of TLS, driven as core/filter.h says, but meaner: each piece of input is a block of its own size, so
 * that AddressSanitizer sees a byte read too far. */
#ifndef TEST_TLS_FIXTURE_H
#define TEST_TLS_FIXTURE_H

#include "core/base/buf.h"
#include "core/peer.h"
#include "transports/tls/tls.h"

struct tls_end {
    enum weft_role role;
    void *config, *state;
    struct weft_chain down;
    struct weft_buf got; /* message bytes, and a NUL */
    ssize_t result;      /* of the last open */
    bool is_open, is_over;
    size_t room; /* of dst; 0 after init: there is always enough */
};

/* The folder with the certificates of this program, made and removed by these fixtures of a group. */
extern char tls_folder[128];
int tls_group_setup(void **state);
int tls_group_teardown(void **state);

/* query is what would stand behind the ? of a URL; each @ in it is the folder and a slash. codecs end with NULL;
 * NULL: none. Returns what configure or init returned; on failure nothing is held. */
int tls_end_init(struct tls_end *end, struct weft_tls *context, enum weft_role role,
                 const char *query, const struct weft_codec *const *codecs,
                 struct weft_error *error);
void tls_end_fini(struct tls_end *end);
/* One more connection of the endpoint that `of` has the configuration of. */
void tls_end_again(struct tls_end *end, const struct tls_end *of);
void tls_end_hang_up(struct tls_end *end);

/* More bytes have come from below. Calls open until it wants more or ends. */
ssize_t tls_end_feed(struct tls_end *end, const void *bytes, size_t size);
ssize_t tls_end_eof(struct tls_end *end);
int tls_end_seal(struct tls_end *end, const void *bytes, size_t size);
int tls_end_finish(struct tls_end *end);
const char *tls_end_trouble(const struct tls_end *end);
struct weft_peer tls_end_peer(const struct tls_end *end);

/* Takes what goes below out of the chain (free()). */
uint8_t *tls_end_take(struct tls_end *end, size_t *size);

/* Lets the two talk, in pieces of so many bytes, until neither has anything to say. */
void tls_talk(struct tls_end *client, struct tls_end *server, size_t piece);

/* The usual options of the two. */
#define TLS_SERVER "cert=@server.pem&key=@server.key"
#define TLS_CLIENT "ca=@ca.pem&name=localhost"
#define TLS_MUTUAL TLS_SERVER "&client-ca=@ca.pem"
#define TLS_KNOWN  TLS_CLIENT "&cert=@client.pem&key=@client.key"

#endif
