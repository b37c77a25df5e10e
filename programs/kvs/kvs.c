/* SPDX-License-Identifier: MIT
 *
 * kvs, the key-value server: the plugins it is made of, and the command line. A new codec, transport,
 * service or store is one line here, and so are the limits that a plugin declares. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codecs/codecs.h"
#include "transports/transports.h"
#ifdef WEFT_HAS_WEBSOCKET
#include "transports/websocket/websocket.h"
#endif
#include "services/echo/echo.h"
#include "certificates.h"
#include "programs/lib/password.h"
#include "administer.h"
#include "loading.h"
#include "log.h"
#include "process.h"
#include "serve.h"
#include "tools.h"
#include "services/layers/access/access.h"
#include "services/layers/users/users.h"
#include "services/kv/service.h"
#include "services/kv/stores/on_disk.h"
#ifdef WEFT_HAS_REDIS
#include "services/kv/stores/on_redis.h"
#endif
#include "services/kv/stores/stores.h"

static const struct kv_store *const stores[] = {
    &weft_kv_store_journal,
    &weft_kv_store_lmdb,
    &weft_kv_store_rocksdb,
#ifdef WEFT_HAS_REDIS
    &weft_kv_store_redis,
    &weft_kv_store_redis_cluster,
#endif
    NULL,
};

/* The contexts that plugins are registered with. */
struct contexts {
    struct weft_registry outward; /* by what a store may connect to other machines */
    struct weft_kv_context kv;
    struct weft_rpc *tools; /* beside kv */
#ifdef WEFT_HAS_WEBSOCKET
    struct weft_websocket websocket;
#endif
    struct kvs_certificates certificates;
};

static int fill_registry(struct weft_registry *registry, struct contexts *contexts)
{
    struct weft_kv_context *kv = &contexts->kv;

    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_yamux);
#ifdef WEFT_HAS_WEBSOCKET
    if (err == 0)
        err = weft_registry_add_filter(registry, &weft_filter_websocket, &contexts->websocket);
#endif
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_raw);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_varint);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_length_field);
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_line);
#ifdef WEFT_HAS_HTTP
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_http);
#endif
#ifdef WEFT_HAS_GRPC
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_grpc);
#endif
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_resp);
    if (err == 0)
        err = weft_registry_add_service(registry, &weft_kv_service, kv);
    if (err == 0)
        err = weft_registry_add_service(registry, &weft_kv_http_service, kv);
    if (err == 0)
        err = weft_registry_add_service(registry, &weft_kv_line_service, kv);
    if (err == 0)
        err = weft_registry_add_service(registry, &weft_kv_resp_service, kv);
    if (err == 0)
        err = weft_registry_add_service(registry, &echo_service, NULL);
    return err;
}

static int fill_outward(struct weft_registry *registry)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
#ifdef WEFT_HAS_TLS
    if (err == 0)
        err = weft_registry_add_filter(registry, &weft_filter_tls, NULL);
#endif
    return err;
}

static int refuse(int err, const char *text)
{
    fprintf(stderr, "kvs: %s\n", text);
    return err == WEFT_ECONFIG ? 2 : 1;
}

static void print_line(void *arg, const char *line)
{
    (void)arg;
    printf("%s\n", line);
}

/* Returns 0 if the store can start now, 1 if it cannot. */
static int repair(const struct kvs_config *config)
{
    struct weft_error error;
    bool drop = strcmp(config->repair, "drop") == 0;
    int64_t bytes = weft_kv_context_repair(stores, config->store, drop, print_line, NULL, &error);
    if (bytes < 0)
        return refuse((int)bytes, error.text);
    if (bytes == 0)
        printf("nothing is damaged\n");
    else if (!drop)
        printf("nothing was changed; --repair drop does it and keeps the bytes in files "
               "NAME.dropped\n");
    return bytes > 0 && !drop;
}

static int hash_password(void)
{
    char password[CLI_PASSWORD_SIZE], hash[WEFT_USERS_HASH_MAX];
    struct weft_error error;
    ssize_t size = cli_password_ask(password, "Password: ", &error);
    int err =
        size < 0 ? (int)size : weft_users_hash(hash, weft_view(password, (size_t)size), &error);
    explicit_bzero(password, sizeof password);
    if (err < 0)
        return refuse(err, error.text);
    return puts(hash) < 0 || fflush(stdout) != 0;
}

/* Reads the file of users, if there is one. */
static int open_users(struct kvs_config *config, struct weft_users **users,
                      const struct weft_log *log, struct weft_error *error)
{
    int err = config->users ? weft_users_open(users, config->users, log, error) : 0;
    if (err < 0 || !config->users)
        return err;
    struct weft_users_kinds kinds = weft_users_kinds(*users);
    (void)snprintf(config->users_text, sizeof config->users_text,
                   "%zu-users with=password:%zu,certificate:%zu,uid:%zu", weft_users_count(*users),
                   kinds.passwords, kinds.certificates, kinds.uids);
    return 0;
}

