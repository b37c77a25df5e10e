/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "core/plugin.h"
#include "core/server.h"
#include "programs/lib/descriptors.h"
#include "programs/lib/exposure.h"
#include "programs/lib/output.h"
#include "addresses.h"
#include "config.h"
#include "confine.h"
#include "process.h"
#include "settings.h"

/* Descriptors that are needed beside those of connections: the standard ones, a few per loop, the
 * listeners. */
enum { SPARE_FDS = 32, FDS_A_LOOP = 4 };

enum { CLOSED_TEXT = 768, ENDPOINT_TEXT = 1536, OBSERVERS_TEXT = 64 };

/* The time between two lines that say what was left out of the log. */
#define LEFT_OUT_NS ((int64_t)WEFT_SECONDS(10))

static const char default_service[] = "kv";

int cli_kvs_parse(struct kvs_config *config, const struct weft_limit *const *owners, int argc,
                  char **argv, FILE *out, FILE *err)
{
    struct cli_table table;
    struct weft_error error;
    kvs_table_init(&table, owners);
    int status = kvs_parse(config, &table, owners, argc, argv, &error);
    if (status == 0 && !config->make_certificate) {
        const struct cli_exposure exposure = kvs_exposure_of(config);
        status = cli_check_exposure(&exposure, &error);
        if (status < 0)
            kvs_config_free(config);
    }
    if (status < 0) {
        fprintf(err, "kvs: %s\n", error.text);
        return WEFT_ECONFIG;
    }
    bool answered = kvs_help_answer(config, &table, out);
    if (!answered && config->print_config)
        kvs_config_print(config, &table, out);
    if (!answered && !config->print_config)
        return 0;
    kvs_config_free(config);
    return cli_flush_stdout(out, err, "kvs") ? 1 : -EIO;
}

static void raise_descriptor_limit(struct kvs_config *config, const struct weft_log *log)
{
    uint64_t limit = cli_raise_descriptor_limit();
    uint64_t spare = SPARE_FDS + (uint64_t)config->threads * FDS_A_LOOP + config->listen_count +
                     (config->admin ? KVS_ADMIN_FDS : 0);
    uint64_t most = limit > spare ? limit - spare : 1;
    config->asked_connections = config->limits.max_connections;
    config->most_connections =
        config->limits.max_connections < most ? config->limits.max_connections : most;
    if (config->limits.max_connections <= most)
        return;
    weft_log_write(log, WEFT_LOG_WARN, "descriptor-limit",
                   "open-files=%" PRIu64 " max-connections=%" PRIu64 " lowered-to=%" PRIu64, limit,
                   config->limits.max_connections, most);
    config->limits.max_connections = most;
}

void cli_kvs_prepare(void)
{
    cli_hold_descriptors();
    cli_return_memory();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
}

void cli_kvs_set_limits(struct kvs_config *config, const struct weft_log *log)
{
    raise_descriptor_limit(config, log);
    if (!config->core_dumps)
        cli_forbid_core_dumps();
}

static int refuse(FILE *err, int status, const struct weft_error *error)
{
    fprintf(err, "kvs: %s\n", error->text);
    return status == WEFT_ECONFIG ? 2 : 1;
}

static void print_limits(const struct kvs_config *config, FILE *out)
{
    struct cli_table table;
    kvs_table_init(&table, config->owners);
    for (size_t i = table.first_limit; i < table.count; i++) {
        const struct cli_option *option = &table.options[i];
        const void *limits = (const char *)config + option->at;
        char text[WEFT_UNITS_TEXT];
        fprintf(out, "%s %s\n", option->name, cli_limit_format(option->limit, limits, text));
    }
}

/* Prints who may come in where, and with what. */
static void print_exposure(const struct kvs_config *config, FILE *out)
{
    char line[CLI_EXPOSURE_TEXT];
    for (size_t i = 0; i < config->listen_count; i++)
        if (!kvs_is_variant(config->listen[i]))
            fprintf(out, "exposure %s who=%s\n", cli_describe_exposure(config->listen[i], line),
                    config->users ? config->users_text : "anyone with=nothing");
    if (config->admin)
        fprintf(out, "exposure %s who=%s\n", cli_describe_exposure(config->admin, line),
                config->users ? config->users_text : "anyone with=nothing");
}

