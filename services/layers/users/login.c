/* SPDX-License-Identifier: MIT
 *
 * A login: the loop copies the secret into a job, the pool's thread hashes it, and back on the loop the request
 * goes on, after a delay if the secret was wrong. The request lives until then, whatever becomes of its peer. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/compiler.h"
#include "private.h"
#include "secret.h"

struct login {
    struct users_job job;
    struct weft_post post;
    struct weft_timer timer;
    struct users_loop *loop;
    struct weft_request *request;
    struct users_request *own;
    struct users_table *table;      /* counted */
    const struct users_entry *user; /* NULL: there is none of that name who has a password */
    bool is_right;
    bool busy; /* the pool did not take it */
    uint8_t digest[USERS_DIGEST];
    size_t size;
    uint8_t secret[WEFT_USERS_SECRET_MAX + 1];
};

int users_become(struct weft_peer *peer, struct users_grant *grant)
{
    if (weft_peer_set_user(peer, weft_view_str(grant->user->name)) < 0)
        return -ENOMEM;
    weft_peer_set_grant(peer, users_grant_ref(grant), users_grant_unref);
    return 0;
}

int users_admit(struct weft_peer *peer, const struct weft_request *request,
                struct users_request *own, struct users_grant *grant)
{
    if (!own || request->credentials.size == 0)
        return users_become(peer, grant);
    if (!peer->user && weft_peer_set_user(peer, weft_view_str(grant->user->name)) < 0)
        return -ENOMEM;
    own->grant = users_grant_ref(grant);
    return 0;
}

/* On the pool's thread. A name that is not there costs what the others do. */
static void look(struct users_job *job, void *work)
{
    struct login *login = weft_container_of(job, struct login, job);
    const char *hash = login->user ? login->user->proof : login->table->setting;
    bool is_right = hash && users_secret_check(work, hash, weft_view(login->secret, login->size));
    explicit_bzero(login->secret, sizeof login->secret);
    login->is_right = is_right && login->user;
    /* The loop takes posts as long as it has requests. */
    (void)!weft_loop_post(login->loop->loop, &login->post);
}

static void finish(struct login *login, int result)
{
    struct users_loop *self = login->loop;
    const struct weft_peer *peer = weft_request_peer(login->request);
    struct weft_request *request = login->request;
    users_delays_end(&self->users->delays, peer->address);
    if (login->own)
        login->own->result = result;
    users_table_unref(login->table);
    weft_free(login);
    weft_layer_resume(request, result);
}

static void on_delayed(struct weft_timer *timer)
{
    struct login *login = weft_container_of(timer, struct login, timer);
    finish(login, login->busy ? -EBUSY : 0);
}

/* Logs at most one failure a second, and names only users that there are: a password may have been typed in
 * place of a name. */
static void log_failure(struct weft_users *users, const struct login *login,
                        const struct weft_peer *peer, int64_t now)
{
    int64_t last = atomic_load_explicit(&users->logged, memory_order_relaxed);
    uint64_t failures = atomic_fetch_add_explicit(&users->failures, 1, memory_order_relaxed) + 1;
    if ((last != 0 && now - last < INT64_C(1000000000)) ||
        !atomic_compare_exchange_strong(&users->logged, &last, now))
        return;
    weft_log_write(users->log, WEFT_LOG_WARN, "login-failed",
                   "conn=%" PRIu64 " peer=%s user=%s failures=%" PRIu64, peer->connection,
                   peer->address, login->user ? login->user->name : "?", failures);
}

static int admit(struct login *login, struct weft_peer *peer)
{
    struct users_loop *self = login->loop;
    struct users_grant *grant = users_grant_new(login->table, login->user);
    int err = grant ? users_admit(peer, login->request, login->own, grant) : -ENOMEM;
    if (err == 0)
        users_cache_put(self, login->digest, grant);
    users_grant_unref(grant);
    if (err < 0)
        return err;
    atomic_fetch_add_explicit(&self->users->logins, 1, memory_order_relaxed);
    weft_log_write(self->users->log, WEFT_LOG_DEBUG, "login", "conn=%" PRIu64 " peer=%s user=%s",
                   peer->connection, peer->address, login->user->name);
    return 1;
}

static void on_looked(struct weft_post *post)
{
    struct login *login = weft_container_of(post, struct login, post);
    struct users_loop *self = login->loop;
    struct weft_peer *peer = weft_request_peer(login->request);
    int64_t now = weft_loop_now(self->loop);
    if (login->is_right) {
        finish(login, admit(login, peer));
        return;
    }
    log_failure(self->users, login, peer, now);
    login->timer.fire = on_delayed;
    weft_loop_after(self->loop, &login->timer,
                    users_delays_fail(&self->users->delays, peer->address, now));
}

static struct login *new_login(struct users_loop *self, struct weft_view name,
                               struct weft_view secret)
{
    struct login *login = weft_calloc(1, sizeof *login);
    if (!login)
        return NULL;
    login->job.run = look;
    login->post.run = on_looked;
    login->loop = self;
    login->table = users_table_ref(self->table);
    login->user = users_table_find(self->table, name);
    if (login->user && login->user->kind != USERS_SECRET)
        login->user = NULL;
    /* One that is too long is hashed as an empty one, which is never right. */
    if (secret.size > 0 && secret.size <= WEFT_USERS_SECRET_MAX) {
        memcpy(login->secret, secret.data, secret.size);
        login->size = secret.size;
    }
    return login;
}

int users_login(struct users_loop *self, struct weft_request *request, struct users_request *own,
                struct weft_view name, struct weft_view secret, const uint8_t *digest)
{
    const struct weft_peer *peer = weft_request_peer(request);
    if (!peer)
        return -ENOMEM;
    if (!users_delays_begin(&self->users->delays, peer->address, weft_loop_now(self->loop)))
        return -EBUSY;
    int err = -ENOMEM;
    struct login *login = new_login(self, name, secret);
    if (!login)
        goto err_after_begin;
    login->request = request;
    login->own = own;
    memcpy(login->digest, digest, USERS_DIGEST);
    err = weft_layer_wait(request);
    if (err < 0)
        goto err_after_login;
    err = users_pool_add(&self->users->pool, &login->job);
    if (err == 0)
        return -EINPROGRESS;
    /* The request waits already, so the result comes as that of any other login. */
    login->busy = true;
    login->timer.fire = on_delayed;
    explicit_bzero(login->secret, sizeof login->secret);
    weft_loop_after(self->loop, &login->timer, 0);
    return -EINPROGRESS;

err_after_login:
    explicit_bzero(login->secret, sizeof login->secret);
    users_table_unref(login->table);
    weft_free(login);
err_after_begin:
    users_delays_end(&self->users->delays, peer->address);
    return err;
}
