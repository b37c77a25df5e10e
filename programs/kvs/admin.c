/* SPDX-License-Identifier: MIT */
#include "admin.h"

#include <signal.h>
#include <string.h>

#include "core/base/compiler.h"

enum { LINE_SIZE = 1536 };

static struct weft_limits limits_of_admin(void)
{
    struct weft_limits limits = weft_limits_default();
    limits.max_connections = KVS_ADMIN_CONNECTIONS;
    limits.max_pending = 8;
    limits.max_frame = limits.max_message = WEFT_MIB(64); /* a list of all connections */
    limits.output_hard = WEFT_MIB(128);
    limits.frame_cache = 0;
    limits.idle_timeout = WEFT_SECONDS(300);
    limits.drain_timeout = WEFT_SECONDS(1);
    return limits;
}

int kvs_admin_open(struct kvs_admin *admin, const struct kvs_config *config,
                   struct weft_registry *registry, struct weft_inheritance *inheritance,
                   const struct weft_log *log, struct weft_error *error)
{
    if (!config->admin)
        return 0;
    const struct weft_server_options options = {
        .registry = registry,
        .urls = &config->admin,
        .url_count = 1,
        .codec = "http",
        .service = "admin",
        .guard = config->users ? "users" : NULL,
        .limits = limits_of_admin(),
        .threads = 1,
        .log = log,
        .inheritance = inheritance,
    };
    struct weft_error refused;
    char line[LINE_SIZE];
    int err = weft_server_new(&admin->server, &options, &refused);
    if (err < 0)
        return weft_error_set(error, err, "--admin: %s", refused.text);
    if (!strstr(weft_server_describe(admin->server, 0, line, sizeof line), " service=admin "))
        return weft_error_set(error, WEFT_ECONFIG,
                              "--admin: '%s' names another service; it serves admin alone",
                              config->admin);
    return 0;
}

int kvs_admin_listen(struct kvs_admin *admin, struct weft_error *error)
{
    struct weft_error refused;
    int err = admin->server ? weft_server_listen(admin->server, &refused) : 0;
    return err < 0 ? weft_error_set(error, err, "--admin: %s", refused.text) : 0;
}

static void *run(void *arg)
{
    struct kvs_admin *admin = arg;
    (void)pthread_setname_np(pthread_self(), "kvs-admin");
    (void)!weft_server_run(admin->server);
    return NULL;
}

int kvs_admin_start(struct kvs_admin *admin, struct weft_error *error)
{
    sigset_t all, before;
    if (!admin->server)
        return 0;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = -pthread_create(&admin->thread, NULL, run, admin);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    admin->runs = err == 0;
    return err < 0 ? weft_error_set(error, err, "--admin: cannot start its thread: %s",
                                    weft_strerror(err))
                   : 0;
}

static void stop(struct weft_post *post)
{
    weft_server_stop(weft_container_of(post, struct kvs_admin, stop)->server);
}

void kvs_admin_stop(struct kvs_admin *admin)
{
    if (!admin->runs)
        return;
    admin->stop.run = stop;
    int err = weft_loop_post(weft_server_loop(admin->server), &admin->stop);
    (void)err; /* nobody else stops this loop, so it takes the post */
    pthread_join(admin->thread, NULL);
    admin->runs = false;
}

void kvs_admin_close(struct kvs_admin *admin)
{
    weft_server_free(admin->server);
    admin->server = NULL;
}
