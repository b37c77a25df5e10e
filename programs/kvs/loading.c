/* SPDX-License-Identifier: MIT */
#include "loading.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/base/units.h"
#include "sandbox.h"
#include "transports/transports.h"

enum { LOOP_FDS = 64 };

/* --- progress: on the thread that opens the store -------------------------------------------------- */

static int64_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)WEFT_SECONDS(1) + time.tv_nsec;
}

/* A manager need not hear more often than once per second. */
static void tell(struct kv_progress *progress, uint64_t done, uint64_t total, const char *unit)
{
    struct kvs_loading *self = weft_container_of(progress, struct kvs_loading, progress);
    const int64_t at = now();
    char text[96];
    weft_admin_set_progress(&self->admin, done, total, unit);
    if (self->told != 0 && at - self->told < (int64_t)WEFT_SECONDS(1))
        return;
    self->told = at;
    if (total > 0)
        (void)snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " %s", done, total, unit);
    else
        (void)snprintf(text, sizeof text, "%" PRIu64 " %s", done, unit);
    kvs_manager_loading(&self->service->manager, text);
}

/* --- the thread ------------------------------------------------------------------------------------ */

/* Ends the process as a drain does, and at the second time cuts what is left. */
static void end_process(struct kvs_loading *self, const char *asked)
{
    weft_log_write(self->log, WEFT_LOG_INFO, self->ends ? "cut" : "drain", "%s", asked);
    if (!self->ends)
        kvs_manager_stopping(&self->service->manager, 0);
    self->ends = true;
    if (self->own)
        weft_loop_stop(self->own);
    else
        weft_server_stop(self->server.server);
}

static void on_terminate(struct weft_signal *signal)
{
    end_process(weft_container_of(signal, struct kvs_loading, terminate), "signal=SIGTERM");
}

static void on_interrupt(struct weft_signal *signal)
{
    end_process(weft_container_of(signal, struct kvs_loading, interrupt), "signal=SIGINT");
}

static void on_drain(void *context)
{
    end_process(context, "asked=admin");
}

static void on_end(struct weft_post *post)
{
    struct kvs_loading *self = weft_container_of(post, struct kvs_loading, end);
    if (self->own) {
        weft_loop_stop(self->own);
        return;
    }
    if (self->hands_over)
        weft_server_keep_listeners(self->server.server);
    weft_server_stop(self->server.server);
}

/* The thread alone is confined: the other one opens files of the store, and is confined later. */
static int confine(const struct kvs_loading *self, struct weft_error *error)
{
    struct kvs_sandbox sandbox = {.alone = true};
    struct weft_url url;
    struct weft_error unread;
    if (self->config->no_sandbox || self->own)
        return 0;
    if (weft_url_parse(&url, self->config->admin, &unread) == 0 && url.path && *url.path != '@')
        kvs_sandbox_folder_of(&sandbox, url.path, true);
    return kvs_sandbox_enter(&sandbox, NULL, error);
}

/* The store is in whatever state it is: all stores stand the end of the process at any moment. Nothing else runs that
 * would have to end first, and exit(3) would not wait for the thread that opens the store. */
static void *run(void *arg)
{
    struct kvs_loading *self = arg;
    struct weft_error error;
    (void)pthread_setname_np(pthread_self(), "kvs-loading");
    if (confine(self, &error) < 0) {
        fprintf(stderr, "kvs: %s\n", error.text);
        _exit(1);
    }
    if (self->own)
        weft_loop_run(self->own);
    else
        (void)!weft_server_run(self->server.server);
    if (self->ends)
        _exit(0);
    return NULL;
}

/* --- its begin ------------------------------------------------------------------------------------- */

static int fill_registry(struct kvs_loading *self, struct weft_users *users)
{
    struct weft_registry *registry = &self->registry;
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    if (err == 0)
        err = kvs_certificates_add(&self->certificates, registry, &self->reload);
#ifdef WEFT_HAS_HTTP
    if (err == 0)
        err = weft_registry_add_codec(registry, &weft_codec_http);
#endif
    if (err == 0 && users)
        err = weft_registry_add_layer(registry, &weft_users_layer, users);
    if (err == 0)
        err = weft_registry_add_service(registry, &weft_admin_service, &self->admin);
    return err;
}

static void describe(struct kvs_loading *self)
{
    const struct kvs_config *config = self->config;
    const char *const facts[][2] = {{"version", WEFT_VERSION},
                                    {"store", config->store},
                                    {"config", config->file ? config->file : ""}};
    self->collectors = (struct weft_collectors)WEFT_COLLECTORS_INIT;
    self->admin.collectors = &self->collectors;
    self->admin.log = self->log;
    self->admin.stop_loading = on_drain;
    self->admin.context = self;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        self->admin.facts[i].name = facts[i][0];
        self->admin.facts[i].value = facts[i][1];
    }
}

