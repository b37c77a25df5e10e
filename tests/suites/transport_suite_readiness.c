/* SPDX-License-Identifier: MIT
 *
 * Readiness: what on_ready is told, and what it may do. */
#include "transport_suite_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void close_itself(struct side *side, unsigned events)
{
    assert_int_equal(events, WEFT_READABLE);
    side_close(side);
}

static bool close_inside_step(struct suite *suite)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->client, "come")) {
        suite->server.ready = close_itself;
        side_want(&suite->server, WEFT_READABLE);
        suite->stage++;
    }
    /* on_ready asserts that no call follows the close. */
    if (suite->server.calls > 0)
        suite->stage++;
    return suite->stage == CONNECTED + 5;
}

static void test_stream_may_be_closed_from_within_on_ready(void **state)
{
    struct suite *suite = *state;

    suite_run(suite, close_inside_step);
    assert_int_equal(suite->server.calls, 1);
}

static void want_nothing(struct side *side, unsigned events)
{
    (void)events;
    side_want(side, 0);
}

static bool want_inside_step(struct suite *suite)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->client, "come")) {
        suite->server.ready = want_nothing;
        side_want(&suite->server, WEFT_READABLE);
        suite->stage++;
    }
    if (suite->server.calls > 0)
        suite->stage++;
    if (suite->stage == CONNECTED + 6)
        side_want(&suite->server, WEFT_READABLE);
    return suite->stage == CONNECTED + 12;
}

static void test_interest_set_from_within_on_ready_holds(void **state)
{
    struct suite *suite = *state;

    suite_run(suite, want_inside_step);
    assert_int_equal(suite->server.calls, 2);
}

static void read_one(struct side *side, unsigned events)
{
    assert_int_equal(events, WEFT_READABLE);
    assert_int_equal(side->stream->ops->read(side->stream, side->buf + side->received, 1), 1);
    side->received++;
}

static bool level_step(struct suite *suite)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->client, "abc")) {
        suite->server.ready = read_one;
        side_want(&suite->server, WEFT_READABLE);
        suite->stage++;
    }
    return suite->server.received == 3;
}

static void test_readiness_is_told_until_everything_is_read(void **state)
{
    struct suite *suite = *state;

    suite_run(suite, level_step);
    assert_memory_equal(suite->server.buf, "abc", 3);
    assert_int_equal(suite->server.calls, 3);
}

static bool interest_step(struct suite *suite)
{
    if (!suite_connected(suite))
        return false;
    if (suite->stage == CONNECTED && side_say(&suite->client, "come")) {
        side_want(&suite->server, WEFT_WRITABLE);
        suite->stage++;
    }
    if (suite->stage == CONNECTED + 1 && suite->server.calls > 0) {
        assert_int_equal(suite->server.events, WEFT_WRITABLE);
        suite->server.calls = 0;
        side_want(&suite->server, WEFT_READABLE | WEFT_WRITABLE);
        suite->stage++;
    }
    return suite->stage == CONNECTED + 2 && suite->server.calls > 0 &&
           suite->server.events == (WEFT_READABLE | WEFT_WRITABLE);
}

static void test_only_what_was_wanted_is_told(void **state)
{
    suite_run(*state, interest_step);
}

int transport_suite__run_readiness(const char *name)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_stream_may_be_closed_from_within_on_ready),
        SUITE_TEST(test_interest_set_from_within_on_ready_holds),
        SUITE_TEST(test_readiness_is_told_until_everything_is_read),
        SUITE_TEST(test_only_what_was_wanted_is_told),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
