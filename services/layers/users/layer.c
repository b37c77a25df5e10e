/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/base/compiler.h"
#include "credentials.h"
#include "private.h"

struct config {
    struct weft_users *users;
};

static int configure(void *memory, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = memory;
    (void)set, (void)limits;
    config->users = context;
    return context ? 0 : weft_error_set(error, WEFT_ECONFIG, "there is no file of users");
}

static int start(void *memory, const void *config, struct weft_loop *loop)
{
    struct users_loop *self = memory;
    self->users = ((const struct config *)config)->users;
    self->loop = loop;
    self->cache = weft_calloc(USERS_CACHE, sizeof *self->cache);
    if (!self->cache)
        return -ENOMEM;
    self->table = users_current(self->users, &self->generation);
    return 0;
}

static void stop(void *memory)
{
    struct users_loop *self = memory;
    for (size_t i = 0; i < USERS_CACHE; i++)
        users_grant_unref(self->cache[i].grant);
    weft_free(self->cache);
    users_table_unref(self->table);
}

static void refresh(struct users_loop *self)
{
    if (__atomic_load_n(&self->users->generation, __ATOMIC_ACQUIRE) != self->generation)
        users_loop_refresh(self);
}

/* Whom the transport has proven to be there needs no login. */
static void meet(void *memory, struct weft_peer *peer)
{
    struct users_loop *self = memory;
    const struct users_entry *user = NULL;
    refresh(self);
    if (peer->subject)
        user = users_table_find_certificate(self->table, peer->subject);
    if (!user && peer->uid >= 0)
        user = users_table_find_uid(self->table, peer->uid);
    if (!user)
        return;
    struct users_grant *grant = users_grant_new(self->table, user);
    if (grant && users_become(peer, grant) == 0)
        atomic_fetch_add_explicit(&self->users->logins, 1, memory_order_relaxed);
    users_grant_unref(grant);
}

static bool refuse(struct users_loop *self, struct weft_rejection *why,
                   enum weft_reject_cause cause, const char *what)
{
    atomic_fetch_add_explicit(&self->users->refusals, 1, memory_order_relaxed);
    *why = (struct weft_rejection){.cause = cause, .what = what};
    return false;
}

static bool refuse_as(struct users_loop *self, struct weft_rejection *why, int result)
{
    if (result == -ENOMEM)
        return refuse(self, why, WEFT_REJECT_NO_MEMORY, NULL);
    if (result == -EBUSY) {
        (void)refuse(self, why, WEFT_REJECT_RATE, NULL);
        why->limit = USERS_DELAY_PENDING;
        return false;
    }
    return refuse(self, why, WEFT_REJECT_NOT_KNOWN, "the user or the password is wrong");
}

/* Overwrites what stands in the head of a request, which the service still reads. */
static void hide(struct weft_view credentials)
{
    if (credentials.size > 0)
        memset((void *)(uintptr_t)credentials.data, '*', credentials.size);
}

/* The first time: looks into the cache, and else has the secret looked at. */
static bool begin_with(struct users_loop *self, struct users_request *own,
                       struct weft_request *request, struct weft_view credentials,
                       struct weft_rejection *why)
{
    uint8_t digest[USERS_DIGEST], text[USERS_CREDENTIALS_MAX];
    struct weft_view name, secret;
    refresh(self);
    users_digest(self->users, credentials, weft_view(NULL, 0), digest);
    struct users_grant *grant = users_cache_find(self, digest);
    if (grant && users_grant_renew(self, grant)) {
        struct weft_peer *peer = weft_request_peer(request);
        hide(request->credentials);
        return peer && users_admit(peer, request, own, grant) == 0 ? true
                                                                   : refuse_as(self, why, -ENOMEM);
    }
    bool is_read = users_credentials_read(credentials, text, &name, &secret);
    hide(request->credentials);
    if (!is_read)
        return refuse(self, why, WEFT_REJECT_NOT_KNOWN,
                      "Authorization is neither Basic nor Bearer NAME.PASSWORD");
    int result = users_login(self, request, own, name, secret, digest);
    explicit_bzero(text, sizeof text);
    own->waited = result == -EINPROGRESS;
    return own->waited ? false : refuse_as(self, why, result);
}

static bool is_known(struct users_loop *self, const struct weft_peer *peer)
{
    refresh(self);
    return peer->user && peer->grant && users_grant_renew(self, peer->grant);
}

