/* SPDX-License-Identifier: MIT
 *
 * Users and rules: a layer (core/layer.h) that lets each peer do what a file of users says.
 *
 * The file has a line per user; blank lines and those that begin with # are skipped:
 *
 *     NAME PROOF [RULE...]
 *
 *     ann      $y$j9T$...            read:* write:orders-*
 *     deploy   cert:deploy.example   admin
 *     backup   uid:34                read
 *
 * NAME is at most 64 letters, digits, `_`, `-` or `@`, and comes once. PROOF is a hash of crypt(3), as
 * weft_users_hash makes it; `cert:CN`, the common name of a certificate that the transport has verified; or
 * `uid:N`, the user of the process at the other end of a Unix socket. RULE is WHAT or WHAT:GLOB. WHAT is
 * `read`, `write` (which includes read, since a write answers what it replaces), `subscribe` or `admin`,
 * which takes no GLOB. GLOB is compared with the name of a table or topic: `*` is any text, `?` any byte.
 * Without one it is `*`. What concerns no table in particular, such as a list of all, needs `*`. */
#ifndef WEFT_USERS_H
#define WEFT_USERS_H

#include "core/base/log.h"
#include "core/base/samples.h"
#include "core/layer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Register it with a struct weft_users as its context. All loops share that; the layer has no options. */
extern const struct weft_layer weft_users_layer;

struct weft_users;

/* Reads the file `path`, which is borrowed, as is the log. Returns 0, or an error: WEFT_ECONFIG if a line is
 * wrong, -errno if the file cannot be read; *error then says which line or file, and why. */
WEFT_MUST_USE int weft_users_open(struct weft_users **users, const char *path,
                                  const struct weft_log *log, struct weft_error *error);
/* Ends its thread. Called after every server that uses it is freed. NULL: does nothing. */
void weft_users_close(struct weft_users *users);

/* Reads the file again, in two phases, so that several files can be exchanged together. prepare reads and
 * checks it and changes nothing; its errors are those of weft_users_open. After it returned 0, commit or
 * abandon follows. From commit on, a peer whose user is gone, or has another proof, has to log in again, and
 * the rules of all others are the new ones. One thread at a time; loops may run. */
WEFT_MUST_USE int weft_users_prepare(struct weft_users *users, struct weft_error *error);
/* True if, after a prepare, the file is another one than that in force. */
bool weft_users_would_change(const struct weft_users *users);
void weft_users_commit(struct weft_users *users);
void weft_users_abandon(struct weft_users *users);

/* Returns the number of users. */
size_t weft_users_count(const struct weft_users *users);

struct weft_users_kinds {
    size_t passwords, certificates, uids;
};
/* Returns how many users there are of each kind. */
struct weft_users_kinds weft_users_kinds(const struct weft_users *users);

/* Tells how many have logged in, failed to, and were refused. For a struct weft_collector, whose context is the struct
 * weft_users. */
void weft_users_collect(void *users, struct weft_samples *samples);

enum { WEFT_USERS_HASH_MAX = 512, WEFT_USERS_SECRET_MAX = 511 };

/* Makes the hash of a password, for the file: yescrypt, or SHA-512 where crypt(3) has no other. dst has
 * WEFT_USERS_HASH_MAX bytes. Returns 0, or WEFT_ECONFIG if the password is empty, too long or has a NUL;
 * or -errno. */
WEFT_MUST_USE int weft_users_hash(char *dst, struct weft_view password, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
