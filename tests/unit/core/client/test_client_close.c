/* SPDX-License-Identifier: MIT
 *
 * A client that its owner closes, from wherever it may. */
#include <errno.h>

#include "client_fixture.h"

static void close_client(struct test_call *call)
{
    weft_client_close(call->fixture->client);
    call->fixture->client = NULL;
}

static void test_client_close_cancels_its_calls_before_it_returns(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    ask(f, "c", "3");
    weft_client_close(f->client);
    f->client = NULL;
    assert_log(f, "a!ECANCELED b!ECANCELED c!ECANCELED");
    assert_true(script_is_gone(f->peer));
    client_fixture_turns(f);
    assert_log(f, "");
}

static void call_again(struct test_call *call)
{
    struct client_fixture *f = call->fixture;
    assert_int_equal(test_call_send(test_call(f, "again"), "again"), -ENOTCONN);
    assert_string_equal(f->error.text, "not connected: the client was closed");
}

static void test_client_takes_no_call_while_it_is_closed(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    f->calls[0].then = call_again;
    weft_client_close(f->client);
    f->client = NULL;
    assert_log(f, "a!ECANCELED b!ECANCELED");
}

static void test_client_close_before_it_is_connected_says_nothing_of_that(void **state)
{
    struct client_fixture *f = *state;
    assert_int_equal(client_fixture_new(f), 0);
    ask(f, "a", "1");
    weft_client_close(f->client);
    f->client = NULL;
    client_fixture_turns(f);
    assert_log(f, "a!ECANCELED");
}

static void test_client_close_takes_null(void **state)
{
    struct client_fixture *f = *state;
    weft_client_close(NULL);
    assert_log(f, "");
}

static void test_client_may_be_closed_in_done(void **state)
{
    struct client_fixture *f = *state;
    uint8_t frames[64];
    size_t size = 0;
    connect_and_ask(f);
    f->calls[0].then = close_client;
    size += peer_frame(f, weft_view_str("one"), frames + size);
    size += peer_frame(f, weft_view_str("two"), frames + size);
    script_send(f->peer, frames, size);
    client_fixture_turns(f);
    assert_log(f, "a=one b!ECANCELED");
}

static void test_client_turned_away_may_be_closed_in_done(void **state)
{
    struct client_fixture *f = *state;
    ask_early(f);
    f->calls[0].then = close_client;
    peer_reply(f, "full");
    assert_log(f, "connected a=full b!ECANCELED");
}

static void close_twice(struct test_call *call)
{
    weft_client_close(call->fixture->client);
    weft_client_close(call->fixture->client);
    call->fixture->client = NULL;
}

static void test_client_may_be_closed_in_the_done_of_a_failure(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    f->calls[0].then = close_twice;
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a!ECONNRESET b!ECANCELED");
}

static void close_again(struct test_call *call)
{
    weft_client_close(call->fixture->client);
}

static void test_client_may_be_closed_in_the_done_of_its_close(void **state)
{
    struct client_fixture *f = *state;
    connect_and_ask(f);
    f->calls[0].then = close_again;
    weft_client_close(f->client);
    f->client = NULL;
    assert_log(f, "a!ECANCELED b!ECANCELED");
}

static void close_on_connected(struct client_fixture *f)
{
    weft_client_close(f->client);
    f->client = NULL;
}

static void test_client_may_be_closed_in_on_connect(void **state)
{
    struct client_fixture *f = *state;
    f->on_connected = close_on_connected;
    assert_int_equal(client_fixture_new(f), 0);
    ask(f, "a", "1");
    client_fixture_turns(f);
    assert_log(f, "connected a!ECANCELED");
}

static void test_client_may_be_closed_in_on_connect_by_a_peer_that_has_gone(void **state)
{
    struct client_fixture *f = *state;
    f->on_connected = close_on_connected;
    assert_int_equal(client_fixture_new(f), 0);
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "connected");
}

static void test_client_may_be_closed_when_it_was_refused(void **state)
{
    struct client_fixture *f = *state;
    f->on_connected = close_on_connected;
    script_refuse_connects(1, true);
    assert_int_equal(client_fixture_new(f), 0);
    ask(f, "a", "1");
    client_fixture_turns(f);
    assert_log(f, "refused!ECONNREFUSED a!ECANCELED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_client_close_cancels_its_calls_before_it_returns),
        TEST_RAW(test_client_takes_no_call_while_it_is_closed),
        TEST_RAW(test_client_close_before_it_is_connected_says_nothing_of_that),
        TEST_RAW(test_client_close_takes_null),
        TEST_BOTH(test_client_may_be_closed_in_done),
        TEST_BOTH(test_client_turned_away_may_be_closed_in_done),
        TEST_RAW(test_client_may_be_closed_in_the_done_of_a_failure),
        TEST_RAW(test_client_may_be_closed_in_the_done_of_its_close),
        TEST_RAW(test_client_may_be_closed_in_on_connect),
        TEST_RAW(test_client_may_be_closed_in_on_connect_by_a_peer_that_has_gone),
        TEST_RAW(test_client_may_be_closed_when_it_was_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
