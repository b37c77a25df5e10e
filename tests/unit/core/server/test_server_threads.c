/* SPDX-License-Identifier: MIT
 *
 * A server on several threads with loops and sockets that are real: it ends when all of them have
 * drained or been cut, or when one of them cannot be made. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/server.h"
#include "transports/transports.h"
#include "lib/wire.h"
#include "services/echo/echo.h"

enum { THREADS = 4, CLIENTS = 8, MESSAGES = 100 };

/* The number of the server's threads can be made; -1: all. And why the next one cannot. */
static int threads_left = -1, thread_error = EAGAIN;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    if (threads_left == 0)
        return thread_error;
    if (threads_left > 0)
        threads_left--;
    return __real_pthread_create(thread, attr, run, arg);
}

struct fixture {
    char path[64], url[128];
    struct weft_registry registry;
    struct weft_server *server;
    pthread_t thread;
    struct weft_post stop;
    int result;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    threads_left = -1;
    thread_error = EAGAIN;
    snprintf(f.path, sizeof f.path, "/tmp/weft-test-server-threads-%d", (int)getpid());
    snprintf(f.url, sizeof f.url, "unix:%s?codec=raw&service=echo", f.path);
    *state = &f;
    return weft_registry_add_codec(&f.registry, &weft_codec_raw) < 0 ||
                   weft_registry_add_transport(&f.registry, &weft_transport_unix) < 0 ||
                   weft_registry_add_service(&f.registry, &echo_service, NULL) < 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    threads_left = -1;
    weft_server_free(f->server);
    unlink(f->path);
    return 0;
}

static void start(struct fixture *f, const char *options)
{
    char url[192];
    const char *urls[] = {url};
    const struct weft_server_options server_options = {
        .registry = &f->registry,
        .urls = urls,
        .url_count = 1,
        .codec = "raw",
        .service = "echo",
        .limits = weft_limits_default(),
        .threads = THREADS,
    };
    struct weft_error error;

    snprintf(url, sizeof url, "%s%s", f->url, options);
    assert_int_equal(weft_server_new(&f->server, &server_options, &error), 0);
    assert_int_equal(weft_server_listen(f->server, &error), 0);
}

static void *run(void *arg)
{
    struct fixture *f = arg;

    f->result = weft_server_run(f->server);
    return NULL;
}

