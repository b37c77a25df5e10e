/* SPDX-License-Identifier: MIT */
#include "service_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "lib/feed.h"
#include "lib/virtual_loop.h"

enum { QUERY_MAX = 256, OPTIONS_MAX = 8, ROUNDS_MAX = 1000 };

static void *zeroed(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    assert_non_null(p);
    return p;
}

static int configure(struct service_world *world)
{
    char text[QUERY_MAX];
    struct weft_option_value values[OPTIONS_MAX];
    struct weft_error error = {0};
    const struct weft_service *service = world->suite->service;
    snprintf(text, sizeof text, "%s", world->suite->query ? world->suite->query : "");
    struct weft_option_set set = {values, feed_parse_query(text, values, OPTIONS_MAX)};
    int err = service->configure ? service->configure(world->config, world->suite->context, &set,
                                                      &world->limits, &error)
                                 : 0;
    if (err < 0)
        print_error("configure: %s\n", error.text);
    return err;
}

static void close_all(struct service_world *world)
{
    const struct weft_service *service = world->suite->service;
    while (world->open > 0)
        if (world->open--, service->close)
            service->close(world->connections[world->open], world->loop_state);
}

static int open_all(struct service_world *world)
{
    const struct weft_service *service = world->suite->service;
    for (; world->open < SERVICE_CONNECTIONS; world->open++) {
        int err =
            service->open ? service->open(world->connections[world->open], world->loop_state) : 0;
        if (err < 0)
            return err;
    }
    return 0;
}

static void free_all(struct service_world *world)
{
    for (int i = 0; i < SERVICE_CONNECTIONS; i++)
        free(world->connections[i]);
    free(world->loop_state);
    free(world->config);
}

int service_world_try_init(struct service_world *world, const struct weft_service_suite *suite)
{
    const struct weft_service *service = suite->service;
    *world = (struct service_world){.suite = suite, .limits = weft_limits_default()};
    world->config = zeroed(service->config_size);
    world->loop_state = zeroed(service->loop_size);
    for (int i = 0; i < SERVICE_CONNECTIONS; i++)
        world->connections[i] = zeroed(service->conn_size);
    int err = weft_loop_new(&world->loop, 0);
    if (err < 0)
        goto err_after_memory;
    err = configure(world);
    if (err < 0)
        goto err_after_loop;
    err = service->start ? service->start(world->loop_state, world->config, world->loop) : 0;
    if (err < 0)
        goto err_after_loop;
    err = open_all(world);
    if (err < 0)
        goto err_after_start;
    return 0;

err_after_start:
    close_all(world);
    if (service->stop)
        service->stop(world->loop_state);
err_after_loop:
    weft_loop_free(world->loop);
err_after_memory:
    free_all(world);
    return err;
}

void service_world_init(struct service_world *world, const struct weft_service_suite *suite)
{
    assert_int_equal(service_world_try_init(world, suite), 0);
}

void service_world_fini(struct service_world *world)
{
    close_all(world);
    if (world->suite->service->stop)
        world->suite->service->stop(world->loop_state);
    weft_loop_free(world->loop);
    free_all(world);
}

struct in_turn {
    struct weft_deferred deferred;
    struct service_world *world;
    struct fake_request *request;
    void *connection;
};

static void call_now(struct weft_deferred *deferred)
{
    struct in_turn *self = weft_container_of(deferred, struct in_turn, deferred);
    fake_request_call(self->request, self->world->suite->service, self->world->loop_state,
                      self->connection);
}

static void cancel_now(struct weft_deferred *deferred)
{
    struct in_turn *self = weft_container_of(deferred, struct in_turn, deferred);
    struct weft_request *request = &self->request->request;
    self->request->gone = true;
    self->request->owes_drain = false;
    if (!self->request->ended && request->on_cancel)
        request->on_cancel(request, WEFT_REASON_PEER_RESET);
}

void service_world_call(struct service_world *world, size_t connection,
                        struct fake_request *request)
{
    struct in_turn self = {{.run = call_now}, world, request, world->connections[connection]};
    weft_loop_defer(world->loop, &self.deferred);
    virtual_loop_turn(world->loop);
}

void service_world_cancel(struct service_world *world, struct fake_request *request)
{
    struct in_turn self = {{.run = cancel_now}, world, request, NULL};
    weft_loop_defer(world->loop, &self.deferred);
    virtual_loop_turn(world->loop);
}

void service_world_settle(struct service_world *world)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        assert_true(virtual_loop_run_until_idle(world->loop));
        int64_t next = virtual_loop_next_timer(world->loop);
        if (next == INT64_MAX)
            return;
        assert_true(virtual_loop_advance(world->loop, next - weft_loop_now(world->loop)));
    }
}

void service_world_settle_with(struct service_world *world, struct fake_request *request)
{
    service_world_settle(world);
    while (!request->ended && request->owes_drain) {
        fake_request_drain(request);
        service_world_settle(world);
    }
}