/* Offers the users as a layer. */
static int add_users(struct weft_users *users, struct weft_registry *registry,
                     struct weft_error *error)
{
    int err = weft_registry_add_layer(registry, &weft_users_layer, users);
    return err < 0 ? weft_error_set(error, err, "%s", weft_strerror(err)) : 0;
}

static int add_access(const struct kvs_config *config, struct weft_access **access,
                      struct weft_registry *registry, const struct weft_log *log,
                      struct weft_error *error)
{
    /* A check reads the template, and makes no file. */
    const char *path = config->check ? "/dev/null" : config->access_log;
    struct weft_error refused;
    struct cli_user user;
    const bool has_user = config->user && cli_user_find(&user, config->user, &refused) == 0;
    cli_user_borrow(has_user ? &user : NULL);
    int err = weft_access_open(access, path, config->access_format, log, &refused);
    cli_user_return();
    if (err < 0)
        return weft_error_set(error, err, "--access-%s: %s", err == WEFT_ECONFIG ? "format" : "log",
                              refused.text);
    err = weft_registry_add_layer(registry, &weft_access_layer, *access);
    return err < 0 ? weft_error_set(error, err, "%s", weft_strerror(err)) : 0;
}

static int prepare_access(void *access, struct kvs_reload *reload, struct weft_error *error)
{
    (void)reload;
    return weft_access_prepare(access, error);
}

static void commit_access(void *access)
{
    weft_access_commit(access);
}

static void abandon_access(void *access)
{
    weft_access_abandon(access);
}

static int prepare_users(void *users, struct kvs_reload *reload, struct weft_error *error)
{
    int err = weft_users_prepare(users, error);
    if (err == 0 && weft_users_would_change(users))
        kvs_reload_changes(reload, "users");
    return err;
}

static void commit_users(void *users)
{
    weft_users_commit(users);
}

static void abandon_users(void *users)
{
    weft_users_abandon(users);
}

/* The layers that the settings ask for, and what a reload does with their files. */
struct layers {
    struct weft_users *users;
    struct weft_access *access;
    struct kvs_reloader users_reloader, access_reloader;
};

static int add_layers(struct layers *layers, struct kvs_config *config,
                      struct weft_registry *registry, struct kvs_reload *reload,
                      const struct weft_log *log, struct weft_error *error)
{
    int err = layers->users ? add_users(layers->users, registry, error) : 0;
    if (err == 0 && config->access_log)
        err = add_access(config, &layers->access, registry, log, error);
    layers->users_reloader = (struct kvs_reloader){.name = "users",
                                                   .context = layers->users,
                                                   .prepare = prepare_users,
                                                   .commit = commit_users,
                                                   .abandon = abandon_users};
    layers->access_reloader = (struct kvs_reloader){.name = "access-log",
                                                    .context = layers->access,
                                                    .prepare = prepare_access,
                                                    .commit = commit_access,
                                                    .abandon = abandon_access};
    if (layers->users)
        kvs_reload_add(reload, &layers->users_reloader);
    if (layers->access)
        kvs_reload_add(reload, &layers->access_reloader);
    return err;
}

static int run(struct kvs_config *config, struct kvs_log *kvs_log);

/* Checks in a process of its own, as --check does, whether the settings are good enough to serve with: before the other kvs
 * is told to go. Its store is still the other's, so an empty one stands for it. Returns the exit code, after a line on standard
 * error if that is not 0. */