/* Prints what --check shows. Called after weft_server_new has accepted the configuration. */
static int print_check(const struct kvs_config *config, const struct weft_server *server,
                       const struct kvs_admin *admin, const struct kvs_reload *reload, FILE *out,
                       FILE *err)
{
    char line[ENDPOINT_TEXT];
    for (size_t i = 0; weft_server_describe(server, i, line, sizeof line); i++)
        fprintf(out, "endpoint %s\n", line);
    if (admin->server)
        fprintf(out, "admin %s\n", weft_server_describe(admin->server, 0, line, sizeof line));
    print_exposure(config, out);
    kvs_reload_print(reload, out);
    fprintf(out, "threads %u\nstore %s\n", config->threads, config->store);
    print_limits(config, out);
    return cli_flush_stdout(out, err, "kvs") ? 0 : 1;
}

/* Flushes the lines at once, for a script reads them from a pipe and waits. A server whose lines
 * nobody can read serves all the same, as one does that was started with standard output closed. */
static void print_listening(const struct weft_server *server, const struct kvs_admin *admin,
                            const struct weft_log *log, FILE *out)
{
    const char *address;
    for (size_t i = 0; (address = weft_server_listening(server, i)) != NULL; i++)
        fprintf(out, "listening %s\n", address);
    if (admin->server)
        fprintf(out, "admin %s\n", weft_server_listening(admin->server, 0));
    int err = cli_flush(out);
    if (err < 0)
        weft_log_write(log, WEFT_LOG_WARN, "output", "lost=listening cause=\"%s\"",
                       weft_strerror(err));
}

/* Writes " closed.peer-closed=3 closed.frame-timeout=1" into dst and returns it. */
static char *format_closed(const struct weft_server_counts *counts, char *dst)
{
    size_t used = 0;
    dst[0] = '\0';
    for (int reason = 0; reason < WEFT_REASON_COUNT; reason++) {
        if (counts->closed[reason] == 0 || used >= CLOSED_TEXT)
            continue;
        used +=
            (size_t)snprintf(dst + used, CLOSED_TEXT - used, " closed.%s=%" PRIu64,
                             weft_reason_name((enum weft_reason)reason), counts->closed[reason]);
    }
    return dst;
}

/* Logs a line for each endpoint. Called on the thread of the first loop, or after run. */
static void log_counts(const struct weft_server *server, const struct weft_log *log)
{
    const char *endpoint;
    for (size_t i = 0; (endpoint = weft_server_endpoint(server, i)) != NULL; i++) {
        struct weft_server_counts counts;
        char closed[CLOSED_TEXT];
        weft_server_count(server, i, &counts);
        weft_log_write(log, WEFT_LOG_INFO, "counts",
                       "endpoint=%s accepted=%" PRIu64 " open=%" PRIu64 " requests=%" PRIu64
                       " rejected=%" PRIu64 " bytes-in=%" PRIu64 " bytes-out=%" PRIu64 "%s",
                       endpoint, counts.accepted, counts.open, counts.requests, counts.rejected,
                       counts.bytes_in, counts.bytes_out, format_closed(&counts, closed));
    }
}

struct signals {
    struct kvs_serving *serving;
    struct weft_signal terminate, interrupt, report, hangup;
    struct weft_timer left_out;
};

/* Another kvs has the listening sockets. */
static void on_passed(struct kvs_handover *handover)
{
    kvs_serving_passed(handover->owner);
}

static void on_terminate(struct weft_signal *raised)
{
    kvs_serving_drain(weft_container_of(raised, struct signals, terminate)->serving,
                      "signal=SIGTERM");
}

static void on_interrupt(struct weft_signal *raised)
{
    kvs_serving_drain(weft_container_of(raised, struct signals, interrupt)->serving,
                      "signal=SIGINT");
}

static void on_report(struct weft_signal *raised)
{
    const struct signals *signals = weft_container_of(raised, struct signals, report);
    log_counts(signals->serving->server, &signals->serving->log->log);
    kvs_reload_log(signals->serving->reload, &signals->serving->log->log);
}

static void on_hangup(struct weft_signal *raised)
{
    const struct signals *signals = weft_container_of(raised, struct signals, hangup);
    struct weft_error error;
    char text[1];
    int err = kvs_serving_reload(signals->serving, "SIGHUP", text, sizeof text, &error);
    (void)err; /* the log has said it, and whoever sends a signal reads that */
}

static void tell_left_out(struct weft_timer *timer)
{
    const struct kvs_serving *serving = weft_container_of(timer, struct signals, left_out)->serving;
    weft_log_tell_left_out(&serving->log->log, false);
    weft_loop_after(weft_server_loop(serving->server), timer, LEFT_OUT_NS);
}

/* These two are blocked from the time when the store was opened (loading.h). One that came since is seen now. */
static void let_signals_in(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
}

static void start_signals(struct signals *signals, struct weft_loop *loop)
{
    weft_signal_start(&signals->terminate, loop, SIGTERM, on_terminate);
    weft_signal_start(&signals->interrupt, loop, SIGINT, on_interrupt);
    weft_signal_start(&signals->report, loop, SIGUSR1, on_report);
    weft_signal_start(&signals->hangup, loop, SIGHUP, on_hangup);
    let_signals_in();
}

