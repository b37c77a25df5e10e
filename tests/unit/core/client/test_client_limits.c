/* SPDX-License-Identifier: MIT
 *
 * A client whose requests or replies are over a limit, or bad: only the call is. */
#include <errno.h>

#include "client_fixture.h"

static void test_client_refuses_a_request_over_a_limit_and_goes_on(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_frame = f->options.limits.max_message = 1024;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b");
    assert_int_equal(test_call_send_size(a, 1025), WEFT_ETOOBIG);
    assert_int_equal(f->error.code, WEFT_ETOOBIG);
    assert_non_null(
        strstr(f->error.text, "the request has 1025 bytes, more than the 1KiB of max-"));
    assert_int_equal(weft_client_pending(f->client), 0);
    assert_int_equal(test_call_send_size(b, 1024), 0);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "1024");
}

static void test_client_takes_no_more_calls_than_may_be_pending(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_pending = 2;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b"), *c = test_call(f, "c");
    assert_int_equal(test_call_send(a, "1"), 0);
    assert_int_equal(test_call_send(b, "2"), 0);
    assert_int_equal(test_call_send(c, "3"), -EAGAIN);
    assert_string_equal(f->error.text, "max-pending 2 calls wait for replies");
    client_fixture_turns(f);
    peer_reply(f, "one");
    assert_int_equal(test_call_send(c, "3"), 0);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "1 2 3");
}

static void test_client_takes_no_more_calls_while_much_output_waits(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.output_high = 10;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.window = 1});
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b");
    assert_int_equal(test_call_send(a, "a long request"), 0);
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    assert_string_equal(f->error.text, "output-high 10 bytes wait to be sent");
    client_fixture_turns(f);
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    script_set_rules(f->peer, &(struct script_rules){.window = 0});
    client_fixture_turns(f);
    assert_int_equal(test_call_send(b, "2"), 0);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "a long request 2");
}

static void test_client_goes_on_after_a_reply_over_a_limit(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_frame = 1024;
    client_fixture_connect(f);
    ask(f, "a", "1");
    ask(f, "b", "2");
    client_fixture_turns(f);
    uint8_t frame[4 + 1025] = {0, 0, 4, 1};
    script_send(f->peer, frame, sizeof frame);
    client_fixture_turns(f);
    assert_log(f, "a!WEFT_ETOOBIG");
    assert_string_equal(weft_client_trouble(f->client),
                        "the reply has 1025 bytes, more than the 1KiB of max-frame");
    peer_reply(f, "two");
    assert_log(f, "b=two");
}

static const uint8_t bad_gzip[] = {0x80, 0, 0, 20, 'n', 'o', 't', ' ', 'g', 'z', 'i', 'p',
                                   0,    0, 0, 0,  0,   0,   0,   0,   1,   0,   0,   0};

static void test_client_goes_on_after_a_malformed_reply(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask(f, "a", "1");
    ask(f, "b", "2");
    client_fixture_turns(f);
    script_send(f->peer, bad_gzip, sizeof bad_gzip);
    peer_reply(f, "two");
    assert_log(f, "a!WEFT_EMALFORMED b=two");
    assert_non_null(strstr(weft_client_trouble(f->client), "the reply is malformed: "));
}

static void test_client_drops_the_rest_of_an_answer_after_a_bad_reply(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b");
    a->call.replies = 3;
    assert_int_equal(test_call_send(a, "1"), 0);
    assert_int_equal(test_call_send(b, "2"), 0);
    client_fixture_turns(f);
    peer_reply(f, "one");
    script_send(f->peer, bad_gzip, sizeof bad_gzip);
    peer_reply(f, "dropped");
    assert_log(f, "a+one a!WEFT_EMALFORMED");
    peer_reply(f, "two");
    assert_log(f, "b=two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_client_refuses_a_request_over_a_limit_and_goes_on),
        TEST_RAW(test_client_takes_no_more_calls_than_may_be_pending),
        TEST_RAW(test_client_takes_no_more_calls_while_much_output_waits),
        TEST_BOTH(test_client_goes_on_after_a_reply_over_a_limit),
        TEST_GZIP(test_client_goes_on_after_a_malformed_reply),
        TEST_GZIP(test_client_drops_the_rest_of_an_answer_after_a_bad_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
