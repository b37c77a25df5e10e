/* SPDX-License-Identifier: MIT */
#include "layer_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/loop.h"
#include "lib/fake_request.h"
#include "lib/fault.h"
#include "lib/feed.h"
#include "lib/virtual_loop.h"

enum { QUERY_MAX = 256, OPTIONS_MAX = 8, TOGETHER = 40, GUARD = 32 };

/* A layer as one loop has it. Its memory is the C library's, so that failing allocations are its own. */
struct world {
    const struct weft_layer_suite *suite;
    const struct weft_layer *layer;
    struct weft_loop *loop;
    struct weft_limits limits;
    void *config, *loop_state;
    bool started;
    uint32_t untimed; /* requests until the one that an observer times, this included */
};

/* A request with the layer's state, behind which nothing may be written. */
struct layered {
    struct fake_request fake;
    uint8_t *state;
    bool passed;
    int64_t begun;
};

static uint8_t *zeroed(size_t size)
{
    uint8_t *p = calloc(1, size + GUARD);
    assert_non_null(p);
    return p;
}

static int configure(struct world *world)
{
    char text[QUERY_MAX];
    struct weft_option_value values[OPTIONS_MAX];
    struct weft_error error = {0};
    snprintf(text, sizeof text, "%s", world->suite->query ? world->suite->query : "");
    struct weft_option_set set = {values, feed_parse_query(text, values, OPTIONS_MAX)};
    return world->layer->configure ? world->layer->configure(world->config, world->suite->context,
                                                             &set, &world->limits, &error)
                                   : 0;
}

static int try_init(struct world *world, const struct weft_layer_suite *suite)
{
    *world = (struct world){.suite = suite, .layer = suite->layer};
    world->limits = weft_limits_default();
    world->config = zeroed(suite->layer->config_size);
    world->loop_state = zeroed(suite->layer->loop_size);
    int err = weft_loop_new(&world->loop, 0);
    if (err == 0)
        err = configure(world);
    if (err == 0 && suite->layer->start)
        err = suite->layer->start(world->loop_state, world->config, world->loop);
    world->started = err == 0;
    world->untimed = 1;
    return err;
}

static void fini(struct world *world)
{
    if (world->started && world->layer->stop)
        world->layer->stop(world->loop_state);
    weft_loop_free(world->loop);
    free(world->loop_state);
    free(world->config);
}

static void time_request(struct world *world, struct layered *request)
{
    request->begun = 0;
    if (!world->layer->time || --world->untimed > 0)
        return;
    request->begun = world->layer->time(world->loop_state, &world->untimed);
    assert_int_not_equal(request->begun, 0);
    assert_int_not_equal(world->untimed, 0);
}

static void begin(struct world *world, struct layered *request)
{
    struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};
    fake_request_init(&request->fake, weft_view_str("payload"), 1 << 16);
    request->state = zeroed(world->layer->request_size);
    request->fake.request.layers = world;
    virtual_loop_turn(world->loop);
    time_request(world, request);
    request->passed = !world->layer->begin || world->layer->begin(world->loop_state, request->state,
                                                                  &request->fake.request, &why);
    if (!request->passed)
        assert_true(why.cause == WEFT_REJECT_NOT_KNOWN || why.cause == WEFT_REJECT_DENIED ||
                    why.cause == WEFT_REJECT_RATE);
    assert_false(request->fake.ended);
}

static void ask(struct world *world, struct layered *request)
{
    static const struct weft_action actions[] = {
        {.name = "read", .object = {(const uint8_t *)"t", 1}},
        {.name = "write", .flags = WEFT_ACTION_WRITES},
        {.name = "auth", .flags = WEFT_ACTION_OPEN},
    };
    for (size_t i = 0; i < sizeof actions / sizeof *actions && request->passed; i++) {
        struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};
        if (i == 0)
            request->fake.request.action = actions[i].name;
        if (world->layer->ask)
            request->passed = world->layer->ask(world->loop_state, request->state,
                                                &request->fake.request, &actions[i], &why);
    }
}

