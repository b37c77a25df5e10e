/* SPDX-License-Identifier: MIT
 *
 * A client says how its connection ended, and whether anything was in flight; and it looks for the end
 * before the next turn if it is told to. */
#include <errno.h>

#include "client_fixture.h"

static void test_client_has_no_status_while_it_lives(void **state)
{
    struct client_fixture *f = *state;
    assert_int_equal(client_fixture_new(f), 0);
    assert_int_equal(weft_client_status(f->client), 0);
    client_fixture_turns(f);
    assert_int_equal(weft_client_status(f->client), 0);
    assert_false(weft_client_ended_idle(f->client));
}

static void test_client_says_that_it_ended_idle(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask(f, "a", "1");
    client_fixture_turns(f);
    peer_reply(f, "one");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a=one");
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_true(weft_client_ended_idle(f->client));
}

static void test_client_that_looks_sees_an_end_before_the_next_turn(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_shutdown(f->peer);
    assert_int_equal(weft_client_status(f->client), 0);
    weft_client_look(f->client);
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_true(weft_client_ended_idle(f->client));
    assert_int_equal(test_call_send(test_call(f, "a"), "1"), -ENOTCONN);
    weft_client_look(f->client);
    client_fixture_turns(f);
    assert_log(f, "");
}

static void test_client_that_looks_and_sees_nothing_goes_on(void **state)
{
    struct client_fixture *f = *state;
    assert_int_equal(client_fixture_new(f), 0);
    weft_client_look(f->client);
    client_fixture_turns(f);
    weft_client_look(f->client);
    ask(f, "a", "1");
    client_fixture_turns(f);
    peer_reply(f, "one");
    assert_log(f, "connected a=one");
}

static void test_client_does_not_look_while_a_call_is_pending(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask(f, "a", "1");
    client_fixture_turns(f);
    peer_queue(f, "one");
    weft_client_look(f->client);
    assert_log(f, "");
    client_fixture_turns(f);
    assert_log(f, "a=one");
}

static void look(struct test_call *call)
{
    weft_client_look(call->fixture->client);
    assert_int_equal(weft_client_status(call->fixture->client), 0);
}

static void test_client_does_not_look_within_a_callback(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask(f, "a", "1")->then = look;
    client_fixture_turns(f);
    peer_queue(f, "one");
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a=one");
    assert_true(weft_client_ended_idle(f->client));
}

static void test_client_with_an_unanswered_call_did_not_end_idle(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    a->call.timeout = SECONDS(1);
    assert_int_equal(test_call_send(a, "1"), 0);
    client_fixture_advance(f, SECONDS(1));
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a!ETIMEDOUT");
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_false(weft_client_ended_idle(f->client));
}

static void test_client_that_could_not_connect_did_not_end_idle(void **state)
{
    struct client_fixture *f = *state;
    script_set_default_rules(&(struct script_rules){.read_error = -ECONNRESET});
    assert_int_equal(client_fixture_new(f), 0);
    client_fixture_turns(f);
    assert_log(f, "refused!ECONNRESET");
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_false(weft_client_ended_idle(f->client));
}

static void test_client_whose_peer_broke_the_protocol_did_not_end_idle(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    peer_reply(f, "surprise");
    assert_int_equal(weft_client_status(f->client), WEFT_EUNASKED);
    assert_false(weft_client_ended_idle(f->client));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_client_has_no_status_while_it_lives),
        TEST_BOTH(test_client_says_that_it_ended_idle),
        TEST_RAW(test_client_that_looks_sees_an_end_before_the_next_turn),
        TEST_RAW(test_client_that_looks_and_sees_nothing_goes_on),
        TEST_RAW(test_client_does_not_look_while_a_call_is_pending),
        TEST_RAW(test_client_does_not_look_within_a_callback),
        TEST_RAW(test_client_with_an_unanswered_call_did_not_end_idle),
        TEST_RAW(test_client_that_could_not_connect_did_not_end_idle),
        TEST_RAW(test_client_whose_peer_broke_the_protocol_did_not_end_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
