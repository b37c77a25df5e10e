/* SPDX-License-Identifier: MIT
 *
 * A server's life: new, listen, start, run, stop, cut, count. */
#include "core/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "core/base/compiler.h"
#include "server_private.h"

enum {
    MAX_THREADS = 256,
    MAX_CONNECTIONS = 1 << 24 /* descriptors are an int, and each has a place in a loop's tables */
};

static int check_options(const struct weft_server_options *options, struct weft_error *error)
{
    if (options->url_count == 0)
        return weft_error_set(error, WEFT_ECONFIG, "no endpoint to listen on");
    if (options->threads < 1 || options->threads > MAX_THREADS)
        return weft_error_set(error, WEFT_ECONFIG, "threads is %u; it takes 1 to %d",
                              options->threads, MAX_THREADS);
    if (options->limits.max_connections > MAX_CONNECTIONS)
        return weft_error_set(error, WEFT_ECONFIG,
                              "max-connections is %" PRIu64 "; it takes 1 to %d",
                              options->limits.max_connections, MAX_CONNECTIONS);
    return weft_limits_check(&options->limits, error);
}

static int make_addresses(struct weft_server *server, const struct weft_server_options *options,
                          struct weft_error *error)
{
    struct weft__addresses made;
    int err = weft__addresses_make(&made, server, options->urls, options->url_count, error);

    server->addresses = made.of;
    server->address_count = made.count;
    return err;
}

static int start_addresses(struct weft_server *server, struct weft_error *error)
{
    int err = 0;

    for (size_t t = 0; err == 0 && t < server->thread_count; t++)
        for (size_t i = 0; err == 0 && i < server->address_count; i++)
            err = weft__address_start(server->addresses[i], &server->threads[t]);
    if (err < 0)
        return weft_error_set(error, err, "cannot start a plugin: %s", weft_strerror(err));
    for (size_t i = 0; err == 0 && i < server->address_count; i++)
        err = weft__address_check_sharing(server->addresses[i], error);
    return err;
}

int weft_server_new(struct weft_server **out, const struct weft_server_options *options,
                    struct weft_error *error)
{
    struct weft_server *server;
    int err = check_options(options, error);

    *out = NULL;
    if (err < 0)
        return err;
    server = weft_calloc(1, sizeof *server);
    if (!server)
        return weft_error_set(error, -ENOMEM, "out of memory");
    server->options = *options;
    server->options.urls = NULL;
    server->options.url_count = 0;
    pthread_mutex_init(&server->lock, NULL);
    weft__registry_freeze(options->registry);
    err = make_addresses(server, options, error);
    if (err == 0)
        err = weft__server_make_threads(server, error);
    if (err == 0)
        err = start_addresses(server, error);
    if (err < 0)
        goto err_after_server;
    *out = server;
    return 0;

err_after_server:
    weft_server_free(server);
    return err;
}

int weft_server_listen(struct weft_server *server, struct weft_error *error)
{
    int err = 0;

    for (size_t i = 0; err == 0 && i < server->address_count; i++)
        err = weft__address_listen(server->addresses[i], server->options.inheritance, error);
    for (size_t i = 0; err < 0 && i < server->address_count; i++) {
        weft__address_unlisten(server->addresses[i]);
        weft__address_forget_lines(server->addresses[i]);
    }
    server->listening = err == 0;
    return err;
}

struct weft_loop *weft_server_loop(struct weft_server *server)
{
    return server->threads[0].worker.loop;
}

/* Stops the first loop once all others are done. It runs until then, so that its timer and signals can
 * still cut. */
static void stop_when_done(struct weft_server *server)
{
    if (server->running == 0) {
        weft_timer_stop(&server->drain_timer);
        weft_loop_stop(server->threads[0].worker.loop);
    }
}

static void on_thread_done(struct weft_post *post)
{
    struct weft__thread *thread = weft_container_of(post, struct weft__thread, done);

    thread->server->running--;
    stop_when_done(thread->server);
}

/* Called when a draining worker has lost its last connection, so its loop has nothing more to do. */
static void on_worker_empty(struct weft__worker *worker)
{
    struct weft__thread *thread = weft_container_of(worker, struct weft__thread, worker);
    struct weft_server *server = thread->server;
    int err;

    /* A thread that was never started has nobody to tell. */
    if (thread->empty || (thread != server->threads && !thread->started))
        return;
    thread->empty = true;
    if (thread == server->threads) {
        server->running--;
        stop_when_done(server);
        return;
    }
    weft_loop_stop(worker->loop);
    thread->done.run = on_thread_done;
    err = weft_loop_post(server->threads[0].worker.loop, &thread->done);
    (void)err; /* -ESHUTDOWN: nobody waits for this any more */
}

static void drain_thread(struct weft_post *post)
{
    weft__worker_drain(&weft_container_of(post, struct weft__thread, drain)->worker);
}

static void cut_thread(struct weft_post *post)
{
    weft__worker_cut(&weft_container_of(post, struct weft__thread, cut)->worker);
}

static void tell(struct weft__thread *thread, struct weft_post *post,
                 void (*run)(struct weft_post *post))
{
    int err;

    post->run = run;
    if (thread == thread->server->threads || !thread->started) {
        run(post);
        return;
    }
    err = weft_loop_post(thread->worker.loop, post);
    (void)err; /* -ESHUTDOWN: that loop has drained and ended */
}

static void cut(struct weft_server *server)
{
    if (server->cutting)
        return;
    server->cutting = true;
    for (size_t i = 0; i < server->thread_count; i++)
        tell(&server->threads[i], &server->threads[i].cut, cut_thread);
}

static void on_drain_timeout(struct weft_timer *timer)
{
    cut(weft_container_of(timer, struct weft_server, drain_timer));
}

