/* SPDX-License-Identifier: MIT
 *
 * A client's timeouts, in virtual time. */
#include <errno.h>

#include "client_fixture.h"

static void close_client(struct test_call *call)
{
    weft_client_close(call->fixture->client);
    call->fixture->client = NULL;
}

static struct test_call *ask_within(struct client_fixture *f, const char *name, int64_t timeout)
{
    struct test_call *call = test_call(f, name);
    call->call.timeout = timeout;
    assert_int_equal(test_call_send(call, name), 0);
    return call;
}

static void test_client_times_a_call_out_and_not_before(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = ask_within(f, "a", SECONDS(5));
    client_fixture_advance(f, SECONDS(5) - 1);
    assert_log(f, "");
    client_fixture_advance(f, 1);
    assert_log(f, "a!ETIMEDOUT");
    assert_true(a->call.sent);
    assert_string_equal(weft_client_trouble(f->client), "no reply from script:peer within 5 s");
}

static void test_client_drops_the_late_reply_of_a_call_that_timed_out(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1));
    ask_within(f, "b", SECONDS(9));
    client_fixture_advance(f, SECONDS(2));
    assert_log(f, "a!ETIMEDOUT");
    assert_int_equal(weft_client_pending(f->client), 2);
    peer_reply(f, "late");
    assert_int_equal(weft_client_pending(f->client), 1);
    peer_reply(f, "two");
    assert_log(f, "b=two");
}

static void test_client_drops_the_rest_of_a_stream_that_timed_out(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    struct test_call *a = test_call(f, "a");
    a->call.timeout = SECONDS(1);
    a->call.replies = 3;
    assert_int_equal(test_call_send(a, "stream"), 0);
    ask_within(f, "b", 0);
    client_fixture_turns(f);
    peer_reply(f, "x");
    client_fixture_advance(f, SECONDS(1));
    peer_reply(f, "y");
    peer_reply(f, "z");
    peer_reply(f, "two");
    assert_log(f, "a+x a!ETIMEDOUT b=two");
}

static void test_client_times_calls_out_by_their_own_deadlines(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(3));
    ask_within(f, "b", SECONDS(1));
    ask_within(f, "c", 0);
    ask_within(f, "d", SECONDS(2));
    client_fixture_advance(f, SECONDS(1));
    assert_log(f, "b!ETIMEDOUT");
    client_fixture_advance(f, SECONDS(1));
    assert_log(f, "d!ETIMEDOUT");
    client_fixture_advance(f, SECONDS(100));
    assert_log(f, "a!ETIMEDOUT");
}

static void test_client_does_not_time_out_what_was_answered(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1));
    client_fixture_turns(f);
    peer_reply(f, "one");
    client_fixture_advance(f, SECONDS(10));
    assert_log(f, "a=one");
}

/* The process was stopped: in the first turn after it, the timer is due before anybody has looked at
 * the stream. */
static void stop_process(struct client_fixture *f, int64_t ns)
{
    virtual_loop_spend(f->loop, ns);
    client_fixture_turns(f);
}

static void test_client_takes_a_reply_that_is_there_before_it_judges(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1));
    ask_within(f, "b", SECONDS(1));
    client_fixture_turns(f);
    peer_queue(f, "one");
    stop_process(f, SECONDS(60));
    assert_log(f, "a=one b!ETIMEDOUT");
}

static void test_client_takes_more_than_a_turns_share_before_it_judges(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.read_chunk = 65536});
    ask_within(f, "a", SECONDS(1));
    client_fixture_turns(f);
    static uint8_t frame[4 + (1 << 20)] = {0, 0x10, 0, 0};
    script_send(f->peer, frame, sizeof frame);
    stop_process(f, SECONDS(60));
    assert_log(f, "a=1048576");
}

static void test_client_hears_the_end_of_the_stream_before_it_judges(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1));
    client_fixture_turns(f);
    script_shutdown(f->peer);
    stop_process(f, SECONDS(60));
    assert_log(f, "a!ECONNRESET");
}

static void test_client_judges_no_room_that_is_there(void **state)
{
    struct client_fixture *f = *state;
    f->options.limits.output_high = 10;
    f->options.room_timeout = SECONDS(1);
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.window = 1});
    ask_within(f, "a long request", 0);
    client_fixture_turns(f);
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    script_set_rules(f->peer, &(struct script_rules){.window = 0});
    stop_process(f, SECONDS(60));
    assert_log(f, "room");
}

