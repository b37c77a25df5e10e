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
    server->limits = options->limits;
    server->log = options->log;
    server->measures = options->measure;
    server->inheritance = options->inheritance;
    weft__registry_freeze(options->registry);
    err = weft__server_make_ports(server, options, error);
    if (err < 0)
        goto err_after_server;
    server->threads = weft_calloc(options->threads, sizeof *server->threads);
    if (!server->threads) {
        err = weft_error_set(error, -ENOMEM, "out of memory");
        goto err_after_server;
    }
    server->thread_count = options->threads;
    err = weft__server_make_threads(server, error);
    if (err == 0)
        err = weft__server_check_sharing(server, error);
    if (err < 0)
        goto err_after_server;
    *out = server;
    return 0;

err_after_server:
    weft_server_free(server);
    return err;
}

/* Writes the address of a listener, with the scheme and the path of the port's URL, and what is bound there. */
static void name_address(char line[WEFT__DESCRIBE_SIZE], const struct weft__port *port,
                         const struct weft_listener *listener, const char *bound)
{
    const struct weft_url *url = &port->server->ports[port->first].endpoint.url;
    const char *target = url->target ? url->target : "";

    if (port->endpoint.stack->count == 0 && !port->endpoint.stack->mux)
        snprintf(line, WEFT__DESCRIBE_SIZE, "%s %s", listener->name, bound);
    else
        snprintf(line, WEFT__DESCRIBE_SIZE, "%s%s%s %s", url->scheme, strchr(listener->name, ':'),
                 target, bound);
}

/* Tells a worker's binding of a port which line names it. */
static void name_binding(struct weft__binding *binding, const char *line)
{
    binding->endpoint = line;
    for (size_t i = 0; i < binding->layers.count; i++)
        if (binding->layers.of[i].layer->listening)
            binding->layers.of[i].layer->listening(binding->layers.of[i].loop_state, line);
}

/* Writes a line for each address that the port, or the one whose variant it is, listens on. */
static int describe(struct weft__port *port)
{
    const struct weft_listener *listener = port->server->ports[port->first].listener;
    char bound[WEFT__DESCRIBE_SIZE - sizeof listener->name];
    size_t count = 0;

    for (const struct weft_listener *at = listener; at; at = at->next)
        count++;
    port->lines = weft_calloc(count, sizeof *port->lines);
    if (!port->lines)
        return -ENOMEM;
    weft_endpoint_describe(&port->endpoint, bound, sizeof bound);
    for (const struct weft_listener *at = listener; at; at = at->next)
        name_address(port->lines[port->line_count++], port, at, bound);
    for (size_t i = 0; i < port->server->thread_count; i++)
        name_binding(&port->server->threads[i].worker.bindings[port - port->server->ports],
                     port->lines[0]);
    return 0;
}

static int bind_port(struct weft_server *server, struct weft__port *port, struct weft_error *error)
{
    const struct weft_transport *transport = port->endpoint.stack->transport;

    weft_free(port->listener); /* of a listen that failed */
    port->listener = weft_calloc(1, transport->listener_size);
    if (!port->listener)
        return weft_error_set(error, -ENOMEM, "out of memory");
    port->listener->on_ready = weft__server_on_listener;
    port->listener->owner = port;
    port->listener->inheritance = server->inheritance;
    int err = transport->listen(port->listener, server->threads[0].worker.loop, &port->endpoint.url,
                                error);
    port->listening = err == 0;
    return err;
}

static int listen_on(struct weft_server *server, struct weft__port *port, struct weft_error *error)
{
    int err = port == &server->ports[port->first] ? bind_port(server, port, error) : 0;

    if (err < 0)
        return err;
    err = describe(port);
    return err < 0 ? weft_error_set(error, err, "out of memory") : 0;
}

/* Drops the lines about addresses that are not bound any more. */
static void forget_lines(struct weft_server *server)
{
    for (size_t i = 0; i < server->port_count; i++) {
        weft_free(server->ports[i].lines);
        server->ports[i].lines = NULL;
        server->ports[i].line_count = 0;
    }
}

int weft_server_listen(struct weft_server *server, struct weft_error *error)
{
    for (size_t i = 0; i < server->port_count; i++) {
        int err = listen_on(server, &server->ports[i], error);
        if (err < 0) {
            weft__server_unlisten(server);
            forget_lines(server);
            return err;
        }
    }
    return 0;
}

const char *weft_server_endpoint(const struct weft_server *server, size_t i)
{
    if (i >= server->port_count)
        return NULL;
    return server->ports[i].line_count > 0 ? server->ports[i].lines[0] : "";
}

char *weft_server_describe(const struct weft_server *server, size_t i, char *dst, size_t size)
{
    char bound[WEFT__DESCRIBE_SIZE];

    if (i >= server->port_count)
        return NULL;
    const struct weft__port *port = &server->ports[i];
    snprintf(dst, size, "%s %s speaks=%s", server->ports[port->first].address,
             weft_endpoint_describe(&port->endpoint, bound, sizeof bound),
             port->endpoint.service->speaks);
    return dst;
}

const char *weft_server_listening(const struct weft_server *server, size_t i)
{
    for (size_t p = 0; p < server->port_count; p++) {
        if (i < server->ports[p].line_count)
            return server->ports[p].lines[i];
        i -= server->ports[p].line_count;
    }
    return NULL;
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
        weft__server_unlisten(server);
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

static void add_counts(struct weft_server_counts *sum, const struct weft__counts *counts)
{
    sum->accepted += atomic_load_explicit(&counts->accepted, memory_order_relaxed);
    sum->open += atomic_load_explicit(&counts->open, memory_order_relaxed);
    sum->requests += atomic_load_explicit(&counts->requests, memory_order_relaxed);
    sum->rejected += atomic_load_explicit(&counts->rejected, memory_order_relaxed);
    sum->bytes_in += atomic_load_explicit(&counts->bytes_in, memory_order_relaxed);
    sum->bytes_out += atomic_load_explicit(&counts->bytes_out, memory_order_relaxed);
    for (size_t i = 0; i < WEFT_REASON_COUNT; i++)
        sum->closed[i] += atomic_load_explicit(&counts->closed[i], memory_order_relaxed);
}

void weft_server_count(const struct weft_server *server, size_t i,
                       struct weft_server_counts *counts)
{
    *counts = (struct weft_server_counts){0};
    for (size_t t = 0; t < server->thread_count; t++)
        for (size_t p = 0; p < server->port_count; p++)
            if (p == i || i >= server->port_count)
                add_counts(counts, &server->threads[t].worker.bindings[p].counts);
}

void weft_server_free(struct weft_server *server)
{
    if (!server)
        return;
    weft_timer_stop(&server->drain_timer);
    weft_timer_stop(&server->accept_timer);
    weft__server_unlisten(server);
    halt_threads(server);
    weft__server_free_threads(server);
    weft__server_free_ports(server);
    weft_free(server);
}
