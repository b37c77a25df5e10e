/* SPDX-License-Identifier: MIT */
#include "service_suite.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/fake_request.h"
#include "lib/fault.h"
#include "lib/random.h"
#include "lib/virtual_loop.h"
#include "service_suite_world.h"

enum { PAYLOADS = 64, SIZE_MAX_OF_PAYLOAD = 300, TOGETHER = 8 };

/* The i-th payload of all that are tried: the samples, then nothing, then random bytes. Freed by the
 * caller. */
static struct weft_bytes payload_new(const struct weft_service_suite *suite, size_t i)
{
    struct weft_bytes payload = {calloc(1, SIZE_MAX_OF_PAYLOAD), 0};
    assert_non_null(payload.data);
    if (i < suite->sample_count) {
        free(payload.data);
        payload.size = suite->samples[i].size;
        payload.data = malloc(payload.size + 1);
        assert_non_null(payload.data);
        memcpy(payload.data, suite->samples[i].data, payload.size);
        return payload;
    }
    size_t n = i - suite->sample_count;
    struct test_random random = {.state = n};
    payload.size = n * (SIZE_MAX_OF_PAYLOAD - 1) / PAYLOADS;
    for (size_t k = 0; k < payload.size; k++)
        payload.data[k] = (uint8_t)test_random_next(&random);
    return payload;
}

static size_t payload_count(const struct weft_service_suite *suite)
{
    return suite->sample_count + PAYLOADS;
}

