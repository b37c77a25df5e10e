/* SPDX-License-Identifier: MIT
 *
 * The value of an Authorization header: `Basic` with the base64 of NAME:PASSWORD (RFC 7617), or `Bearer` with
 * NAME.PASSWORD as its token, for clients that know tokens alone (RFC 6750). */
#ifndef USERS_CREDENTIALS_H
#define USERS_CREDENTIALS_H

#include <stdbool.h>

#include "core/base/bytes.h"

enum { USERS_CREDENTIALS_MAX = 1024 };

/* Reads it into dst, which has USERS_CREDENTIALS_MAX bytes, and sets both views, which lie there. False: it is
 * neither. */
bool users_credentials_read(struct weft_view value, uint8_t *dst, struct weft_view *user,
                            struct weft_view *secret);

#endif
