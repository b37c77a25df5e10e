/* SPDX-License-Identifier: MIT
 *
 * The declarations that the files of the layer share. */
#ifndef USERS_PRIVATE_H
#define USERS_PRIVATE_H

#include "delay.h"
#include "pool.h"
#include "table.h"
#include "users.h"

struct weft_users {
    const char *path;
    const struct weft_log *log;
    pthread_mutex_t lock;      /* for table */
    struct users_table *table; /* counted */
    struct users_table *next;  /* from prepare to commit; else NULL */
    unsigned
        generation; /* of table: grows with each commit; read with acquire order outside of the lock */
    struct users_pool pool;
    struct users_delays delays;
    uint8_t key[32]; /* of the digests in the loops' caches */
    _Atomic uint64_t logins, failures, refusals;
    _Atomic int64_t logged; /* when a failure was last logged */
};

/* Returns a counted reference to the current table, and its generation. */
struct users_table *users_current(struct weft_users *users, unsigned *generation);

/* A grant holds the rules of a user, for a peer or a request. It belongs to one loop, as its count does. */
struct users_grant {
    unsigned references;
    struct users_table *table;      /* counted */
    const struct users_entry *user; /* NULL: the user is gone, or has another proof */
};

enum { USERS_CACHE = 256, USERS_DIGEST = 16 };

/* A loop's side of the layer. The cache knows credentials that were right, by a digest with a secret key, so that a
 * request which brings them again is not hashed again. */
struct users_loop {
    struct weft_users *users;
    struct weft_loop *loop;
    struct users_table *table; /* counted */
    unsigned generation;
    struct users_cached {
        uint8_t digest[USERS_DIGEST];
        struct users_grant *grant; /* counted; NULL: the slot is free */
    } * cache;
};

struct users_request {
    struct users_grant *grant; /* of the request's own credentials; counted */
    bool waited;
    int result; /* after a wait: as of authenticate */
};

/* grant.c: grants, and which the cache has. */

/* Returns a grant with one reference, or NULL: no memory. */
struct users_grant *users_grant_new(struct users_table *table, const struct users_entry *user);
struct users_grant *users_grant_ref(struct users_grant *grant);
void users_grant_unref(void *grant);
/* Makes the loop's table the current one. */
void users_loop_refresh(struct users_loop *self);
/* Finds the grant's user in the loop's table. False: there is none who is the same. */
bool users_grant_renew(const struct users_loop *self, struct users_grant *grant);

/* Makes a digest of both, for the cache. */
void users_digest(const struct weft_users *users, struct weft_view name, struct weft_view secret,
                  uint8_t *digest);
/* Returns what the cache has, not counted, or NULL. */
struct users_grant *users_cache_find(const struct users_loop *self, const uint8_t *digest);
void users_cache_put(struct users_loop *self, const uint8_t *digest, struct users_grant *grant);

/* login.c: a secret that is looked at. */

/* Has the secret looked at, and waits with the request. own: where the result goes if the request waits in begin;
 * else NULL. digest: of the credentials, for the cache. Returns -EINPROGRESS, -EBUSY or -ENOMEM. */
WEFT_MUST_USE int users_login(struct users_loop *self, struct weft_request *request,
                              struct users_request *own, struct weft_view name,
                              struct weft_view secret, const uint8_t *digest);

/* Gives the grant to the peer if the credentials are the connection's, as those of a login and of a WebSocket's
 * handshake are. Otherwise they are the message's, and the grant is the request's. own: of the request; NULL: it is a
 * login. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int users_admit(struct weft_peer *peer, const struct weft_request *request,
                              struct users_request *own, struct users_grant *grant);

/* Makes the peer the user of the grant. -ENOMEM: nothing changed. */
WEFT_MUST_USE int users_become(struct weft_peer *peer, struct users_grant *grant);

#endif