static void end(struct world *world, struct layered *request)
{
    static const uint8_t zeros[GUARD];
    request->fake.request.status = request->passed ? 200 : 403;
    if (world->layer->end)
        world->layer->end(world->loop_state, request->state, &request->fake.request, 10);
    if (world->layer->observe) {
        const struct weft_request *ended = &request->fake.request;
        const struct weft_tally *tally =
            world->layer->observe(world->loop_state, ended, 10, request->begun);
        assert_true(!tally || (tally->action == ended->action && tally->status == ended->status));
    }
    assert_memory_equal(request->state + world->layer->request_size, zeros, GUARD);
    assert_false(request->fake.ended);
    free(request->state);
    fake_request_fini(&request->fake);
}

static void test_layer_declares_what_is_mandatory(void **state)
{
    const struct weft_layer *layer = ((const struct weft_layer_suite *)*state)->layer;
    assert_non_null(layer->name);
    assert_int_equal(strcspn(layer->name, " ,?&=ABCDEFGHIJKLMNOPQRSTUVWXYZ"), strlen(layer->name));
    assert_true(!layer->stop || layer->start || layer->loop_size > 0);
    assert_true(layer->observe || !layer->time);
    assert_true(!layer->observe || (layer->request_size == 0 && !layer->begin && !layer->ask &&
                                    !layer->authenticate && !layer->meet && !layer->end));
}

static void test_equal_options_make_equal_configurations(void **state)
{
    struct world a, b;
    assert_int_equal(try_init(&a, *state), 0);
    assert_int_equal(try_init(&b, *state), 0);
    assert_memory_equal(a.config, b.config, a.layer->config_size + GUARD);
    fini(&a);
    fini(&b);
}

/* They end in another order than they began, as those of several connections do. */
static void test_many_requests_at_once_keep_their_states_apart(void **state)
{
    struct world world;
    struct layered requests[TOGETHER];
    assert_int_equal(try_init(&world, *state), 0);
    for (size_t i = 0; i < TOGETHER; i++)
        begin(&world, &requests[i]);
    for (size_t i = 0; i < TOGETHER; i += 2)
        ask(&world, &requests[i]);
    for (size_t i = 0; i < TOGETHER; i++)
        end(&world, &requests[i * 7 % TOGETHER]);
    fini(&world);
}

/* A service need not ask, and time may pass between any two calls. */
static void test_request_may_last_long_and_end_unasked(void **state)
{
    struct world world;
    struct layered request;
    assert_int_equal(try_init(&world, *state), 0);
    for (int i = 0; i < 100; i++) {
        begin(&world, &request);
        (void)virtual_loop_advance(world.loop, (int64_t)i * 100000000);
        end(&world, &request);
    }
    fini(&world);
}

static void test_two_loops_share_nothing(void **state)
{
    struct world a, b;
    struct layered first, second;
    assert_int_equal(try_init(&a, *state), 0);
    assert_int_equal(try_init(&b, *state), 0);
    begin(&a, &first);
    begin(&b, &second);
    end(&a, &first);
    fini(&a);
    ask(&b, &second);
    end(&b, &second);
    fini(&b);
}

static void live_a_little(void *context)
{
    struct world world;
    struct layered request;
    if (try_init(&world, context) == 0) {
        begin(&world, &request);
        ask(&world, &request);
        end(&world, &request);
    }
    fini(&world);
}

/* Nothing is left over, whichever allocation fails. */
static void test_layer_survives_every_failing_allocation(void **state)
{
    fault_each(live_a_little, *state);
}

int weft_layer_suite_run(const struct weft_layer_suite *suite)
{
    void *initial = (void *)(uintptr_t)suite;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_layer_declares_what_is_mandatory, initial),
        cmocka_unit_test_prestate(test_equal_options_make_equal_configurations, initial),
        cmocka_unit_test_prestate(test_many_requests_at_once_keep_their_states_apart, initial),
        cmocka_unit_test_prestate(test_request_may_last_long_and_end_unasked, initial),
        cmocka_unit_test_prestate(test_two_loops_share_nothing, initial),
        {"test_layer_survives_every_failing_allocation",
         test_layer_survives_every_failing_allocation, fault_setup, fault_teardown, initial},
    };
    return cmocka_run_group_tests_name(suite->layer->name, tests, NULL, NULL);
}
