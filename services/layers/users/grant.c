/* SPDX-License-Identifier: MIT */
#include <sodium.h>
#include <string.h>

#include "private.h"

struct users_grant *users_grant_new(struct users_table *table, const struct users_entry *user)
{
    struct users_grant *grant = weft_malloc(sizeof *grant);
    if (grant)
        *grant = (struct users_grant){1, users_table_ref(table), user};
    return grant;
}

struct users_grant *users_grant_ref(struct users_grant *grant)
{
    grant->references++;
    return grant;
}

void users_grant_unref(void *memory)
{
    struct users_grant *grant = memory;
    if (!grant || --grant->references > 0)
        return;
    users_table_unref(grant->table);
    weft_free(grant);
}

void users_loop_refresh(struct users_loop *self)
{
    users_table_unref(self->table);
    self->table = users_current(self->users, &self->generation);
}

bool users_grant_renew(const struct users_loop *self, struct users_grant *grant)
{
    const struct users_entry *old = grant->user;
    if (grant->table == self->table)
        return old;
    const struct users_entry *user =
        old ? users_table_find(self->table, weft_view_str(old->name)) : NULL;
    bool is_same = user && user->kind == old->kind && strcmp(user->proof, old->proof) == 0;
    grant->user = is_same ? user : NULL;
    users_table_unref(grant->table);
    grant->table = users_table_ref(self->table);
    return is_same;
}

void users_digest(const struct weft_users *users, struct weft_view name, struct weft_view secret,
                  uint8_t *digest)
{
    crypto_generichash_state state;
    uint64_t size = name.size;
    crypto_generichash_init(&state, users->key, sizeof users->key, USERS_DIGEST);
    crypto_generichash_update(&state, (const uint8_t *)&size, sizeof size);
    crypto_generichash_update(&state, name.data, name.size);
    crypto_generichash_update(&state, secret.data, secret.size);
    crypto_generichash_final(&state, digest, USERS_DIGEST);
    sodium_memzero(&state, sizeof state);
}

struct users_grant *users_cache_find(const struct users_loop *self, const uint8_t *digest)
{
    const struct users_cached *slot = &self->cache[digest[0] % USERS_CACHE];
    return slot->grant && sodium_memcmp(slot->digest, digest, USERS_DIGEST) == 0 ? slot->grant
                                                                                 : NULL;
}

void users_cache_put(struct users_loop *self, const uint8_t *digest, struct users_grant *grant)
{
    struct users_cached *slot = &self->cache[digest[0] % USERS_CACHE];
    users_grant_ref(grant);
    users_grant_unref(slot->grant);
    slot->grant = grant;
    memcpy(slot->digest, digest, USERS_DIGEST);
}
