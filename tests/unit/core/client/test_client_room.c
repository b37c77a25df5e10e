/* SPDX-License-Identifier: MIT
 *
 * A client that has refused a call for want of room tells once that there is some, or that the
 * connection has ended. */
#include <errno.h>

#include "client_fixture.h"

static void set_window(struct client_fixture *f, size_t window)
{
    script_set_rules(f->peer, &(struct script_rules){.window = window});
}

/* The peer takes nothing more from now on. */
static void stall(struct client_fixture *f)
{
    script_set_rules(f->peer, &(struct script_rules){.stalled = true});
}

/* Connects; `a` is sent in part and fills the output, and `b` is refused. */
static struct test_call *fill_output(struct client_fixture *f)
{
    f->options.limits.output_high = 10;
    client_fixture_connect(f);
    set_window(f, 1);
    ask(f, "a", "a long request");
    client_fixture_turns(f);
    struct test_call *b = test_call(f, "b");
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    assert_log(f, "");
    return b;
}

/* After fill_output: the peer refuses `a` by its header. No call is in flight, and output waits. */
static void answer_early(struct client_fixture *f)
{
    peer_reply(f, "too big");
    assert_log(f, "a=too big");
    assert_int_equal(weft_client_pending(f->client), 0);
    assert_true(weft_client_unsent(f->client) >= 10);
}

static void test_client_tells_of_room_once_its_output_has_left(void **state)
{
    struct client_fixture *f = *state;
    struct test_call *b = fill_output(f);
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room");
    assert_int_equal(test_call_send(b, "2"), 0);
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "a long request 2");
    assert_log(f, "");
}

static void test_client_tells_of_room_when_a_reply_overtook_its_request(void **state)
{
    struct client_fixture *f = *state;
    struct test_call *b = fill_output(f);
    answer_early(f);
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room");
    assert_int_equal(test_call_send(b, "2"), 0);
    client_fixture_turns(f);
    peer_reply(f, "two");
    assert_log(f, "b=two");
}

static void test_client_tells_of_room_for_a_call_first_refused_with_nothing_in_flight(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.output_high = 10;
    client_fixture_connect(f);
    set_window(f, 1);
    ask(f, "a", "a long request");
    client_fixture_turns(f);
    answer_early(f);
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room");
}

static void test_client_tells_of_room_among_its_pending_calls(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_pending = 1;
    client_fixture_connect(f);
    ask(f, "a", "1");
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    client_fixture_turns(f);
    assert_log(f, "");
    peer_reply(f, "one");
    assert_log(f, "a=one room");
}

static void test_client_tells_of_no_room_that_nobody_was_refused(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.output_high = 10;
    client_fixture_connect(f);
    set_window(f, 1);
    ask(f, "a", "a long request");
    client_fixture_turns(f);
    set_window(f, 0);
    client_fixture_turns(f);
    peer_reply(f, "one");
    assert_log(f, "a=one");
}

/* One timed out call leaves the output as full as it was. */
static void test_client_tells_of_room_after_timeouts_with_full_output(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.output_high = 10;
    client_fixture_connect(f);
    stall(f);
    struct test_call *a = test_call(f, "a"), *b = test_call(f, "b");
    a->call.timeout = SECONDS(1);
    assert_int_equal(test_call_send(a, "a long request"), 0);
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    client_fixture_advance(f, SECONDS(1));
    assert_log(f, "a!ETIMEDOUT");
    assert_int_equal(test_call_send(b, "2"), -EAGAIN);
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room");
    assert_int_equal(test_call_send(b, "2"), 0);
}

static void test_client_tells_of_room_when_the_connection_ends_with_calls_in_flight(void **state)
{
    struct client_fixture *f = *state;
    struct test_call *b = fill_output(f);
    script_shutdown(f->peer);
    client_fixture_turns(f);
    assert_log(f, "a!ECONNRESET room");
    assert_int_equal(test_call_send(b, "2"), -ENOTCONN);
    assert_false(weft_client_ended_idle(f->client));
}

static void test_client_tells_of_room_when_the_connection_ends_with_none_in_flight(void **state)
{
    struct client_fixture *f = *state;
    struct test_call *b = fill_output(f);
    answer_early(f);
    script_reset(f->peer);
    f->peer = NULL;
    client_fixture_turns(f);
    assert_log(f, "room");
    assert_int_equal(test_call_send(b, "2"), -ENOTCONN);
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_true(weft_client_ended_idle(f->client));
    client_fixture_turns(f);
    assert_log(f, "");
}

static void test_client_tells_of_room_when_it_cannot_connect(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_pending = 1;
    f->options.room_timeout = SECONDS(1);
    script_refuse_connects(1, true);
    assert_int_equal(client_fixture_new(f), 0);
    ask(f, "a", "1");
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    client_fixture_turns(f);
    assert_log(f, "refused!ECONNREFUSED a!ECONNREFUSED room");
    assert_false(weft_client_ended_idle(f->client));
}

