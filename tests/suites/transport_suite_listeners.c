/* SPDX-License-Identifier: MIT
 *
 * Listening and accepting: addresses, peers that wait, and the end of a listener. */
#include "transport_suite_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_second_listen_at_one_address_is_refused(void **state)
{
    struct suite *suite = *state;
    struct weft_listener *second = suite_zeroed(suite->transport->listener_size);
    struct weft_accepted accepted;
    struct weft_error error = {0};
    int err = suite->transport->listen(second, suite->loop, &suite->name, &error);

    assert_int_equal(err, -EADDRINUSE);
    assert_int_equal(error.code, -EADDRINUSE);
    assert_non_null(strstr(error.text, suite->listener->name));
    suite->transport->unlisten(second);
    free(second);
    /* It may have tried whether somebody listens. */
    while (suite->transport->accept(suite->listener, &accepted, 0) == 0)
        suite->transport->drop(&accepted);
    suite_run(suite, suite_exchange);
}

static void test_address_is_free_after_unlisten(void **state)
{
    struct suite *suite = *state;
    struct weft_error error = {0};

    suite_unlisten(suite);
    assert_int_equal(suite->transport->listen(suite->listener, suite->loop, &suite->name, &error),
                     0);
    suite->listening = true;
    suite_run(suite, suite_exchange);
}

static void test_unlisten_after_a_failed_listen_is_fine(void **state)
{
    struct suite *suite = *state;
    struct weft_listener *zero = suite_zeroed(suite->transport->listener_size);

    suite->transport->unlisten(zero);
    assert_true(suite->listening);
    free(zero);
}

static void test_accept_says_when_nobody_waits(void **state)
{
    struct suite *suite = *state;
    struct weft_accepted accepted;

    assert_int_equal(suite->transport->accept(suite->listener, &accepted, 0), -EAGAIN);
    assert_int_equal(suite->transport->accept(suite->listener, &accepted, 1), -EAGAIN);
}

/* Called while a peer waits and it is enabled, and only then. */
static bool listener_step(struct suite *suite)
{
    if (suite->stage == 0) {
        suite_connect(suite);
        suite->transport->enable(suite->listener, 1);
        suite->stage++;
    }
    if (suite->stage == 1 && suite->listener_calls < 2)
        return false;
    if (suite->stage++ == 1) {
        suite->transport->enable(suite->listener, 0);
        suite->listener_calls = 0;
    }
    if (suite->stage < 10)
        return false;
    assert_int_equal(suite->listener_calls, 0);
    assert_true(suite_accept(suite));
    return true;
}

static void test_listener_is_ready_for_as_long_as_a_peer_waits(void **state)
{
    suite_run(*state, listener_step);
}

static bool drop_step(struct suite *suite)
{
    struct weft_accepted accepted;
    ssize_t n;

    if (suite->stage == 0) {
        suite_connect(suite);
        suite->stage++;
    }
    if (suite->stage == 1 && suite->transport->accept(suite->listener, &accepted, 0) == 0) {
        suite->transport->drop(&accepted);
        suite->stage++;
    }
    if (suite->stage < 2)
        return false;
    n = side_hear(&suite->client);
    if (n == -EAGAIN)
        return false;
    assert_true(n == 0 || n == -ECONNRESET);
    return true;
}

static void test_dropped_peer_sees_its_end(void **state)
{
    suite_run(*state, drop_step);
}

/* The first turns let the connection come to the listener's queue. */
static bool unlisten_step(struct suite *suite)
{
    ssize_t n;

    if (suite->stage == 0)
        suite_connect(suite);
    if (suite->stage == 5)
        suite_unlisten(suite);
    if (suite->stage++ < 5)
        return false;
    n = side_hear(&suite->client);
    if (n == -EAGAIN)
        return false;
    assert_true(n == 0 || n == -ECONNRESET);
    return true;
}

static void test_peer_that_was_not_accepted_sees_the_listener_end(void **state)
{
    suite_run(*state, unlisten_step);
}

int transport_suite__run_listeners(const char *name)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_second_listen_at_one_address_is_refused),
        SUITE_TEST(test_address_is_free_after_unlisten),
        SUITE_TEST(test_unlisten_after_a_failed_listen_is_fine),
        SUITE_TEST(test_accept_says_when_nobody_waits),
        SUITE_TEST(test_listener_is_ready_for_as_long_as_a_peer_waits),
        SUITE_TEST(test_dropped_peer_sees_its_end),
        SUITE_TEST(test_peer_that_was_not_accepted_sees_the_listener_end),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