void weft_server_stop(struct weft_server *server)
{
    if (server->draining) {
        cut(server);
        return;
    }
    server->draining = true;
    if (!server->serving) {
        for (size_t i = 0; i < server->address_count; i++)
            weft__address_unlisten(server->addresses[i]);
        return;
    }
    server->drain_timer.fire = on_drain_timeout;
    weft_loop_after(server->threads[0].worker.loop, &server->drain_timer,
                    (int64_t)server->threads[0].limits.drain_timeout);
    weft__server_close_listeners(server);
    /* The first worker comes last: it may be empty at once, and then ends the run if all others are. */
    for (size_t i = server->thread_count; i-- > 0;)
        tell(&server->threads[i], &server->threads[i].drain, drain_thread);
}

static void *run_thread(void *arg)
{
    struct weft__thread *thread = arg;
    char name[16];

    snprintf(name, sizeof name, "weft-loop-%u",
             (unsigned)(thread - thread->server->threads) % 1000);
    (void)pthread_setname_np(pthread_self(), name);
    weft_loop_run(thread->worker.loop);
    return NULL;
}

static void halt_thread(struct weft_post *post)
{
    weft_loop_stop(weft_container_of(post, struct weft__thread, cut)->worker.loop);
}

static void join_threads(struct weft_server *server)
{
    for (size_t i = 1; i < server->thread_count; i++) {
        if (server->threads[i].started)
            pthread_join(server->threads[i].thread, NULL);
        server->threads[i].started = false;
    }
}

/* Ends threads that have not served: nothing is on their loops. */
static void halt_threads(struct weft_server *server)
{
    for (size_t i = 1; i < server->thread_count; i++) {
        struct weft__thread *thread = &server->threads[i];

        if (!thread->started)
            continue;
        thread->cut.run = halt_thread;
        int err = weft_loop_post(thread->worker.loop, &thread->cut);
        (void)err; /* -ESHUTDOWN: it has ended */
    }
    join_threads(server);
}

static int refuse_thread(const struct weft_server *server, size_t i, int err,
                         struct weft_error *error)
{
    struct rlimit limit = {0};
    char text[64];

    if (err != -EAGAIN)
        return weft_error_set(error, err, "cannot start thread %zu of %zu: %s", i + 1,
                              server->thread_count, weft_strerror(err));
    if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        snprintf(text, sizeof text, "%" PRIu64, (uint64_t)limit.rlim_cur);
    else
        snprintf(text, sizeof text, "none, so a container's or the system's is met");
    return weft_error_set(error, err,
                          "cannot start thread %zu of %zu: %s; choose fewer, or raise the limit of "
                          "processes and threads (RLIMIT_NPROC: %s)",
                          i + 1, server->thread_count, weft_strerror(err), text);
}

int weft_server_start(struct weft_server *server, struct weft_error *error)
{
    for (size_t i = 1; i < server->thread_count; i++) {
        struct weft__thread *thread = &server->threads[i];

        if (thread->started)
            continue;
        int err = -pthread_create(&thread->thread, NULL, run_thread, thread);
        if (err < 0) {
            halt_threads(server);
            return refuse_thread(server, i, err, error);
        }
        thread->started = true;
    }
    return 0;
}

void weft__server_begin(struct weft_server *server)
{
    server->serving = true;
    server->running = 1;
    for (size_t i = 0; i < server->thread_count; i++) {
        server->threads[i].worker.on_empty = on_worker_empty;
        server->running += server->threads[i].started;
    }
    weft__server_set_accepting(server, true);
}

int weft_server_run(struct weft_server *server)
{
    struct weft_error unread;
    int err = server->draining ? 0 : weft_server_start(server, &unread);

    if (err < 0 || server->draining)
        return err;
    weft__server_begin(server);
    weft_loop_run(server->threads[0].worker.loop);
    join_threads(server);
    return weft_server_cut(server) > 0;
}

uint64_t weft_server_cut(const struct weft_server *server)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < server->thread_count; i++)
        sum += server->threads[i].worker.cut;
    return sum;
}

static void count_address(const struct weft__address *address, struct weft_server_counts *sum)
{
    for (size_t i = 0; i < address->count; i++)
        weft__port_count(&address->ports[i], sum);
}

void weft_server_count(const struct weft_server *server, size_t i,
                       struct weft_server_counts *counts)
{
    const struct weft__port *port = weft__server_port(server, i);

    *counts = (struct weft_server_counts){0};
    if (port) {
        weft__port_count(port, counts);
        return;
    }
    for (size_t a = 0; a < server->address_count; a++)
        count_address(server->addresses[a], counts);
    for (const struct weft__address *address = server->removed; address; address = address->next)
        count_address(address, counts);
    weft__counts_add(counts, &server->gone);
}

static void free_addresses(struct weft_server *server)
{
    struct weft__addresses all = {server->addresses, server->address_count};

    for (size_t i = 0; i < all.count; i++) {
        weft__address_unlisten(all.of[i]);
        for (size_t t = server->ready; t-- > 0;)
            weft__address_stop(all.of[i], &server->threads[t]);
    }
    weft__server_free_removed(server);
    weft__addresses_free(&all);
}

static void free_lines(struct weft_server *server)
{
    struct weft__line *next;

    for (struct weft__line *line = server->lines; line; line = next) {
        next = line->next;
        weft_free(line);
    }
}

void weft_server_free(struct weft_server *server)
{
    if (!server)
        return;
    weft_timer_stop(&server->drain_timer);
    weft_timer_stop(&server->accept_timer);
    halt_threads(server);
    free_addresses(server);
    weft__server_free_threads(server);
    free_lines(server);
    pthread_mutex_destroy(&server->lock);
    weft_free(server);
}