static void test_client_ends_a_wait_for_room_in_which_nothing_moves(void **state)
{
    struct client_fixture *f = *state;
    f->options.room_timeout = SECONDS(5);
    struct test_call *b = fill_output(f);
    answer_early(f);
    client_fixture_advance(f, SECONDS(5) - 1);
    assert_log(f, "");
    assert_int_equal(weft_client_status(f->client), 0);
    client_fixture_advance(f, 1);
    assert_log(f, "room");
    assert_int_equal(weft_client_status(f->client), -ETIMEDOUT);
    assert_false(weft_client_ended_idle(f->client));
    assert_int_equal(test_call_send(b, "2"), -ENOTCONN);
    assert_string_equal(f->error.text,
                        "not connected: script:peer has neither read nor sent anything for 5 s");
}

static void test_client_waits_for_room_as_long_as_output_moves(void **state)
{
    struct client_fixture *f = *state;
    size_t size;
    f->options.room_timeout = SECONDS(5);
    fill_output(f);
    answer_early(f);
    for (int i = 0; i < 4; i++) {
        client_fixture_advance(f, SECONDS(4));
        assert_log(f, "");
        (void)script_received(f->peer, &size);
        script_consume(f->peer, size);
        client_fixture_turns(f);
    }
    client_fixture_advance(f, SECONDS(5));
    assert_log(f, "room");
}

static void test_client_waits_for_room_as_long_as_replies_come(void **state)
{
    struct client_fixture *f = *state;
    f->options.room_timeout = SECONDS(5);
    f->options.limits.max_pending = 1;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    a->call.replies = 3;
    assert_int_equal(test_call_send(a, "1"), 0);
    client_fixture_turns(f);
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    for (int i = 0; i < 2; i++) {
        client_fixture_advance(f, SECONDS(4));
        peer_reply(f, "x");
    }
    assert_log(f, "a+x a+x");
    client_fixture_advance(f, SECONDS(5) - 1);
    assert_log(f, "");
    client_fixture_advance(f, 1);
    assert_log(f, "a!ETIMEDOUT room");
}

/* Nothing but the room timeout ends this: each call has failed, and its place is still taken. */
static void test_client_ends_a_wait_for_the_places_of_calls_that_timed_out(void **state)
{
    struct client_fixture *f = *state;
    f->options.room_timeout = SECONDS(5);
    f->options.limits.max_pending = 1;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    a->call.timeout = SECONDS(1);
    assert_int_equal(test_call_send(a, "1"), 0);
    client_fixture_advance(f, SECONDS(1));
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    client_fixture_advance(f, SECONDS(5));
    assert_log(f, "a!ETIMEDOUT room");
    assert_int_equal(weft_client_status(f->client), -ETIMEDOUT);
}

/* The timer is set for the call, which is earlier; it moves on to the wait. */
static void test_client_ends_a_wait_for_room_after_the_timeout_of_a_call(void **state)
{
    struct client_fixture *f = *state;
    f->options.room_timeout = SECONDS(5);
    f->options.limits.max_pending = 1;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    a->call.timeout = SECONDS(1);
    assert_int_equal(test_call_send(a, "1"), 0);
    client_fixture_turns(f);
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    client_fixture_advance(f, SECONDS(5));
    assert_log(f, "a!ETIMEDOUT room");
    assert_int_equal(weft_client_status(f->client), -ETIMEDOUT);
}

/* A connect has its own timeout, which may be longer. */
static void test_client_counts_the_room_timeout_from_the_connect(void **state)
{
    struct client_fixture *f = *state;
    f->options.room_timeout = SECONDS(5);
    f->options.limits.output_high = 10;
    script_set_default_rules(&(struct script_rules){.stalled = true});
    assert_int_equal(client_fixture_new(f), 0);
    ask(f, "a", "a long request");
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    client_fixture_advance(f, SECONDS(20));
    assert_log(f, "");
    script_set_rules(f->peer, &(struct script_rules){.window = 1});
    client_fixture_advance(f, SECONDS(5) - 1);
    assert_log(f, "connected");
    client_fixture_advance(f, 1);
    assert_log(f, "a!ETIMEDOUT room");
}

static void test_client_arms_no_timer_for_room_without_a_timeout(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    assert_true(virtual_loop_next_timer(f->loop) == INT64_MAX);
    client_fixture_advance(f, SECONDS(1000));
    assert_log(f, "");
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room");
}

static void test_client_forgets_the_room_timeout_once_it_has_told(void **state)
{
    struct client_fixture *f = *state;
    f->options.room_timeout = SECONDS(5);
    fill_output(f);
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room");
    client_fixture_advance(f, SECONDS(100));
    assert_log(f, "");
    assert_int_equal(weft_client_status(f->client), 0);
}

/* More than fits, each time there is room. */
static void ask_for_more(struct client_fixture *f)
{
    while (test_call_send(test_call(f, "more"), "a long request") == 0)
        continue;
}