static void start_running(struct fixture *f, const char *options)
{
    start(f, options);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

static void stop(struct weft_post *post)
{
    weft_server_stop(weft_container_of(post, struct fixture, stop)->server);
}

static void stop_twice(struct weft_post *post)
{
    stop(post);
    stop(post);
}

static void post_and_join(struct fixture *f, void (*call)(struct weft_post *post))
{
    f->stop.run = call;
    assert_int_equal(weft_loop_post(weft_server_loop(f->server), &f->stop), 0);
    assert_int_equal(pthread_join(f->thread, NULL), 0);
}

static struct weft_server_counts count(const struct fixture *f)
{
    struct weft_server_counts counts;

    weft_server_count(f->server, 0, &counts);
    return counts;
}

static void expect_frame(int fd, uint8_t letter, size_t size)
{
    struct wire_bytes reply;

    assert_int_equal(wire_receive(fd, false, &reply), 1);
    assert_int_equal(reply.size, size);
    assert_int_equal(reply.data[0], letter);
    assert_int_equal(reply.data[size - 1], letter);
    wire_free(&reply);
}

static void expect_end(int fd)
{
    struct wire_bytes reply;

    assert_int_equal(wire_receive(fd, false, &reply), 0);
    close(fd);
}

static void test_connections_of_all_threads_are_served_and_drained(void **state)
{
    struct fixture *f = *state;
    uint8_t message[1000];
    int fds[CLIENTS];

    start_running(f, "");
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = wire_connect(f->url);
    for (int i = 0; i < CLIENTS; i++) {
        memset(message, 'a' + i, sizeof message);
        for (int n = 1; n <= MESSAGES; n++)
            assert_int_equal(wire_send_frame(fds[i], message, (size_t)n * 10), 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        for (int n = 1; n <= MESSAGES; n++)
            expect_frame(fds[i], (uint8_t)('a' + i), (size_t)n * 10);
    f->stop.run = stop;
    assert_int_equal(weft_loop_post(weft_server_loop(f->server), &f->stop), 0);
    for (int i = 0; i < CLIENTS; i++)
        expect_end(fds[i]);
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    assert_int_equal(f->result, 0);
    assert_int_equal(count(f).accepted, CLIENTS);
    assert_int_equal(count(f).closed[WEFT_REASON_DRAINED], CLIENTS);
    assert_int_equal(count(f).requests, CLIENTS * MESSAGES);
}

/* Each has a request that would take an hour. */
static void test_connections_of_all_threads_are_cut(void **state)
{
    struct fixture *f = *state;
    int fds[CLIENTS];

    start_running(f, "&delay=3600000");
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = wire_connect(f->url);
        assert_int_equal(wire_send_frame(fds[i], "hello", 5), 0);
    }
    /* None of them is to be cut before it has called the service. */
    while (count(f).requests < CLIENTS)
        sched_yield();
    post_and_join(f, stop_twice);
    assert_int_equal(f->result, 1);
    assert_int_equal(weft_server_cut(f->server), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

static void test_stop_of_idle_threads_ends_them(void **state)
{
    struct fixture *f = *state;

    start_running(f, "");
    post_and_join(f, stop);
    assert_int_equal(f->result, 0);
}

static void test_run_fails_where_a_thread_cannot_be_made(void **state)
{
    struct fixture *f = *state;

    for (int n = 0; n < THREADS - 1; n++) {
        start(f, "");
        threads_left = n;
        assert_int_equal(weft_server_run(f->server), -EAGAIN);
        weft_server_free(f->server);
        f->server = NULL;
    }
}

/* Starts a server whose second thread beside the first cannot be made; those made before it end. */
static void refuse_start(struct fixture *f, const char *text)
{
    struct weft_error error;

    start(f, "");
    threads_left = 1;
    assert_int_equal(weft_server_start(f->server, &error), -thread_error);
    assert_int_equal(error.code, -thread_error);
    assert_string_equal(error.text, text);
    weft_server_free(f->server);
    f->server = NULL;
}

static void test_start_that_fails_says_what_may_help(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, limit;

    assert_int_equal(getrlimit(RLIMIT_NPROC, &old), 0);
    limit = (struct rlimit){.rlim_cur = 4321, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NPROC, &limit), 0);
    refuse_start(f,
                 "cannot start thread 3 of 4: Resource temporarily unavailable; choose fewer, or "
                 "raise the limit of processes and threads (RLIMIT_NPROC: 4321)");
    if (old.rlim_max == RLIM_INFINITY) {
        limit.rlim_cur = RLIM_INFINITY;
        assert_int_equal(setrlimit(RLIMIT_NPROC, &limit), 0);
        refuse_start(f, "cannot start thread 3 of 4: Resource temporarily unavailable; choose "
                        "fewer, or raise the limit of processes and threads (RLIMIT_NPROC: none, "
                        "so a container's or the system's is met)");
    }
    assert_int_equal(setrlimit(RLIMIT_NPROC, &old), 0);
    thread_error = EPERM;
    refuse_start(f, "cannot start thread 3 of 4: Operation not permitted");
}

/* Threads that were started and never run end with the server, and with a stop before run. */
static void test_started_threads_end_without_a_run(void **state)
{
    struct fixture *f = *state;
    struct weft_error error;

    start(f, "");
    assert_int_equal(weft_server_start(f->server, &error), 0);
    assert_int_equal(weft_server_start(f->server, &error), 0);
    weft_server_free(f->server);

    start(f, "");
    assert_int_equal(weft_server_start(f->server, &error), 0);
    weft_server_stop(f->server);
    assert_int_equal(weft_server_run(f->server), 0);
}

static void *make_server(void *arg)
{
    struct fixture *f = arg;
    const char *urls[] = {f->url};
    const struct weft_server_options options = {
        .registry = &f->registry,
        .urls = urls,
        .url_count = 1,
        .codec = "raw",
        .service = "echo",
        .limits = weft_limits_default(),
        .threads = 1,
    };
    struct weft_server *server;
    struct weft_error error;

    if (weft_server_new(&server, &options, &error) < 0)
        return f;
    weft_server_free(server);
    return NULL;
}

/* Each server freezes the registry; ThreadSanitizer would see a race. */
static void test_servers_of_several_threads_share_a_registry(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_server, f), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed = f;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* A tour that is begun anew as often as `left` says, and then stops the server. */
struct tours {
    struct weft_tour tour;
    struct weft_post begin;
    struct fixture *fixture;
    int left;
};

static void on_tour_done(struct weft_tour *tour)
{
    struct tours *tours = weft_container_of(tour, struct tours, tour);

    if (--tours->left > 0)
        weft_server_tour(tours->fixture->server, tour);
    else
        weft_server_stop(tours->fixture->server);
}

static void begin_tours(struct weft_post *post)
{
    struct tours *tours = weft_container_of(post, struct tours, begin);

    weft_server_tour(tours->fixture->server, &tours->tour);
}

static void test_tour_comes_back_from_all_loops(void **state)
{
    struct fixture *f = *state;
    struct tours tours = {
        .tour.done = on_tour_done, .begin.run = begin_tours, .fixture = f, .left = 100};

    start_running(f, "");
    assert_int_equal(weft_loop_post(weft_server_loop(f->server), &tours.begin), 0);
    assert_int_equal(pthread_join(f->thread, NULL), 0);
    assert_int_equal(tours.left, 0);
}

static void test_listeners_that_are_kept_leave_their_file_and_who_waits(void **state)
{
    struct fixture *f = *state;

    start(f, "");
    const struct weft_listener *listener = weft_server_listener(f->server, 0);
    assert_non_null(listener);
    assert_null(weft_server_listener(f->server, 1));
    int handle = dup((int)listener->handle), waiting = wire_connect(f->url);
    weft_server_keep_listeners(f->server);
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
    post_and_join(f, stop);
    assert_null(weft_server_listener(f->server, 0));
    assert_int_equal(access(f->path, F_OK), 0);
    /* It may have been accepted before the stop. If not, it is there for whoever has the handle. */
    if (count(f).accepted == 0) {
        int accepted = accept(handle, NULL, NULL);
        assert_true(accepted >= 0);
        close(accepted);
    }
    close(waiting);
    close(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_servers_of_several_threads_share_a_registry, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_connections_of_all_threads_are_served_and_drained,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_of_all_threads_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_of_idle_threads_ends_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_fails_where_a_thread_cannot_be_made, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_start_that_fails_says_what_may_help, setup, teardown),
        cmocka_unit_test_setup_teardown(test_started_threads_end_without_a_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tour_comes_back_from_all_loops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listeners_that_are_kept_leave_their_file_and_who_waits,
                                        setup, teardown),
    };
    return cmocka_run_group_tests_name("server threads", tests, NULL, NULL);
}