/* The credentials of a WebSocket's handshake are the connection's: they make the peer known, as a login does. */
static bool begin(void *memory, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    struct users_request *own = state;
    if (own->waited)
        return own->result == 1 || refuse_as(memory, why, own->result);
    if (request->credentials.size > 0)
        return begin_with(memory, own, request, request->credentials, why);
    const struct weft_peer *peer = weft_request_peer(request);
    if (!peer || !peer->credentials || is_known(memory, peer))
        return true;
    return begin_with(memory, own, request, weft_view_str(peer->credentials), why);
}

static void end(void *memory, void *state, const struct weft_request *request, uint64_t bytes)
{
    (void)memory, (void)request, (void)bytes;
    users_grant_unref(((struct users_request *)state)->grant);
}

static int authenticate(void *memory, struct weft_request *request, struct weft_view user,
                        struct weft_view secret)
{
    struct users_loop *self = memory;
    uint8_t digest[USERS_DIGEST];
    refresh(self);
    users_digest(self->users, user, secret, digest);
    struct users_grant *grant = users_cache_find(self, digest);
    if (grant && users_grant_renew(self, grant)) {
        struct weft_peer *peer = weft_request_peer(request);
        return peer && users_become(peer, grant) == 0 ? 1 : -ENOMEM;
    }
    return users_login(self, request, NULL, user, secret, digest);
}

static unsigned needed(unsigned flags)
{
    if (flags & WEFT_ACTION_ADMIN)
        return USERS_ADMIN;
    if (flags & WEFT_ACTION_SUBSCRIBES)
        return USERS_SUBSCRIBE;
    return flags & WEFT_ACTION_WRITES ? USERS_WRITE : USERS_READ;
}

WEFT_NOINLINE static bool deny(struct users_loop *self, unsigned what, struct weft_rejection *why)
{
    const char *text = what == USERS_ADMIN       ? "your rules have no admin"
                       : what == USERS_SUBSCRIBE ? "your rules have no subscribe for this topic"
                       : what == USERS_WRITE     ? "your rules have no write for this table"
                                                 : "your rules have no read for this table";
    return refuse(self, why, WEFT_REJECT_DENIED, text);
}

/* Lets the peer do this again, and whatever its rules allow everywhere, without asking until the next reload. */
static void give_pass(const struct users_loop *self, struct weft_peer *peer,
                      const struct users_grant *grant, const struct weft_action *action)
{
    unsigned everywhere = grant->user->everywhere;
    struct weft_pass pass = {
        .stamp = &self->users->generation,
        .made = self->generation,
        .flags = WEFT_ACTION_OPEN | WEFT_ACTION_PLAIN,
        .any = (everywhere & needed(action->flags)) == needed(action->flags),
        .object = action->object,
    };
    if (pass.any ? (everywhere & USERS_WRITE) == USERS_WRITE : action->flags & WEFT_ACTION_WRITES)
        pass.flags |= WEFT_ACTION_WRITES;
    weft_peer_set_pass(peer, &pass);
}

static bool ask(void *memory, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why)
{
    struct users_loop *self = memory;
    struct users_grant *grant = ((struct users_request *)state)->grant;
    struct weft_peer *peer = NULL;
    if (!grant) {
        peer = weft_request_peer(request);
        grant = peer && peer->user ? peer->grant : NULL;
    }
    if (action->flags & WEFT_ACTION_OPEN)
        return true;
    refresh(self);
    if (!grant || !users_grant_renew(self, grant))
        return refuse(self, why, WEFT_REJECT_NOT_KNOWN, NULL);
    if (action->flags & WEFT_ACTION_PLAIN)
        return true;
    unsigned what = needed(action->flags);
    if (!users_may(grant->user, what, action->object))
        return deny(self, what, why);
    if (peer && !(what & (USERS_ADMIN | USERS_SUBSCRIBE)))
        give_pass(self, peer, grant, action);
    return true;
}

const struct weft_layer weft_users_layer = {
    .name = "users",
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct users_loop),
    .request_size = sizeof(struct users_request),
    .configure = configure,
    .start = start,
    .stop = stop,
    .meet = meet,
    .begin = begin,
    .ask = ask,
    .authenticate = authenticate,
    .end = end,
};
