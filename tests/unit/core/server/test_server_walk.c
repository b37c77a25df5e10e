/* SPDX-License-Identifier: MIT
 *
 * Walks over the connections of four loops with threads of their own, while connections come, ask and go. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/connections.h"
#include "core/server.h"
#include "lib/wire.h"
#include "transports/transports.h"

enum { THREADS = 4, CLIENTS = 16, ROUNDS = 50 };

/* --- a service whose requests walk: "list", or "end ID" ------------------------------------------------ */

struct answer {
    struct weft_walk walk;
    struct weft_request *request;
    uint64_t end, seen, ended, requests;
};

static unsigned visit(struct weft_walk *walk, const struct weft_connection *row)
{
    struct answer *answer = weft_container_of(walk, struct answer, walk);
    answer->seen++;
    answer->requests += row->requests;
    if (row->id != answer->end)
        return WEFT_VISIT_NEXT;
    answer->ended++;
    return WEFT_VISIT_STOP | WEFT_VISIT_END;
}

static void done(struct weft_walk *walk)
{
    struct answer *answer = weft_container_of(walk, struct answer, walk);
    char text[64];
    int size = snprintf(text, sizeof text, "%llu %llu", (unsigned long long)answer->seen,
                        (unsigned long long)answer->ended);
    const struct weft_body_bytes body = weft_body_from_view(weft_view(text, (size_t)size));
    (void)!weft_request_end(answer->request, &body.body);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state;
    char text[32] = "";
    memcpy(text, request->payload.data, request->payload.size < 31 ? request->payload.size : 31);
    if (weft_request_keep(request) < 0)
        abort();
    struct answer *answer = weft_arena_alloc(weft_request_arena(request), sizeof *answer);
    if (!answer)
        abort();
    *answer = (struct answer){.walk = {.visit = visit, .done = done}, .request = request};
    if (strncmp(text, "end ", 4) == 0)
        answer->end = strtoull(text + 4, NULL, 10);
    weft_connections_walk(request, &answer->walk);
}

static const struct weft_service walking_service = {.name = "walk", .speaks = "*", .call = call};

/* --- the server ---------------------------------------------------------------------------------------- */

struct fixture {
    char path[64], url[128];
    struct weft_registry registry;
    struct weft_server *server;
    pthread_t thread;
    struct weft_post stop;
};

static void *run(void *arg)
{
    struct fixture *f = arg;
    (void)!weft_server_run(f->server);
    return NULL;
}

static void stop(struct weft_post *post)
{
    weft_server_stop(weft_container_of(post, struct fixture, stop)->server);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    snprintf(f.path, sizeof f.path, "/tmp/weft-test-server-walk-%d", (int)getpid());
    snprintf(f.url, sizeof f.url, "unix:%s?codec=raw&service=walk", f.path);
    *state = &f;
    const char *urls[] = {f.url};
    const struct weft_server_options options = {
        .registry = &f.registry,
        .urls = urls,
        .url_count = 1,
        .codec = "raw",
        .service = "walk",
        .limits = weft_limits_default(),
        .threads = THREADS,
    };
    struct weft_error error;
    if (weft_registry_add_codec(&f.registry, &weft_codec_raw) < 0 ||
        weft_registry_add_transport(&f.registry, &weft_transport_unix) < 0 ||
        weft_registry_add_service(&f.registry, &walking_service, NULL) < 0 ||
        weft_server_new(&f.server, &options, &error) < 0 ||
        weft_server_listen(f.server, &error) < 0)
        return -1;
    return pthread_create(&f.thread, NULL, run, &f);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    f->stop.run = stop;
    if (weft_loop_post(weft_server_loop(f->server), &f->stop) < 0)
        return -1;
    pthread_join(f->thread, NULL);
    weft_server_free(f->server);
    unlink(f->path);
    return 0;
}

static void ask(int fd, const char *text)
{
    assert_int_equal(wire_send_frame(fd, text, strlen(text)), 0);
}

static unsigned long long hear(int fd, unsigned long long *ended)
{
    struct wire_bytes reply;
    char text[64] = "", *end;
    assert_int_equal(wire_receive(fd, false, &reply), 1);
    assert_in_range(reply.size, 3, sizeof text - 1);
    memcpy(text, reply.data, reply.size);
    wire_free(&reply);
    unsigned long long seen = strtoull(text, &end, 10);
    *ended = strtoull(end, NULL, 10);
    return seen;
}

/* Each client has several walks under way, and in each round one connection more comes and goes. */
static void test_walks_of_all_loops_cross_while_connections_come_and_go(void **state)
{
    struct fixture *f = *state;
    int fds[CLIENTS];
    unsigned long long ended;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = wire_connect(f->url);
        ask(fds[i], "list");
        assert_in_range(hear(fds[i], &ended), i + 1, CLIENTS);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int guest = wire_connect(f->url);
        ask(guest, "list");
        for (int i = 0; i < CLIENTS; i++)
            ask(fds[i], "list");
        if (round % 2)
            (void)hear(guest, &ended);
        close(guest);
        for (int i = 0; i < CLIENTS; i++)
            assert_in_range(hear(fds[i], &ended), CLIENTS, CLIENTS + ROUNDS);
    }
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
}

/* The first connection has number 1. It ends the others, each of which is on any loop, and has walks under
 * way itself when it is ended. */
static void test_connections_of_other_loops_are_ended(void **state)
{
    struct fixture *f = *state;
    int fds[CLIENTS];
    unsigned long long ended;
    char text[32];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = wire_connect(f->url);
        ask(fds[i], "list");
        (void)hear(fds[i], &ended);
    }
    for (int i = 1; i < CLIENTS; i++) {
        struct wire_bytes reply;
        ask(fds[i], "list");
        snprintf(text, sizeof text, "end %d", i + 1);
        ask(fds[0], text);
        (void)hear(fds[0], &ended);
        assert_int_equal(ended, 1);
        while (wire_receive(fds[i], false, &reply) == 1)
            wire_free(&reply);
        close(fds[i]);
    }
    struct weft_server_counts counts;
    do
        weft_server_count(f->server, 0, &counts);
    while (counts.open > 1);
    assert_int_equal(counts.closed[WEFT_REASON_KILLED], CLIENTS - 1);
    ask(fds[0], "end 1");
    (void)hear(fds[0], &ended);
    assert_int_equal(ended, 1);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walks_of_all_loops_cross_while_connections_come_and_go,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_of_other_loops_are_ended, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