static void test_client_may_be_closed_by_a_reply_that_came_before_the_judgement(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1))->then = close_client;
    ask_within(f, "b", SECONDS(1));
    client_fixture_turns(f);
    peer_queue(f, "one");
    stop_process(f, SECONDS(60));
    assert_log(f, "a=one b!ECANCELED");
}

static void test_client_arms_no_timer_without_a_timeout(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", 0);
    ask_within(f, "b", INT64_MAX);
    client_fixture_turns(f);
    assert_true(virtual_loop_next_timer(f->loop) == INT64_MAX);
}

/* The timer is left where it is while calls come and go, and moves on when it fires. */
static void test_client_does_not_move_its_timer_for_later_deadlines(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(5));
    client_fixture_turns(f);
    int64_t first = virtual_loop_next_timer(f->loop);
    client_fixture_advance(f, SECONDS(2));
    peer_reply(f, "one");
    ask_within(f, "b", SECONDS(5));
    client_fixture_turns(f);
    assert_true(virtual_loop_next_timer(f->loop) == first);
    client_fixture_advance(f, SECONDS(3));
    assert_true(virtual_loop_next_timer(f->loop) == first + SECONDS(2));
    client_fixture_advance(f, SECONDS(2));
    assert_log(f, "a=one b!ETIMEDOUT");
}

static void test_client_says_that_a_timed_out_call_was_never_sent(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.stalled = true});
    struct test_call *a = ask_within(f, "a", SECONDS(1));
    client_fixture_advance(f, SECONDS(1));
    assert_log(f, "a!ETIMEDOUT");
    assert_false(a->call.sent);
}

/* Its bytes stand before those of later calls, so it goes out with them. */
static void test_client_sends_a_call_that_timed_out_before_it_could(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    script_set_rules(f->peer, &(struct script_rules){.stalled = true});
    ask_within(f, "a", SECONDS(1));
    client_fixture_advance(f, SECONDS(1));
    ask_within(f, "b", 0);
    script_set_rules(f->peer, &(struct script_rules){.stalled = false});
    client_fixture_turns(f);
    assert_string_equal(peer_heard(f), "a b");
    peer_reply(f, "dropped");
    peer_reply(f, "two");
    assert_log(f, "a!ETIMEDOUT b=two");
}

static void ask_again(struct test_call *call)
{
    ask_within(call->fixture, "again", SECONDS(2));
}

static void test_client_sends_and_times_a_call_made_in_the_done_of_a_timeout(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1))->then = ask_again;
    client_fixture_advance(f, SECONDS(1));
    assert_string_equal(peer_heard(f), "a again");
    client_fixture_advance(f, SECONDS(2));
    assert_log(f, "a!ETIMEDOUT again!ETIMEDOUT");
}

static void test_client_may_be_closed_in_the_done_of_a_timeout(void **state)
{
    struct client_fixture *f = *state;
    client_fixture_connect(f);
    ask_within(f, "a", SECONDS(1))->then = close_client;
    ask_within(f, "b", SECONDS(1));
    client_fixture_advance(f, SECONDS(1));
    assert_log(f, "a!ETIMEDOUT b!ECANCELED");
}

static void stall_connects(void)
{
    script_set_default_rules(&(struct script_rules){.stalled = true});
}

static void test_client_gives_a_connect_up_in_time(void **state)
{
    struct client_fixture *f = *state;
    stall_connects();
    f->options.connect_timeout = SECONDS(3);
    assert_int_equal(client_fixture_new(f), 0);
    ask_within(f, "a", SECONDS(1));
    ask_within(f, "b", SECONDS(7));
    client_fixture_advance(f, SECONDS(3) - 1);
    assert_log(f, "a!ETIMEDOUT");
    client_fixture_advance(f, 1);
    assert_log(f, "refused!ETIMEDOUT b!ETIMEDOUT");
    assert_string_equal(weft_client_trouble(f->client), "cannot connect to script:peer within 3 s");
    assert_true(script_is_gone(f->peer));
}

static void test_client_may_be_closed_when_a_connect_took_too_long(void **state)
{
    struct client_fixture *f = *state;
    stall_connects();
    f->options.connect_timeout = SECONDS(3);
    assert_int_equal(client_fixture_new(f), 0);
    ask_within(f, "a", 0)->then = close_client;
    client_fixture_advance(f, SECONDS(3));
    assert_log(f, "refused!ETIMEDOUT a!ETIMEDOUT");
}