/* Copies the listening sockets for the server of --admin. False: there are too many, or no descriptor is left. */
static bool copy_sockets(struct kvs_loading *self)
{
    const struct weft_listener *listener;
    self->sockets.items = self->items;
    for (size_t i = 0; (listener = weft_server_listener(self->server.server, i)) != NULL; i++) {
        int fd = i < KVS_LOADING_ADDRESSES ? fcntl((int)listener->handle, F_DUPFD_CLOEXEC, 0) : -1;
        if (fd < 0)
            return false;
        self->items[i] = (struct weft_inherited){.handle = fd, .kept = listener->kept};
        self->sockets.count = i + 1;
    }
    return true;
}

static void close_sockets(struct kvs_loading *self)
{
    for (size_t i = 0; i < self->sockets.count; i++)
        if (!self->items[i].taken)
            close((int)self->items[i].handle);
    self->sockets.count = 0;
    self->answers = false;
}

/* With port 0 any socket of the address would do, also one of --listen, so that its name has to say whose it is. */
static bool has_any_port(const char *text)
{
    struct weft_url url;
    struct weft_error unread;
    return weft_url_parse(&url, text, &unread) == 0 && url.port && strtoul(url.port, NULL, 10) == 0;
}

/* Answers before the process has become --user would be root's. What this registry does not know is left to the server
 * of --admin, which judges it later. */
static int open_server(struct kvs_loading *self, struct weft_users *users, struct weft_error *error)
{
    struct weft_error unread;
    if (!self->config->admin || (self->config->user && geteuid() == 0))
        return 0;
    describe(self);
    kvs_inheritance_choose(&self->service->inheritance, !has_any_port(self->config->admin),
                           &self->offered);
    if (fill_registry(self, users) < 0 ||
        kvs_admin_open(&self->server, self->config, &self->registry, &self->offered.sockets,
                       self->log, &unread) < 0) {
        kvs_admin_close(&self->server);
        return 0;
    }
    int err = kvs_admin_listen(&self->server, error);
    if (err < 0)
        return err;
    kvs_inheritance_settle(&self->service->inheritance, &self->offered);
    self->answers = copy_sockets(self);
    if (self->answers)
        return 0;
    close_sockets(self);
    return weft_error_set(error, -EMFILE, "--admin: %s", weft_strerror(-EMFILE));
}

static void watch_signals(struct kvs_loading *self, sigset_t *both)
{
    struct weft_loop *loop = self->own ? self->own : weft_server_loop(self->server.server);
    weft_signal_start(&self->terminate, loop, SIGTERM, on_terminate);
    weft_signal_start(&self->interrupt, loop, SIGINT, on_interrupt);
    sigemptyset(both);
    sigaddset(both, SIGTERM);
    sigaddset(both, SIGINT);
}

/* The thread takes these two signals alone, and the others keep them for later. */
static int start_thread(struct kvs_loading *self)
{
    sigset_t both, others, before;
    watch_signals(self, &both);
    sigfillset(&others);
    sigdelset(&others, SIGTERM);
    sigdelset(&others, SIGINT);
    (void)pthread_sigmask(SIG_SETMASK, &others, &before);
    int err = -pthread_create(&self->thread, NULL, run, self);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_sigmask(SIG_BLOCK, &both, NULL);
    self->runs = err == 0;
    return err;
}

int kvs_loading_begin(struct kvs_loading *self, const struct kvs_config *config,
                      const struct weft_log *log, struct kvs_service *service,
                      struct weft_users *users, struct weft_error *error)
{
    self->config = config;
    self->log = log;
    self->service = service;
    self->progress.tell = tell;
    int err = open_server(self, users, error);
    if (err < 0)
        return err;
    if (!self->server.server)
        err = weft_loop_new(&self->own, LOOP_FDS);
    if (err == 0)
        err = start_thread(self);
    if (err < 0)
        return weft_error_set(error, err, "cannot start a thread: %s", weft_strerror(err));
    kvs_manager_loading(&service->manager, NULL);
    return 0;
}

/* --- its end --------------------------------------------------------------------------------------- */

static void join(struct kvs_loading *self, bool hands_over)
{
    struct weft_loop *loop = self->own ? self->own : weft_server_loop(self->server.server);
    self->hands_over = hands_over;
    self->end.run = on_end;
    if (self->runs) {
        int err = weft_loop_post(loop, &self->end);
        (void)err; /* -ESHUTDOWN: a signal has ended it, and with it the process */
        pthread_join(self->thread, NULL);
    }
    self->runs = false;
    weft_signal_stop(&self->terminate);
    weft_signal_stop(&self->interrupt);
    kvs_admin_close(&self->server);
    weft_loop_free(self->own);
    self->own = NULL;
}

void kvs_loading_end(void *loading)
{
    struct kvs_loading *self = loading;
    if (self->runs)
        join(self, true);
}

void kvs_loading_fini(struct kvs_loading *self)
{
    if (self->server.server || self->own)
        join(self, false);
    close_sockets(self);
}
