/* SPDX-License-Identifier: MIT
 *
 * Draining: what came before it is executed, what comes later is refused, and nobody sees a reset. */
#include "server_fixture.h"

static void stop(struct server_fixture *f)
{
    weft_server_stop(f->server);
}

/* Begins it, before anything else comes. */
static void drain(struct server_fixture *f)
{
    stop(f);
    turns(f);
}

static void test_idle_connection_sees_the_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    stop(f);
    assert_heard(peer, "EOF");
    assert_false(script_is_gone(peer->end));
    peer_shutdown(peer);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_frames_that_wait_unread_are_executed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "now a");
    peer_queue(peer, "now b");
    stop(f);
    assert_heard(peer, "a b EOF");
    assert_noted(f, "open a b");
}

static void test_frames_that_come_later_are_refused(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "now a");
    peer_queue(peer, "wait b");
    drain(f);
    for (int i = 0; i < 100; i++)
        peer_queue(peer, "now c");
    assert_heard(peer, "a");
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_heard(peer, "B draining*100 EOF");
    assert_noted(f, "open a b");
}

/* A client that goes on sending learns by the end that it is over. */
static void test_frames_behind_the_end_are_dropped_without_a_reset(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    drain(f);
    for (int i = 0; i < 9; i++) {
        peer_queue(peer, "now a");
        advance(f, MILLISECONDS(100));
    }
    assert_heard(peer, "EOF");
    assert_noted(f, "open");
    advance(f, MILLISECONDS(100));
    assert_heard(peer, "EOF");
}

/* Its other half will not come, or too late: nobody waits for it. */
static void test_unfinished_frame_is_not_waited_for(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "now a");
    peer_send(peer, "\0\0\0\5n", 5);
    stop(f);
    assert_heard(peer, "a EOF");
    peer_send(peer, "ow b", 4);
    assert_heard(peer, "EOF");
    assert_noted(f, "open a");
}

static void test_frame_that_began_before_is_executed_while_others_pend(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send(peer, "\0\0\0\5n", 5);
    drain(f);
    peer_send(peer, "ow b", 4);
    peer_say(peer, "now c");
    assert_noted(f, "open a b");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b draining EOF");
}

static void test_frames_buffered_behind_max_pending_are_executed(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b", "wait c");
    drain(f);
    peer_say(peer, "now d");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    turns(f);
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    assert_heard(peer, "A B C draining EOF");
    assert_noted(f, "open a b c");
}

static void test_connection_paused_by_output_drains_as_it_is_read(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.output_high = f->options.limits.output_low = 1000;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    for (int i = 0; i < 5; i++)
        peer_queue(peer, "size a 1000");
    turns(f);
    drain(f);
    assert_in_range(f->probe.call_count, 1, 4);
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "a1000*5 EOF");
}

static void test_frames_that_come_while_output_waits_are_refused(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_say(peer, "size a 1000");
    drain(f);
    peer_say(peer, "now b");
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "a1000 draining EOF");
}

static void test_frames_of_many_turns_are_executed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 1000; i++)
        peer_queue(peer, "now a");
    virtual_loop_turn(f->loop);
    stop(f);
    assert_heard(peer, "a*1000 EOF");
}

static void test_draining_ends_only_when_reading_finds_nothing(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.read_chunk = 3});
    for (int i = 0; i < 30; i++)
        peer_queue(peer, "now a");
    drain(f);
    const char *heard = peer_hear(peer);
    assert_non_null(strstr(heard, "EOF"));
    assert_non_null(strstr(heard, "draining"));
    assert_int_equal(script_unread(peer->end), 0);
}

static void test_stream_goes_on_to_its_end(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.output_high = f->options.limits.output_low = 1000;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_say(peer, "stream s 20 500");
    drain(f);
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "s500*20 EOF");
}

static void test_half_closed_connection_answers_what_pends(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_shutdown(peer);
    drain(f);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
    assert_true(script_is_gone(peer->end));
}

static void test_half_close_while_draining_ends_it(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    drain(f);
    peer_shutdown(peer);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
    assert_true(script_is_gone(peer->end));
}

static void test_service_without_words_closes_at_the_first_later_frame(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    drain(f);
    peer_say(peer, "now b");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_who_waits_to_be_accepted_is_told(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *peer = peer_dial_only(f);
    peer_queue(peer, "now a");
    stop(f);
    assert_heard(peer, "draining EOF");
    advance(f, SECONDS(1));
    assert_heard(peer, "EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
    assert_null(script_dial("server"));
}

static void test_drain_timeout_cuts_what_is_left(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *slow = peer_dial(f), *idle = peer_dial(f);
    peer_say(slow, "wait a");
    stop(f);
    assert_heard(idle, "EOF");
    advance(f, SECONDS(10) - 1);
    assert_noted(f, "open open a close");
    advance(f, 1);
    assert_noted(f, "a!cut");
    assert_true(script_is_gone(slow->end));
    assert_int_equal(weft_server_cut(f->server), 1);
    assert_int_equal(closed_for(f, WEFT_REASON_CUT), 1);
}

static void test_second_stop_cuts_at_once(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *slow = serve_one(f);
    peer_say(slow, "wait a");
    drain(f);
    drain(f);
    assert_noted(f, "open a a!cut");
    assert_int_equal(weft_server_cut(f->server), 1);
    drain(f);
    assert_noted(f, "");
    assert_int_equal(weft_server_cut(f->server), 1);
}

/* It has been given all that it was owed. */
static void test_lingering_connection_is_not_counted_as_cut(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    stop(f);
    assert_heard(peer, "EOF");
    drain(f);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(weft_server_cut(f->server), 0);
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_closed_connection_is_not_counted_as_cut(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    peer_reset(peer);
    stop(f);
    drain(f);
    assert_int_equal(weft_server_cut(f->server), 0);
    assert_noted(f, "open a a!peer-reset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_idle_connection_sees_the_end),
        TEST_BOTH(test_frames_that_wait_unread_are_executed),
        TEST_BOTH(test_frames_that_come_later_are_refused),
        TEST_RAW(test_frames_behind_the_end_are_dropped_without_a_reset),
        TEST_BOTH(test_unfinished_frame_is_not_waited_for),
        TEST_BOTH(test_frame_that_began_before_is_executed_while_others_pend),
        TEST_RAW(test_frames_buffered_behind_max_pending_are_executed),
        TEST_RAW(test_connection_paused_by_output_drains_as_it_is_read),
        TEST_RAW(test_frames_that_come_while_output_waits_are_refused),
        TEST_RAW(test_frames_of_many_turns_are_executed),
        TEST_RAW(test_draining_ends_only_when_reading_finds_nothing),
        TEST_RAW(test_stream_goes_on_to_its_end),
        TEST_RAW(test_half_closed_connection_answers_what_pends),
        TEST_RAW(test_half_close_while_draining_ends_it),
        TEST_MUTE(test_service_without_words_closes_at_the_first_later_frame),
        TEST_BOTH(test_who_waits_to_be_accepted_is_told),
        TEST_RAW(test_drain_timeout_cuts_what_is_left),
        TEST_RAW(test_second_stop_cuts_at_once),
        TEST_RAW(test_lingering_connection_is_not_counted_as_cut),
        TEST_RAW(test_closed_connection_is_not_counted_as_cut),
    };
    return cmocka_run_group_tests_name("conn drain", tests, NULL, NULL);
}
