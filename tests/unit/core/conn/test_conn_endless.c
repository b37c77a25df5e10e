/* SPDX-License-Identifier: MIT
 *
 * Endless requests: they keep their place, have the mark of pushes, and hear of a drain one by one. */
#include <errno.h>

#include "loose_fixture.h"

static void test_endless_request_keeps_its_place(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "endless s", "now b");
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_int_equal(probe_send(&f->probe, "s", "2"), 0);
    assert_heard(peer, "A 1 2");
    assert_int_equal(probe_end(&f->probe, "s", "3"), 0);
    assert_heard(peer, "3 b");
}

static void test_endless_request_has_the_mark_of_pushes(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "endless s");
    size_t taken = 0;
    while (probe_send_size(&f->probe, "s", 98) == 0)
        taken++;
    assert_int_equal(taken, PUSH_HIGH / 100);
    turns(f);
    f->probe.log[0] = '\0';
    size_t out = only_conn(f)->out.bytes;
    script_set_rules(peer->end, &(struct script_rules){.window = out - PUSH_HIGH / 2});
    turns(f);
    assert_int_equal(only_conn(f)->out.bytes, PUSH_HIGH / 2 + 1);
    assert_noted(f, "");
    peer_hear(peer);
    turns(f);
    assert_noted(f, "s~");
    probe_end_silently(&f->probe, "s");
}

static void test_endless_request_behind_another_has_the_mark_of_pushes(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "endless s");
    assert_int_equal(probe_send_size(&f->probe, "s", PUSH_HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "s", 1), -EAGAIN);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_heard(peer, "A s1000");
    assert_noted(f, "open a s s~");
    probe_end_silently(&f->probe, "s");
}

/* One by one, for each is the head once; and what waits behind them is answered. */
static void test_drain_takes_the_last_words_of_endless_requests(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 2;
    struct test_peer *peer = start(f, 0);
    f->probe.on_cancel = say_farewell;
    peer_say(peer, "wait a", "endless s", "endless t", "now b");
    weft_server_stop(f->server);
    turns(f);
    assert_noted(f, "open a s");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_heard(peer, "A bye*2 b EOF");
    assert_noted(f, "t s!drained t!drained b");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_drain_of_an_endless_request_reaches_a_half_closed_peer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    f->probe.on_cancel = say_farewell;
    peer_say(peer, "endless s");
    peer_shutdown(peer);
    advance(f, SECONDS(1000));
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    weft_server_stop(f->server);
    assert_heard(peer, "1 bye EOF");
}

static void test_cut_is_told_to_an_endless_request(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "endless s");
    assert_int_equal(probe_send_size(&f->probe, "s", PUSH_HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "s", PUSH_HIGH), -EAGAIN);
    weft_server_stop(f->server);
    turns(f);
    assert_noted(f, "open s s!drained");
    weft_server_stop(f->server);
    turns(f);
    assert_noted(f, "s!cut");
    probe_end_silently(&f->probe, "s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_endless_request_keeps_its_place),
        TEST_RAW(test_endless_request_has_the_mark_of_pushes),
        TEST_RAW(test_endless_request_behind_another_has_the_mark_of_pushes),
        TEST_RAW(test_drain_takes_the_last_words_of_endless_requests),
        TEST_RAW(test_drain_of_an_endless_request_reaches_a_half_closed_peer),
        TEST_RAW(test_cut_is_told_to_an_endless_request),
    };
    return cmocka_run_group_tests_name("conn endless", tests, NULL, NULL);
}