static void test_service_declares_what_is_mandatory(void **state)
{
    const struct weft_service *service = ((const struct weft_service_suite *)*state)->service;
    assert_non_null(service->name);
    assert_int_equal(strcspn(service->name, " ?&=ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                     strlen(service->name));
    assert_non_null(service->speaks);
    assert_non_null(service->call);
    assert_true(!service->stop || service->start || service->loop_size > 0);
}

static void test_service_starts_and_stops_without_a_request(void **state)
{
    struct service_world world;
    service_world_init(&world, *state);
    service_world_fini(&world);
}

/* Calls the i-th payload on a request that `prepare` has changed first, lets `meanwhile` happen to it
 * before it has ended, and wants the end. Either may be NULL. */
static void assert_ends(struct service_world *world, size_t i,
                        void (*prepare)(struct fake_request *),
                        void (*meanwhile)(struct service_world *, struct fake_request *))
{
    struct weft_bytes payload = payload_new(world->suite, i);
    struct fake_request request;
    fake_request_init(&request, weft_view(payload.data, payload.size), SERVICE_ARENA);
    if (prepare)
        prepare(&request);
    service_world_call(world, 0, &request);
    if (meanwhile)
        meanwhile(world, &request);
    service_world_settle(world);
    assert_true(request.ended);
    fake_request_fini(&request);
    free(payload.data);
}

static void assert_each_ends(const struct weft_service_suite *suite,
                             void (*prepare)(struct fake_request *),
                             void (*meanwhile)(struct service_world *, struct fake_request *))
{
    struct service_world world;
    service_world_init(&world, suite);
    for (size_t i = 0; i < payload_count(suite); i++)
        assert_ends(&world, i, prepare, meanwhile);
    service_world_fini(&world);
}

static void test_each_request_ends_once_whatever_its_payload(void **state)
{
    assert_each_ends(*state, NULL, NULL);
}

/* All are called before any of those that answer later has ended, on two connections in turns. */
static void test_requests_that_wait_together_all_end(void **state)
{
    struct service_world world;
    struct fake_request requests[TOGETHER];
    service_world_init(&world, *state);
    for (size_t i = 0; i < TOGETHER; i++) {
        struct weft_bytes payload = payload_new(*state, i);
        fake_request_init(&requests[i], weft_view(payload.data, payload.size), SERVICE_ARENA);
        requests[i].connection = 1 + i % SERVICE_CONNECTIONS;
        service_world_call(&world, i % SERVICE_CONNECTIONS, &requests[i]);
        free(payload.data);
    }
    service_world_settle(&world);
    for (size_t i = 0; i < TOGETHER; i++) {
        assert_true(requests[i].ended);
        fake_request_fini(&requests[i]);
    }
    service_world_fini(&world);
}

/* A service that ends within call() is never refused, so only what comes later is. */
static void refuse_thrice(struct service_world *world, struct fake_request *request)
{
    request->refuse = request->ended ? 0 : 3;
    service_world_settle_with(world, request);
}

static void test_refused_output_is_offered_again(void **state)
{
    assert_each_ends(*state, NULL, refuse_thrice);
}

static void make_gone(struct fake_request *request)
{
    request->gone = true;
}

/* The peer hangs up before the call, or while the answer is under way. */
static void test_request_of_a_peer_that_is_gone_ends_all_the_same(void **state)
{
    assert_each_ends(*state, make_gone, NULL);
    assert_each_ends(*state, NULL, service_world_cancel);
}

static void fail_to_keep(struct fake_request *request)
{
    request->keep_fails = true;
}

static void test_request_that_cannot_be_kept_is_answered_at_once(void **state)
{
    assert_each_ends(*state, fail_to_keep, NULL);
}

static const struct weft_rejection rejections[] = {
    {WEFT_REJECT_MALFORMED, "what is wrong with it", 0, 0},
    {WEFT_REJECT_TOO_BIG, "max-frame", UINT64_MAX, UINT64_MAX},
    {WEFT_REJECT_TOO_BIG, "max-message", 1, 0},
    {WEFT_REJECT_REPLY_TOO_BIG, "max-frame", 9 << 20, 8 << 20},
    {WEFT_REJECT_NO_MEMORY, NULL, 0, 0},
    {WEFT_REJECT_DRAINING, NULL, 0, 0},
    {WEFT_REJECT_TOO_MANY, "max-connections", 0, 10000},
};

static void test_reject_fits_and_says_the_same_twice(void **state)
{
    struct service_world world;
    service_world_init(&world, *state);
    const struct weft_service *service = world.suite->service;
    for (size_t i = 0; service->reject && i < sizeof rejections / sizeof *rejections; i++) {
        uint8_t first[WEFT_REJECT_MAX + 1], second[WEFT_REJECT_MAX + 1];
        memset(first, 0xa5, sizeof first);
        memset(second, 0xa5, sizeof second);
        size_t size = service->reject(world.loop_state, &rejections[i], first);
        assert_true(size <= WEFT_REJECT_MAX);
        assert_int_equal(service->reject(world.loop_state, &rejections[i], second), size);
        assert_memory_equal(first, second, size);
        assert_int_equal(first[WEFT_REJECT_MAX], 0xa5);
    }
    service_world_fini(&world);
}

static void test_reject_allocates_nothing(void **state)
{
    struct service_world world;
    service_world_init(&world, *state);
    const struct weft_service *service = world.suite->service;
    fault_install();
    for (size_t i = 0; service->reject && i < sizeof rejections / sizeof *rejections; i++) {
        uint8_t text[WEFT_REJECT_MAX];
        (void)service->reject(world.loop_state, &rejections[i], text);
    }
    size_t allocations = fault_allocations();
    fault_remove();
    assert_int_equal(allocations, 0);
    service_world_fini(&world);
}

/* From start to stop, one request after another, as far as memory lets it. */
static void live(void *arg)
{
    const struct weft_service_suite *suite = arg;
    struct service_world world;
    int err = service_world_try_init(&world, suite);
    if (err < 0) {
        assert_true(fault_failed() > 0);
        return;
    }
    for (size_t i = 0; i < suite->sample_count + 4; i++)
        assert_ends(&world, i, NULL, NULL);
    service_world_fini(&world);
}

static void test_every_allocation_may_fail(void **state)
{
    /* fault_each wants a body that allocates, which a simple service never does. */
    fault_install();
    live(*state);
    size_t allocations = fault_allocations();
    fault_remove();
    if (allocations > 0)
        fault_each(live, *state);
}

static const struct weft_service_suite *under_test;

static int setup(void **state)
{
    /* The tests only read it. */
    *state = (void *)(uintptr_t)under_test;
    return 0;
}

int weft_service_suite_run(const struct weft_service_suite *suite)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_declares_what_is_mandatory),
        cmocka_unit_test(test_service_starts_and_stops_without_a_request),
        cmocka_unit_test(test_each_request_ends_once_whatever_its_payload),
        cmocka_unit_test(test_requests_that_wait_together_all_end),
        cmocka_unit_test(test_refused_output_is_offered_again),
        cmocka_unit_test(test_request_of_a_peer_that_is_gone_ends_all_the_same),
        cmocka_unit_test(test_request_that_cannot_be_kept_is_answered_at_once),
        cmocka_unit_test(test_reject_fits_and_says_the_same_twice),
        cmocka_unit_test(test_reject_allocates_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    char name[128];
    snprintf(name, sizeof name, "service %s?%s", suite->service->name,
             suite->query ? suite->query : "");
    under_test = suite;
    return cmocka_run_group_tests_name(name, tests, setup, NULL);
}