static void test_client_tells_again_of_room_to_who_is_refused_in_on_room(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.max_pending = 6;
    fill_output(f);
    f->on_room = ask_for_more;
    set_window(f, 0);
    client_fixture_turns(f);
    /* One call fills the output, so six are pending after five times. */
    assert_log(f, "room room room room room");
    assert_int_equal(weft_client_pending(f->client), 6);
    f->on_room = NULL;
    peer_reply(f, "one");
    assert_log(f, "a=one room");
}

static void break_and_ask(struct client_fixture *f)
{
    f->on_room = NULL;
    script_set_rules(f->peer, &(struct script_rules){.write_error = -EPIPE});
    ask_for_more(f);
}

static void test_client_tells_of_room_when_a_write_fails_after_a_refusal_in_on_room(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    f->on_room = break_and_ask;
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room a!EPIPE more!EPIPE room");
}

static void close_client(struct client_fixture *f)
{
    weft_client_close(f->client);
    f->client = NULL;
}

static void test_client_may_be_closed_in_on_room(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    f->on_room = close_client;
    set_window(f, 0);
    client_fixture_turns(f);
    assert_log(f, "room a!ECANCELED");
}

/* Room is owed when the client goes. */
static void test_client_that_is_closed_tells_of_no_room(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    close_client(f);
    client_fixture_turns(f);
    assert_log(f, "a!ECANCELED");
}

/* A look has ended the connection and left on_room to the next turn. */
static void test_client_that_is_closed_after_a_look_tells_of_no_room(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    answer_early(f);
    script_shutdown(f->peer);
    weft_client_look(f->client);
    close_client(f);
    client_fixture_turns(f);
    assert_log(f, "");
}

static void close_in_done(struct test_call *call)
{
    close_client(call->fixture);
}

static void test_client_that_is_closed_while_it_fails_tells_of_no_room(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    f->on_room = break_and_ask;
    set_window(f, 0);
    f->calls[0].then = close_in_done;
    client_fixture_turns(f);
    assert_log(f, "room a!EPIPE more!ECANCELED");
}

/* A wait for room that a look has ended is told of it as any other. */
static void test_client_that_looks_while_room_is_owed_tells_of_it_in_the_next_turn(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    answer_early(f);
    script_shutdown(f->peer);
    weft_client_look(f->client);
    assert_int_equal(weft_client_status(f->client), -ECONNRESET);
    assert_log(f, "");
    client_fixture_turns(f);
    assert_log(f, "room");
}

/* The rest of a request that was answered early has no reader any more. */
static void test_client_whose_write_failed_with_nothing_in_flight_ended_idle(void **state)
{
    struct client_fixture *f = *state;
    fill_output(f);
    answer_early(f);
    script_set_rules(f->peer, &(struct script_rules){.write_error = -EPIPE});
    client_fixture_turns(f);
    assert_log(f, "room");
    assert_int_equal(weft_client_status(f->client), -EPIPE);
    assert_true(weft_client_ended_idle(f->client));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_client_tells_of_room_once_its_output_has_left),
        TEST_RAW(test_client_tells_of_room_when_a_reply_overtook_its_request),
        TEST_RAW(test_client_tells_of_room_for_a_call_first_refused_with_nothing_in_flight),
        TEST_BOTH(test_client_tells_of_room_among_its_pending_calls),
        TEST_RAW(test_client_tells_of_no_room_that_nobody_was_refused),
        TEST_RAW(test_client_tells_of_room_after_timeouts_with_full_output),
        TEST_RAW(test_client_tells_of_room_when_the_connection_ends_with_calls_in_flight),
        TEST_RAW(test_client_tells_of_room_when_the_connection_ends_with_none_in_flight),
        TEST_RAW(test_client_tells_of_room_when_it_cannot_connect),
        TEST_RAW(test_client_ends_a_wait_for_room_in_which_nothing_moves),
        TEST_RAW(test_client_waits_for_room_as_long_as_output_moves),
        TEST_RAW(test_client_waits_for_room_as_long_as_replies_come),
        TEST_RAW(test_client_ends_a_wait_for_the_places_of_calls_that_timed_out),
        TEST_RAW(test_client_ends_a_wait_for_room_after_the_timeout_of_a_call),
        TEST_RAW(test_client_counts_the_room_timeout_from_the_connect),
        TEST_RAW(test_client_arms_no_timer_for_room_without_a_timeout),
        TEST_RAW(test_client_forgets_the_room_timeout_once_it_has_told),
        TEST_RAW(test_client_tells_again_of_room_to_who_is_refused_in_on_room),
        TEST_RAW(test_client_tells_of_room_when_a_write_fails_after_a_refusal_in_on_room),
        TEST_RAW(test_client_may_be_closed_in_on_room),
        TEST_RAW(test_client_that_is_closed_tells_of_no_room),
        TEST_RAW(test_client_that_is_closed_after_a_look_tells_of_no_room),
        TEST_RAW(test_client_that_is_closed_while_it_fails_tells_of_no_room),
        TEST_RAW(test_client_that_looks_while_room_is_owed_tells_of_it_in_the_next_turn),
        TEST_RAW(test_client_whose_write_failed_with_nothing_in_flight_ended_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
