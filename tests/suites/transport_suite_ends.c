/* SPDX-License-Identifier: MIT
 *
 * How a stream ends: a side at a time, all at once, or by a reset. */
#include "transport_suite_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool half_close(struct suite *suite, struct side *first, struct side *second)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(first, "last words")) {
        assert_int_equal(first->stream->ops->shutdown(first->stream), 0);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && side_heard(second, "last words"))
        suite->stage++;
    if (suite->stage == CONNECTED + 2 && side_heard_end(second))
        suite->stage++;
    if (suite->stage == CONNECTED + 3 && side_say(second, "answer")) {
        assert_int_equal(second->stream->ops->shutdown(second->stream), 0);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 4 && side_heard(first, "answer"))
        suite->stage++;
    return suite->stage == CONNECTED + 5 && side_heard_end(first);
}

static bool client_half_close_step(struct suite *suite)
{
    return half_close(suite, &suite->client, &suite->server);
}

static bool server_half_close_step(struct suite *suite)
{
    return half_close(suite, &suite->server, &suite->client);
}

static void test_client_that_ended_its_side_gets_the_answer(void **state)
{
    suite_run(*state, client_half_close_step);
}

static void test_server_that_ended_its_side_gets_the_answer(void **state)
{
    suite_run(*state, server_half_close_step);
}

static bool write_after_shutdown_step(struct suite *suite)
{
    uint8_t byte = 0;
    struct iovec vec = {&byte, 1};

    if (!suite_connected(suite))
        return false;
    assert_int_equal(suite->client.stream->ops->shutdown(suite->client.stream), 0);
    assert_int_equal(suite->client.stream->ops->writev(suite->client.stream, &vec, 1), -EPIPE);
    return true;
}

static void test_write_after_shutdown_breaks_without_a_signal(void **state)
{
    suite_run(*state, write_after_shutdown_step);
}

static bool close_step(struct suite *suite)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->server, "bye")) {
        side_close(&suite->server);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && side_heard(&suite->client, "bye"))
        suite->stage++;
    return suite->stage == CONNECTED + 2 && side_heard_end(&suite->client);
}

static void test_bytes_sent_before_close_arrive_and_then_the_end(void **state)
{
    suite_run(*state, close_step);
}

/* The server's bytes reach the client before it closes: it wants them, but does not read. */
static bool reset_step(struct suite *suite)
{
    ssize_t n;

    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->server, "unread")) {
        side_want(&suite->client, WEFT_READABLE);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && suite->client.calls > 0) {
        side_close(&suite->client);
        suite->stage++;
    }
    if (suite->stage < CONNECTED + 2)
        return false;
    n = side_hear(&suite->server);
    if (n == -EAGAIN)
        return false;
    assert_int_equal(n, -ECONNRESET);
    return true;
}

static void test_close_with_unread_bytes_resets_the_peer(void **state)
{
    suite_run(*state, reset_step);
}

/* A transport that cannot reset closes. */
static bool taken_back_step(struct suite *suite)
{
    ssize_t n;

    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED) {
        side_reset(&suite->client);
        suite->stage++;
    }
    n = side_hear(&suite->server);
    if (n == -EAGAIN)
        return false;
    assert_true(n == 0 || n == -ECONNRESET);
    return true;
}

static void test_reset_ends_the_connection(void **state)
{
    suite_run(*state, taken_back_step);
}

int transport_suite__run_ends(const char *name)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_client_that_ended_its_side_gets_the_answer),
        SUITE_TEST(test_server_that_ended_its_side_gets_the_answer),
        SUITE_TEST(test_write_after_shutdown_breaks_without_a_signal),
        SUITE_TEST(test_bytes_sent_before_close_arrive_and_then_the_end),
        SUITE_TEST(test_close_with_unread_bytes_resets_the_peer),
        SUITE_TEST(test_reset_ends_the_connection),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