static void test_client_without_a_connect_timeout_connects_whenever_it_can(void **state)
{
    struct client_fixture *f = *state;
    stall_connects();
    assert_int_equal(client_fixture_new(f), 0);
    ask_within(f, "a", SECONDS(1));
    client_fixture_advance(f, SECONDS(1000));
    assert_log(f, "a!ETIMEDOUT");
    assert_int_equal(weft_client_status(f->client), 0);
    script_set_rules(f->peer, &(struct script_rules){.stalled = false});
    client_fixture_turns(f);
    assert_log(f, "connected");
}

static void test_client_takes_a_connect_timeout_that_never_comes(void **state)
{
    struct client_fixture *f = *state;
    f->options.connect_timeout = INT64_MAX;
    f->options.room_timeout = INT64_MAX;
    f->options.limits.max_pending = 1;
    client_fixture_connect(f);
    ask_within(f, "a", INT64_MAX);
    assert_int_equal(test_call_send(test_call(f, "b"), "2"), -EAGAIN);
    assert_true(virtual_loop_next_timer(f->loop) == INT64_MAX);
    client_fixture_advance(f, SECONDS(1000));
    assert_log(f, "");
}

static void test_client_forgets_the_connect_timeout_once_connected(void **state)
{
    struct client_fixture *f = *state;
    f->options.connect_timeout = SECONDS(3);
    client_fixture_connect(f);
    client_fixture_advance(f, SECONDS(10));
    assert_string_equal(weft_client_trouble(f->client), "");
    assert_true(virtual_loop_next_timer(f->loop) == INT64_MAX);
}

static int connect_slowly(struct weft_stream *stream, struct weft_loop *loop,
                          const struct weft_url *url, struct weft_error *error)
{
    virtual_loop_spend(loop, SECONDS(2));
    return script_transport.connect(stream, loop, url, error);
}

/* Within a turn, as who connects again does. */
struct connect_in_turn {
    struct weft_deferred deferred;
    struct client_fixture *fixture;
};

static void connect_within_a_turn(struct weft_deferred *deferred)
{
    struct client_fixture *f = ((struct connect_in_turn *)deferred)->fixture;
    assert_int_equal(client_fixture_new(f), 0);
    ask_within(f, "a", SECONDS(1));
}

static void test_client_does_not_count_the_resolving_of_a_name(void **state)
{
    struct client_fixture *f = *state;
    static struct weft_transport transport;
    transport = script_transport;
    transport.name = "slow";
    transport.connect = connect_slowly;
    assert_int_equal(weft_registry_add_transport(&f->registry, &transport), 0);
    f->options.url = "slow:peer";
    struct connect_in_turn connect = {.deferred.run = connect_within_a_turn, .fixture = f};
    weft_loop_defer(f->loop, &connect.deferred);
    virtual_loop_turn(f->loop);
    client_fixture_advance(f, SECONDS(1) - 1);
    assert_log(f, "connected");
    client_fixture_advance(f, 1);
    assert_log(f, "a!ETIMEDOUT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_client_times_a_call_out_and_not_before),
        TEST_BOTH(test_client_drops_the_late_reply_of_a_call_that_timed_out),
        TEST_RAW(test_client_drops_the_rest_of_a_stream_that_timed_out),
        TEST_RAW(test_client_times_calls_out_by_their_own_deadlines),
        TEST_RAW(test_client_does_not_time_out_what_was_answered),
        TEST_RAW(test_client_takes_a_reply_that_is_there_before_it_judges),
        TEST_RAW(test_client_takes_more_than_a_turns_share_before_it_judges),
        TEST_RAW(test_client_hears_the_end_of_the_stream_before_it_judges),
        TEST_RAW(test_client_judges_no_room_that_is_there),
        TEST_RAW(test_client_may_be_closed_by_a_reply_that_came_before_the_judgement),
        TEST_RAW(test_client_without_a_connect_timeout_connects_whenever_it_can),
        TEST_RAW(test_client_takes_a_connect_timeout_that_never_comes),
        TEST_RAW(test_client_arms_no_timer_without_a_timeout),
        TEST_RAW(test_client_does_not_move_its_timer_for_later_deadlines),
        TEST_RAW(test_client_says_that_a_timed_out_call_was_never_sent),
        TEST_RAW(test_client_sends_a_call_that_timed_out_before_it_could),
        TEST_RAW(test_client_sends_and_times_a_call_made_in_the_done_of_a_timeout),
        TEST_RAW(test_client_may_be_closed_in_the_done_of_a_timeout),
        TEST_RAW(test_client_gives_a_connect_up_in_time),
        TEST_RAW(test_client_may_be_closed_when_a_connect_took_too_long),
        TEST_RAW(test_client_does_not_count_the_resolving_of_a_name),
        TEST_RAW(test_client_forgets_the_connect_timeout_once_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