static int rehearse(struct kvs_config *config, struct kvs_log *log)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        return refuse(-errno, weft_strerror(-errno));
    if (child == 0) {
        config->check = true;
        config->store = "memory";
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        _exit(run(config, log));
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return refuse(-errno, weft_strerror(-errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Takes the sockets that this process is given. Returns 0, or the exit code. */
static int inherit(struct kvs_config *config, struct kvs_log *log, struct kvs_service *service)
{
    struct weft_error error;
    if (config->check)
        return 0;
    kvs_inheritance_init(&service->inheritance, &log->log);
    if (!config->handover)
        return 0;
    int code = rehearse(config, log);
    if (code != 0)
        return code;
    int err = kvs_handover_take(&service->inheritance, config->handover, &log->log, &error);
    return err < 0 ? refuse(err, error.text) : 0;
}

/* All that a run of kvs is made of. */
struct parts {
    struct contexts contexts;
    struct kvs_service service;
    struct kvs_loading loading;
    struct kvs_reload reload;
    struct weft_registry registry;
    struct layers layers;
    struct kvs_administer administer;
};

static int open_context(struct contexts *contexts, const struct kvs_config *config,
                        const char *store, const struct weft_log *log, struct kv_progress *progress,
                        struct weft_error *error)
{
    return weft_kv_context_open(&contexts->kv, stores, store, kvs_limits_of(config, 0), log,
                                &contexts->outward, progress, error);
}

/* Opens the store as --check does. If another process has it, as a rule the kvs that is to be restarted, an empty one stands
 * for it. */
static int check_store(struct contexts *contexts, const struct kvs_config *config,
                       const struct weft_log *log, struct weft_error *error)
{
    int err = open_context(contexts, config, config->store, log, NULL, error);
    if (err != -EBUSY)
        return err;
    fprintf(stderr, "kvs: %s; the rest is checked with an empty store\n", error->text);
    return open_context(contexts, config, "memory", log, NULL, error);
}

/* Opens the store, which may take long. Somebody answers meanwhile, unless the settings are only checked. */
static int open_store(struct parts *parts, struct kvs_config *config, const struct weft_log *log,
                      struct weft_error *error)
{
    struct contexts *contexts = &parts->contexts;
    int err = fill_outward(&contexts->outward);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));
    err = open_users(config, &parts->layers.users, log, error);
    if (err == 0 && config->check)
        return check_store(contexts, config, log, error);
    if (err == 0)
        err = kvs_loading_begin(&parts->loading, config, log, &parts->service, parts->layers.users,
                                error);
    return err < 0 ? err
                   : open_context(contexts, config, config->store, log, &parts->loading.progress,
                                  error);
}

/* Makes what is served, on the open store. */
static int make_parts(struct parts *parts, struct kvs_config *config, const struct weft_log *log,
                      struct weft_error *error)
{
    struct contexts *contexts = &parts->contexts;
    struct kvs_administer *administer = &parts->administer;
    int err = kvs_tools_add(&contexts->tools, &contexts->kv);
    if (err == 0)
        err = fill_registry(&parts->registry, contexts);
    if (err == 0)
        err = kvs_certificates_add(&contexts->certificates, &parts->registry, &parts->reload);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));
    err = add_layers(&parts->layers, config, &parts->registry, &parts->reload, log, error);
    if (err == 0)
        err = kvs_administer_init(administer, config, log, &contexts->kv, parts->layers.users,
                                  &parts->registry, error);
    if (err < 0)
        return err;
    kvs_certificates_count(&contexts->certificates, &administer->collectors);
    administer->server.listening = kvs_loading_end;
    administer->server.listening_context = &parts->loading;
    administer->server.sockets = parts->loading.answers ? &parts->loading.sockets : NULL;
    return 0;
}

static void free_parts(struct parts *parts)
{
    kvs_loading_fini(&parts->loading);
    kvs_manager_fini(&parts->service.manager);
    kvs_administer_fini(&parts->administer);
    weft_access_close(parts->layers.access);
    weft_users_close(parts->layers.users);
    weft_kv_context_fini(&parts->contexts.kv);
    kvs_tools_free(parts->contexts.tools);
#ifdef WEFT_HAS_WEBSOCKET
    weft_websocket_fini(&parts->contexts.websocket);
#endif
}

/* Returns the exit code. */
static int run(struct kvs_config *config, struct kvs_log *kvs_log)
{
    struct weft_log *log = &kvs_log->log;
    if (config->hash_password)
        return hash_password();
    if (config->repair)
        return repair(config);
    struct weft_error error;
    if (config->make_certificate) {
        int made = kvs_certificates_make(config, &error);
        return made < 0 ? refuse(made, error.text) : 0;
    }
    struct parts parts = {0};
    /* The store is the other's until that has ended. */
    int code = inherit(config, kvs_log, &parts.service);
    if (code != 0)
        return code;
    kvs_manager_init(&parts.service.manager, log);
    int err = open_store(&parts, config, log, &error);
    if (err == 0)
        err = make_parts(&parts, config, log, &error);
    code = err < 0 ? refuse(err, error.text)
                   : cli_kvs_serve(config, &parts.registry, &parts.reload, &parts.administer.server,
                                   kvs_log, &parts.service, stdout, stderr);
    free_parts(&parts);
    return code;
}

int main(int argc, char **argv)
{
    const struct weft_limit *const owners[] = {weft_kv_limit_table(), NULL};
    struct kvs_config config;
    int parsed = cli_kvs_parse(&config, owners, argc, argv, stdout, stderr);
    if (parsed != 0)
        return parsed == WEFT_ECONFIG ? 2 : parsed < 0 ? 1 : 0;
    cli_kvs_prepare();
    struct kvs_log log;
    struct weft_error error;
    int code, err = kvs_log_open(&log, &config, &error);
    if (err < 0) {
        code = refuse(err, error.text);
    } else {
        cli_kvs_set_limits(&config, &log.log);
        code = run(&config, &log);
        kvs_log_close(&log);
    }
    kvs_config_free(&config);
    return code;
}
