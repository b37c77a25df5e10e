/* SPDX-License-Identifier: MIT
 *
 * Hashes of crypt(3). Any thread; each call may take as long as the hash is meant to cost. */
#ifndef USERS_SECRET_H
#define USERS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/bytes.h"

/* True if crypt(3) can compare with it, and it is neither too weak (DES, MD5) nor too short. */
bool users_secret_is_hash(const char *hash);

/* The memory that a comparison needs; users_secret_work_size bytes, zeroed. */
size_t users_secret_work_size(void);

/* True if the secret has the hash. How long it takes depends on the hash's method and cost, and on the size of
 * the secret, but not on how much of it is right. The work memory is wiped. */
bool users_secret_check(void *work, const char *hash, struct weft_view secret);

#endif
