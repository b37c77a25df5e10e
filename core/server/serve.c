/* SPDX-License-Identifier: MIT
 *
 * A server as a whole program has it. */
#include "core/serve.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/compiler.h"

enum { MOST_THREADS = 256 };

struct stopper {
    struct weft_signal terminate, interrupt;
    struct weft_server *server;
};

static void on_terminate(struct weft_signal *raised)
{
    weft_server_stop(weft_container_of(raised, struct stopper, terminate)->server);
}

static void on_interrupt(struct weft_signal *raised)
{
    weft_server_stop(weft_container_of(raised, struct stopper, interrupt)->server);
}

/* Flushes the lines at once, for a script reads them from a pipe and waits. */
static void print_listening(const struct weft_server *server)
{
    const char *address;
    for (size_t i = 0; (address = weft_server_listening(server, i)) != NULL; i++)
        (void)printf("listening %s\n", address);
    (void)fflush(stdout);
}

static int run(struct weft_server *server, struct weft_error *error)
{
    struct stopper stopper = {.server = server};
    struct weft_loop *loop = weft_server_loop(server);
    /* The addresses are told once all threads exist that serve them; run has no other way to fail. */
    int status = weft_server_start(server, error);
    if (status < 0)
        return status;
    weft_signal_start(&stopper.terminate, loop, SIGTERM, on_terminate);
    weft_signal_start(&stopper.interrupt, loop, SIGINT, on_interrupt);
    print_listening(server);
    status = weft_server_run(server);
    weft_signal_stop(&stopper.interrupt);
    weft_signal_stop(&stopper.terminate);
    if (status > 0)
        return weft_error_set(error, status, "cut %" PRIu64 " connections that had not drained",
                              weft_server_cut(server));
    return status;
}

int weft_serve_with(const struct weft_server_options *options, struct weft_error *error)
{
    struct weft_server *server;
    int status = weft_server_new(&server, options, error);
    if (status == 0)
        status = weft_server_listen(server, error);
    if (status == 0)
        status = run(server, error);
    weft_server_free(server);
    return status;
}

static unsigned count_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1;
    const int count = CPU_COUNT(&set);
    return count < MOST_THREADS ? (unsigned)count : MOST_THREADS;
}

int weft_serve(struct weft_registry *registry, int argc, char **argv, struct weft_error *error)
{
    static const struct weft_log log = {.level = WEFT_LOG_WARN, .fd = STDERR_FILENO};
    const struct weft_codec *codec = registry->codecs[0];
    const struct weft_service *service = registry->services[0].service;
    const struct weft_server_options options = {
        .registry = registry,
        .urls = (const char *const *)(argv + 1),
        .url_count = argc > 1 ? (size_t)argc - 1 : 0,
        .codec = codec ? codec->name : NULL,
        .service = service ? service->name : NULL,
        .limits = weft_limits_default(),
        .threads = count_cpus(),
        .log = &log,
    };
    if (options.url_count == 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "name the URLs to listen on, such as tcp://127.0.0.1:9527");
    return weft_serve_with(&options, error);
}