static void stop_signals(struct signals *signals)
{
    weft_signal_stop(&signals->terminate);
    weft_signal_stop(&signals->interrupt);
    weft_signal_stop(&signals->report);
    weft_signal_stop(&signals->hangup);
}

static int run_until_stopped(struct kvs_config *config, struct kvs_serving *serving,
                             struct kvs_admin *admin, FILE *out, FILE *err)
{
    struct weft_server *server = serving->server;
    const struct weft_log *log = &serving->log->log;
    struct kvs_settings settings;
    struct kvs_service *service = serving->service;
    struct signals signals = {.serving = serving, .left_out = {.fire = tell_left_out}};
    struct weft_loop *loop = weft_server_loop(server);
    kvs_settings_init(&settings, config, server, &service->manager, serving->log, admin->slow_log,
                      serving->reload);
    start_signals(&signals, loop);
    weft_loop_after(loop, &signals.left_out, LEFT_OUT_NS);
    service->handover.passed = on_passed;
    service->handover.owner = serving;
    kvs_handover_begin(&service->handover, server, log);
    print_listening(server, admin, log, out);
    kvs_manager_begin(&service->manager, server);
    weft_log_write(log, WEFT_LOG_INFO, "start", "version=%s threads=%u store=%s", WEFT_VERSION,
                   config->threads, config->store);
    kvs_reload_log(serving->reload, log);
    int status = weft_server_run(server);
    stop_signals(&signals);
    weft_timer_stop(&signals.left_out);
    kvs_handover_end(&service->handover);
    kvs_manager_end(&service->manager);
    kvs_admin_stop(admin);
    if (admin->ended)
        admin->ended(admin->context);
    kvs_settings_fini(&settings, serving->reload);
    log_counts(server, log);
    if (status > 0)
        fprintf(err, "kvs: cut %" PRIu64 " connections that had not drained\n",
                weft_server_cut(server));
    return status == 0 ? 0 : 1;
}

/* Gives a Unix socket to the user, who may then remove it. */
static int give_socket(const char *text, const struct cli_user *user, struct weft_error *error)
{
    struct weft_url url;
    if (kvs_is_variant(text))
        return 0;
    int err = weft_url_parse(&url, text, error);
    if (err == 0 && url.path && *url.path != '@' && lchown(url.path, user->uid, user->gid) < 0)
        err = weft_error_set(error, -errno, "--user: cannot give %s to user %u: %s", text,
                             (unsigned)user->uid, weft_strerror(-errno));
    return err;
}

/* Starts the threads as the user whose limits they count against. */
static int start_threads(struct weft_server *server, struct weft_error *error)
{
    struct weft_error refused;
    int err = weft_server_start(server, &refused);
    return err < 0 ? weft_error_set(error, err, "--threads: %s", refused.text) : 0;
}

/* Binds as the user that started kvs, who may bind what --user may not, and serves as --user. */
static int listen_as(const struct kvs_config *config, const struct cli_user *user,
                     struct weft_server *server, struct kvs_admin *admin,
                     struct kvs_service *service, const struct weft_log *log,
                     struct weft_error *error)
{
    int status = weft_server_listen(server, error);
    if (status == 0)
        status = kvs_admin_listen(admin, error);
    if (status == 0 && admin->listening)
        admin->listening(admin->listening_context);
    for (size_t i = 0; status == 0 && user && i < config->listen_count; i++)
        status = give_socket(config->listen[i], user, error);
    if (status == 0 && user && config->admin)
        status = give_socket(config->admin, user, error);
    if (status == 0 && user)
        status = cli_user_become(user, error);
    if (status == 0)
        status =
            kvs_handover_listen(&service->handover, config->handover, &service->inheritance, error);
    if (status == 0)
        kvs_inheritance_close_unused(&service->inheritance, log, kvs_manager_forget,
                                     &service->manager);
    if (status == 0 && !config->no_sandbox)
        status = kvs_confine(config, log, error);
    return status < 0 ? status : start_threads(server, error);
}

/* A plugin's code runs as soon as it is loaded, and codecs are needed before anything is bound. So
 * with plugins the process becomes the user first, and binds as the user. */
static int load_plugins(const struct kvs_config *config, const struct cli_user *user,
                        struct weft_registry *registry, struct weft_error *error)
{
    if (config->plugins.count == 0)
        return 0;
    int err = user ? cli_user_become(user, error) : 0;
    for (size_t i = 0; err == 0 && i < config->plugins.count; i++)
        err = weft_plugin_load(registry, config->plugins.paths[i], error) ? 0 : error->code;
    return err;
}

