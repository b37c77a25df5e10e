/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "private.h"

int weft_users_open(struct weft_users **into, const char *path, const struct weft_log *log,
                    struct weft_error *error)
{
    struct weft_users *users = weft_calloc(1, sizeof *users);
    if (!users)
        return weft_error_set(error, -ENOMEM, "%s: out of memory", path);
    if (sodium_init() < 0) {
        weft_free(users);
        return weft_error_set(error, -ENOSYS, "libsodium does not start");
    }
    users->path = path;
    users->log = log;
    int err = users_table_read(&users->table, path, error);
    if (err == 0 && users_pool_init(&users->pool) < 0) {
        users_table_unref(users->table);
        err = weft_error_set(error, -ENOMEM, "%s: out of memory", path);
    }
    if (err < 0) {
        weft_free(users);
        return err;
    }
    pthread_mutex_init(&users->lock, NULL);
    users_delays_init(&users->delays);
    randombytes_buf(users->key, sizeof users->key);
    *into = users;
    return 0;
}

void weft_users_close(struct weft_users *users)
{
    if (!users)
        return;
    users_pool_fini(&users->pool);
    users_delays_fini(&users->delays);
    pthread_mutex_destroy(&users->lock);
    users_table_unref(users->next);
    users_table_unref(users->table);
    explicit_bzero(users->key, sizeof users->key);
    weft_free(users);
}

struct users_table *users_current(struct weft_users *users, unsigned *generation)
{
    pthread_mutex_lock(&users->lock);
    struct users_table *table = users_table_ref(users->table);
    *generation = users->generation;
    pthread_mutex_unlock(&users->lock);
    return table;
}

int weft_users_prepare(struct weft_users *users, struct weft_error *error)
{
    return users_table_read(&users->next, users->path, error);
}

bool weft_users_would_change(const struct weft_users *users)
{
    return users->next->size != users->table->size ||
           memcmp(users->next->text, users->table->text, users->table->size) != 0;
}

void weft_users_commit(struct weft_users *users)
{
    pthread_mutex_lock(&users->lock);
    struct users_table *before = users->table;
    users->table = users->next;
    users->next = NULL;
    (void)__atomic_add_fetch(&users->generation, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&users->lock);
    users_table_unref(before);
}

void weft_users_abandon(struct weft_users *users)
{
    users_table_unref(users->next);
    users->next = NULL;
}

size_t weft_users_count(const struct weft_users *users)
{
    return users->table->count;
}

struct weft_users_kinds weft_users_kinds(const struct weft_users *users)
{
    struct weft_users_kinds kinds = {0};
    for (size_t i = 0; i < users->table->count; i++) {
        enum users_proof kind = users->table->entries[i].kind;
        kinds.passwords += kind == USERS_SECRET;
        kinds.certificates += kind == USERS_CERTIFICATE;
        kinds.uids += kind == USERS_UID;
    }
    return kinds;
}

void weft_users_collect(void *context, struct weft_samples *samples)
{
    static const struct weft_metric
        known = {"weft_users", NULL, "Users that the file of users has", WEFT_GAUGE},
        logins = {"weft_logins", NULL, "Logins that succeeded", WEFT_COUNTER},
        failures = {"weft_login_failures", NULL, "Logins that failed", WEFT_COUNTER},
        refusals = {"weft_permission_refusals", NULL,
                    "Requests that were refused for want of a login or of a rule", WEFT_COUNTER};
    struct weft_users *users = context;
    /* A reload exchanges the table. */
    pthread_mutex_lock(&users->lock);
    size_t count = users->table->count;
    pthread_mutex_unlock(&users->lock);
    weft_samples_add(samples, &known, NULL, 0, (double)count);
    weft_samples_add(samples, &logins, NULL, 0, (double)atomic_load(&users->logins));
    weft_samples_add(samples, &failures, NULL, 0, (double)atomic_load(&users->failures));
    weft_samples_add(samples, &refusals, NULL, 0, (double)atomic_load(&users->refusals));
}
