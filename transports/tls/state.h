/* SPDX-License-Identifier: MIT
 *
 * The state of one connection. Private to the filter. */
#ifndef WEFT_TLS_STATE_H
#define WEFT_TLS_STATE_H

#include <openssl/ssl.h>

#include "core/base/buf.h"
#include "core/filter.h"
#include "place.h"

struct weft__tls {
    SSL *ssl; /* its app_data is this struct; a server has none until the first record is whole */
    struct weft__tls_place *place;
    struct weft__tls_set *set; /* a reference */
    struct weft_buf first;     /* a server's: the first record, until it is whole */
    struct weft_filter_io *io; /* of the call that is under way */
    char *words;               /* why it broke: owned; NULL: `why` has it */
    const char *why;           /* static, or NULL */
    struct weft__tls_who *who; /* owned; NULL until identify */
    size_t taken;              /* bytes of the handshake */
    ssize_t end;               /* what open will answer when the bytes before it are told */
    unsigned key_updates;      /* since the last message bytes */
    bool is_open : 1;          /* the handshake is over */
    bool has_end : 1;          /* `end` is set */
    bool broke_rule : 1;       /* found by weft__tls_on_message */
    bool no_memory : 1;        /* the BIO could not write */
    bool failed : 1;           /* nothing more can be sealed */
};

#endif
