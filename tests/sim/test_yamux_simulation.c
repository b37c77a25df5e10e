/* SPDX-License-Identifier: MIT
 *
 * A simulation of streams: clients that share sessions call an echo server over yamux, on one virtual loop and a carrier
 * that cuts, delays and stalls as a seed says. Each stream hears the answers to its own calls, byte for byte and in their
 * order; a drain loses none that was executed before it; and nothing is left over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/client.h"
#include "core/server/server_private.h"
#include "lib/fault.h"
#include "lib/random.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/echo/echo.h"
#include "transports/transports.h"

enum { SEEDS = 150, CLIENTS = 6, SESSIONS = 2, CALLS = 40, LARGEST = 60000, STEPS = 120 };

#define MS INT64_C(1000000)

struct sim;

struct caller {
    struct weft_call call;
    struct user *user;
    size_t number;
};

struct user {
    struct sim *sim;
    struct weft_client *client;
    struct caller calls[CALLS];
    size_t made, answered;
    bool failed; /* a call has failed, so none behind it is answered */
};

struct sim {
    struct test_random random;
    struct weft_registry registry;
    struct weft_server *server;
    struct weft_loop *loop;
    struct user users[CLIENTS];
};

/* Makes the bytes of a call, which follow from its user and its number. */
static size_t fill(uint8_t *dst, const struct user *user, size_t number)
{
    struct test_random random = {
        .state = ((uint64_t)(user - user->sim->users) << 32 | number) * 7919 + 1};
    size_t size = test_random_below(&random, 4) == 0 ? test_random_below(&random, LARGEST)
                                                     : test_random_below(&random, 200);

    for (size_t i = 0; i < size; i++)
        dst[i] = (uint8_t)(number * 31 + i * 7 + (size_t)(user - user->sim->users));
    return size;
}

static void on_done(struct weft_call *call, int status, struct weft_view payload, bool last)
{
    static uint8_t wanted[LARGEST];
    struct caller *caller = (struct caller *)(void *)call;
    struct user *user = caller->user;

    assert_true(last);
    if (status < 0) {
        user->failed = true;
        return;
    }
    assert_false(user->failed);
    assert_int_equal(caller->number, user->answered);
    user->answered++;
    size_t size = fill(wanted, user, caller->number);
    assert_int_equal(payload.size, size);
    assert_memory_equal(payload.data, wanted, size);
}

static void say(struct user *user)
{
    static uint8_t bytes[LARGEST];
    struct weft_error error;
    struct caller *caller = &user->calls[user->made];

    if (!user->client || user->made == CALLS)
        return;
    struct weft_body_bytes body =
        weft_body_from_view(weft_view(bytes, fill(bytes, user, user->made)));
    *caller = (struct caller){.call.done = on_done, .user = user, .number = user->made};
    if (weft_client_call(user->client, &caller->call, &body.body, &error) == 0)
        user->made++;
}

static void join(struct sim *sim, size_t i)
{
    struct user *user = &sim->users[i];
    struct weft_error error;
    const struct weft_client_options options = {
        .registry = &sim->registry,
        .loop = sim->loop,
        .url = "yamux+script:kv?session-output=16KiB",
        .beside = i < SESSIONS ? NULL : sim->users[i % SESSIONS].client,
        .codec = "raw",
        .limits = weft_limits_default(),
    };

    user->sim = sim;
    if (weft_client_new(&user->client, &options, &error) < 0)
        fail_msg("%s", error.text);
}

static void start(struct sim *sim, uint64_t seed)
{
    static const char *const urls[] = {"yamux+script:kv?session-output=16KiB"};
    struct weft_server_options options = {.registry = &sim->registry,
                                          .urls = urls,
                                          .url_count = 1,
                                          .codec = "raw",
                                          .service = "echo",
                                          .limits = weft_limits_default(),
                                          .threads = 1};
    struct weft_error error;

    memset(sim, 0, sizeof *sim);
    sim->random.state = seed;
    script_begin(seed);
    const struct script_rules rules = {
        .random_chunks = true,
        .read_chunk = 1 + test_random_below(&sim->random, 5000),
        .write_chunk = 1 + test_random_below(&sim->random, 5000),
        .read_eagain = 2 + (unsigned)test_random_below(&sim->random, 5),
        .write_eagain = 2 + (unsigned)test_random_below(&sim->random, 5),
        .window = 100 + test_random_below(&sim->random, 50000),
    };
    script_set_default_rules(&rules);
    assert_int_equal(weft_registry_add_transport(&sim->registry, &script_transport), 0);
    assert_int_equal(weft_registry_add_transport(&sim->registry, &weft_transport_yamux), 0);
    assert_int_equal(weft_registry_add_codec(&sim->registry, &weft_codec_raw), 0);
    assert_int_equal(weft_registry_add_service(&sim->registry, &echo_service, NULL), 0);
    assert_int_equal(weft_server_new(&sim->server, &options, &error), 0);
    assert_int_equal(weft_server_listen(sim->server, &error), 0);
    weft__server_begin(sim->server);
    sim->loop = weft_server_loop(sim->server);
    for (size_t i = 0; i < CLIENTS; i++)
        join(sim, i);
}

static void finish(struct sim *sim, bool drains)
{
    if (!drains) {
        assert_true(virtual_loop_advance(sim->loop, 2000 * MS));
        for (size_t i = 0; i < CLIENTS; i++)
            if (sim->users[i].client)
                assert_int_equal(sim->users[i].answered, sim->users[i].made);
        weft_server_stop(sim->server);
    }
    assert_true(virtual_loop_advance(sim->loop, 15000 * MS));
    for (size_t i = CLIENTS; i-- > 0;)
        weft_client_close(sim->users[i].client);
    assert_true(virtual_loop_advance(sim->loop, 2000 * MS));
    assert_int_equal(weft_server_cut(sim->server), 0);
    weft_server_free(sim->server);
    assert_int_equal(script_finish(), 0);
}

static void simulate(uint64_t seed)
{
    static struct sim sim;
    bool drains = false;

    start(&sim, seed);
    for (int step = 0; step < STEPS; step++) {
        struct user *user = &sim.users[test_random_below(&sim.random, CLIENTS)];
        uint64_t dice = test_random_below(&sim.random, 200);
        if (dice == 0 && user - sim.users >= SESSIONS) { /* one that has no session leaves */
            struct weft_client *client = user->client;
            user->client = NULL;
            weft_client_close(client);
        } else if (dice == 1 && step > STEPS / 2 && !drains) {
            drains = true;
            weft_server_stop(sim.server);
        } else if (dice < 140) {
            say(user);
        } else {
            virtual_loop_turn(sim.loop);
        }
    }
    finish(&sim, drains);
}

static void test_streams_keep_their_orders_whatever_the_carrier_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        simulate(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(test_streams_keep_their_orders_whatever_the_carrier_does),
    };
    return cmocka_run_group_tests_name("yamux simulation", tests, NULL, NULL);
}