static int check_folder(const char *text, struct weft_error *error)
{
    struct weft_url url;
    struct stat folder;
    if (kvs_is_variant(text))
        return 0;
    int err = weft_url_parse(&url, text, error);
    char *slash = err == 0 && url.path && *url.path != '@' ? strrchr(url.path, '/') : NULL;
    if (!slash || slash == url.path)
        return err;
    *slash = '\0';
    if (stat(url.path, &folder) < 0)
        return weft_error_set(error, -errno, "cannot listen on %s: %s: %s", text, url.path,
                              weft_strerror(-errno));
    return 0;
}

/* Finds what the system would refuse, where that can be known without binding: the folder of a Unix
 * socket, and --user. The process becomes that user, for it does nothing else afterwards. */
static int check_system(const struct kvs_config *config, const struct cli_user *user,
                        struct weft_error *error)
{
    int err = 0;
    for (size_t i = 0; i < config->listen_count && err == 0; i++)
        err = check_folder(config->listen[i], error);
    if (err == 0 && config->admin)
        err = check_folder(config->admin, error);
    return err < 0 || !user ? err : cli_user_become(user, error);
}

/* Binds, tells main(), and runs both servers. Returns the exit code. */
static int serve(struct kvs_config *config, const struct cli_user *user,
                 struct kvs_serving *serving, struct kvs_admin *admin, FILE *out, FILE *err)
{
    const struct cli_exposure exposure = kvs_exposure_of(config);
    struct weft_error error;
    cli_warn_exposure(&exposure, &serving->log->log);
    int status = listen_as(config, user, serving->server, admin, serving->service,
                           &serving->log->log, &error);
    if (status == 0 && admin->serving)
        admin->serving(admin->context, serving);
    if (status == 0) {
        kvs_manager_store(&serving->service->manager, serving->server, false);
        kvs_manager_store(&serving->service->manager, admin->server, true);
        serving->service->handover.other = admin->server;
        status = kvs_admin_start(admin, &error);
    }
    return status < 0 ? refuse(err, status, &error)
                      : run_until_stopped(config, serving, admin, out, err);
}

/* Writes the names of the layers that see every request. NULL: there are none. */
static const char *observers_of(const struct kvs_config *config, const struct kvs_admin *admin,
                                char dst[OBSERVERS_TEXT])
{
    snprintf(dst, OBSERVERS_TEXT, "%s%s%s", admin->observer ? admin->observer : "",
             admin->observer && config->access_log ? "," : "", config->access_log ? "access" : "");
    return *dst ? dst : NULL;
}

int cli_kvs_serve(struct kvs_config *config, struct weft_registry *registry,
                  struct kvs_reload *reload, struct kvs_admin *admin, struct kvs_log *kvs_log,
                  struct kvs_service *service, FILE *out, FILE *err)
{
    char observers[OBSERVERS_TEXT];
    const struct weft_log *log = &kvs_log->log;
    const struct weft_server_options options = {
        .registry = registry,
        .urls = config->listen,
        .url_count = config->listen_count,
        .codec = config->codec,
        .service = default_service,
        .observers = observers_of(config, admin, observers),
        .guard = config->users ? "users" : NULL,
        .measure = config->admin != NULL,
        .limits = config->limits,
        .threads = config->threads,
        .log = log,
        .inheritance = &service->inheritance.sockets,
    };
    struct kvs_serving serving = {.config = config,
                                  .log = kvs_log,
                                  .reload = reload,
                                  .service = service,
                                  .on_drain = admin->draining,
                                  .context = admin->context};
    struct weft_error error;
    struct cli_user user;
    int code = 0, status = config->user ? cli_user_find(&user, config->user, &error) : 0;
    if (status == 0)
        status = load_plugins(config, config->user ? &user : NULL, registry, &error);
    if (status == 0)
        status = weft_server_new(&serving.server, &options, &error);
    if (status == 0)
        status = kvs_admin_open(admin, config, registry,
                                admin->sockets ? admin->sockets : &service->inheritance.sockets,
                                log, &error);
    if (status == 0 && config->check)
        status = kvs_addresses_try(config, &options, err, &error);
    if (status == 0 && config->check)
        status = check_system(config, config->user ? &user : NULL, &error);
    if (status < 0)
        code = refuse(err, status, &error);
    else if (config->check)
        code = print_check(config, serving.server, admin, reload, out, err);
    else
        code = serve(config, config->user ? &user : NULL, &serving, admin, out, err);
    kvs_admin_close(admin);
    weft_server_free(serving.server);
    return code;
}
