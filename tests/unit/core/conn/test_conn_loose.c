/* SPDX-License-Identifier: MIT
 *
 * Detached requests: where their messages stand, what they may use, and how they end. */
#include <errno.h>
#include <stdio.h>

#include "core/conn/order.h"
#include "lib/fault.h"
#include "loose_fixture.h"

static void test_detached_request_holds_nobody_up(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "loose s", "now a", "wait b");
    assert_heard(peer, "a");
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    assert_heard(peer, "1");
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_int_equal(probe_send(&f->probe, "s", "2"), 0);
    assert_int_equal(probe_end(&f->probe, "s", "3"), 0);
    assert_heard(peer, "B 2 3");
    assert_true(weft__order_is_empty(&only_conn(f)->order));
}

/* A message from before its place has come stands there: a subscription's first reply. */
static void test_messages_before_its_place_keep_it(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "loose s", "wait b");
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    assert_int_equal(probe_send(&f->probe, "s", "2"), 0);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_int_equal(probe_send(&f->probe, "s", "3"), 0);
    assert_heard(peer, "A 1 2 B 3");
    probe_end_silently(&f->probe, "s");
}

static void test_detached_request_may_end_before_its_place(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "loose s", "loose t");
    assert_int_equal(probe_end(&f->probe, "s", "S"), 0);
    probe_end_silently(&f->probe, "t");
    assert_int_equal(only_conn(f)->order.detached, 2);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A S");
    assert_true(weft__order_is_empty(&only_conn(f)->order));
}

static void end_at_once(struct probe *probe, const char *name)
{
    assert_int_equal(weft_request_detach(probe->calls[probe->call_count - 1].request), 0);
    (void)name;
}

static void test_detached_request_may_end_within_its_call(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    f->probe.on_call = end_at_once;
    peer_say(peer, "now a", "none b");
    f->probe.on_call = NULL;
    peer_say(peer, "wait c");
    f->probe.on_call = end_at_once;
    peer_say(peer, "now d");
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    assert_heard(peer, "a C d");
    assert_true(weft__order_is_empty(&only_conn(f)->order));
    assert_int_equal(only_conn(f)->order.pending, 0);
}

/* It was an ordinary one for a while: the head, and behind it. */
static void test_request_may_be_detached_later(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 2;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "wait b", "now c");
    assert_noted(f, "open a b");
    assert_int_equal(weft_request_detach(f->probe.calls[1].request), 0);
    assert_int_equal(weft_request_detach(f->probe.calls[1].request), 0);
    turns(f);
    assert_noted(f, "c");
    assert_int_equal(only_conn(f)->order.pending, 2);
    assert_int_equal(weft_request_detach(f->probe.calls[0].request), 0);
    assert_heard(peer, "c");
    assert_int_equal(only_conn(f)->order.pending, 0);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "B A");
}

static void test_slow_reader_stops_pushes_at_their_mark(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "loose s");
    size_t taken = 0;
    while (probe_send_size(&f->probe, "s", 98) == 0)
        taken++;
    assert_int_equal(taken, PUSH_HIGH / 100);
    peer_say(peer, "size a 2000");
    assert_noted(f, "open s a");
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "s98*10 a2000");
    assert_noted(f, "s~");
    probe_end_silently(&f->probe, "s");
}

/* The mark is low, so that many stalled readers are cheap; others' replies go on to theirs. */
static void test_refused_push_is_told_at_half_the_mark(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "loose s");
    while (probe_send_size(&f->probe, "s", 98) == 0)
        ;
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

static void say_one_more(struct probe *probe, const char *name)
{
    assert_int_equal(probe_send_size(probe, name, PUSH_HIGH), 0);
}

/* The one that was refused first is told first, and each is told. */
static void test_many_refused_are_told_by_turns(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    char text[32];
    for (int i = 0; i < 900; i++) {
        snprintf(text, sizeof text, "loose s%d", i);
        peer_queue(peer, text);
    }
    turns(f);
    assert_int_equal(only_conn(f)->order.detached, 900);
    assert_int_equal(probe_send_size(&f->probe, "s0", PUSH_HIGH), 0);
    for (int i = 0; i < 900; i++) {
        snprintf(text, sizeof text, "s%d", i);
        assert_int_equal(probe_send_size(&f->probe, text, PUSH_HIGH), -EAGAIN);
    }
    f->probe.log[0] = '\0';
    f->probe.on_room = say_one_more;
    script_set_rules(peer->end, &(struct script_rules){0});
    turns(f);
    assert_string_equal(peer_hear(peer), "s1000*901");
    assert_int_equal(strncmp(f->probe.log, "s0~ s1~ s2~ ", 12), 0);
    assert_non_null(strstr(f->probe.log, "s898~ s899~"));
    f->probe.log[0] = '\0';
    probe_end_all(&f->probe);
}

/* Pushes that always find room cannot keep a paused connection from decoding. */
static void test_endless_pushes_leave_others_their_turn(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = start(f, 0);
    f->probe.on_room = say_one_more;
    peer_say(peer, "loose s");
    assert_int_equal(probe_send_size(&f->probe, "s", PUSH_HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "s", 1), -EAGAIN);
    peer_say(peer, "wait a", "now b");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_non_null(strstr(peer_hear(peer), "A b"));
    probe_end_silently(&f->probe, "s");
}

static void test_detached_requests_are_not_pending_and_have_a_limit(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    f->options.limits.max_detached = 3;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "loose a", "loose b", "loose c", "loose d", "now e");
    assert_heard(peer, "full e");
    assert_noted(f, "open a b c d e");
    probe_end_silently(&f->probe, "b");
    peer_say(peer, "loose d");
    assert_heard(peer, "");
    assert_int_equal(only_conn(f)->order.detached, 3);
}

/* They may stay for ever, so what they keep must not stop the decoding. */
static void test_detached_requests_keep_little(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.pending_bytes = 50000;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "keep a", "keep b", "keep c", "now d");
    struct weft_request *a = f->probe.calls[0].request, *c = f->probe.calls[2].request;
    size_t each = weft_arena_memory(weft_request_arena(a));
    assert_int_equal(only_conn(f)->order.kept_bytes, 3 * each);
    assert_int_equal(weft_request_detach(a), 0);
    assert_int_equal(weft_request_detach(f->probe.calls[1].request), 0);
    assert_int_equal(only_conn(f)->order.detached_part->bytes, 2 * each);
    assert_int_equal(only_conn(f)->order.kept_bytes, each);
    assert_non_null(weft_arena_alloc(weft_request_arena(a), 50000));
    assert_int_equal(weft_request_detach(c), -ENOSPC);
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    assert_heard(peer, "C d");
    peer_say(peer, "loose l");
    assert_int_equal(weft_request_keep(f->probe.calls[4].request), -ENOMEM);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_int_equal(only_conn(f)->order.detached_part->bytes, each);
    probe_end_all(&f->probe);
}

static void test_detach_without_memory_changes_nothing(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "now b");
    fault_arm(FAULT_ONE, 0);
    assert_int_equal(weft_request_detach(f->probe.calls[0].request), -ENOMEM);
    fault_disarm();
    assert_int_equal(only_conn(f)->order.detached, 0);
    assert_heard(peer, "");
    assert_int_equal(weft_request_detach(f->probe.calls[0].request), 0);
    assert_heard(peer, "b");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
}

static void test_half_closed_peer_reads_on(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_queue(peer, "loose s");
    peer_queue(peer, "now a");
    peer_shutdown(peer);
    assert_heard(peer, "a");
    advance(f, SECONDS(1000));
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    assert_heard(peer, "1");
    assert_int_equal(probe_end(&f->probe, "s", "2"), 0);
    assert_heard(peer, "2 EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_connection_with_a_detached_request_is_not_idle(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = (uint64_t)SECONDS(10);
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "loose s");
    advance(f, SECONDS(100));
    assert_int_equal(closed(f), 0);
    probe_end_silently(&f->probe, "s");
    advance(f, SECONDS(10));
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
    assert_heard(peer, "EOF");
}

static void test_each_hears_of_a_reset_once(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "loose s", "wait a", "loose t");
    peer_reset(peer);
    assert_noted(f, "open s a t s!peer-reset a!peer-reset t!peer-reset");
    assert_int_equal(probe_send(&f->probe, "s", "x"), -ECANCELED);
    probe_end_all(&f->probe);
    turns(f);
    assert_noted(f, "close");
}

/* No good reply follows a lost boundary, and no push either. */
static void test_detached_requests_do_not_keep_a_faulty_peer(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "loose s");
    peer_say(peer, "bad b");
    assert_heard(peer, "b EOF");
    assert_int_equal(probe_send(&f->probe, "s", "x"), -ECANCELED);
    advance(f, SECONDS(1));
    assert_noted(f, "open s b s!bad-frames");
    probe_end_silently(&f->probe, "s");
}

static void test_drain_takes_last_words(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    f->probe.on_cancel = say_farewell;
    peer_say(peer, "loose s", "wait a");
    weft_server_stop(f->server);
    turns(f);
    assert_noted(f, "open s a");
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "1 A bye EOF");
    assert_noted(f, "s!drained");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_drain_waits_for_an_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "loose s", "loose t");
    weft_server_stop(f->server);
    turns(f);
    assert_noted(f, "open s t s!drained t!drained");
    assert_int_equal(probe_send(&f->probe, "s", "1"), 0);
    assert_int_equal(probe_end(&f->probe, "t", "2"), 0);
    assert_heard(peer, "1 2");
    assert_int_equal(probe_end(&f->probe, "s", "3"), 0);
    assert_heard(peer, "3 EOF");
    advance(f, SECONDS(1));
}

static void test_drain_reaches_a_half_closed_peer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    f->probe.on_cancel = say_farewell;
    peer_say(peer, "loose s");
    peer_shutdown(peer);
    turns(f);
    weft_server_stop(f->server);
    assert_heard(peer, "bye EOF");
}

/* One that was told of the drain and does not end hears of the cut, which is another thing. */
static void test_cut_after_the_drain_is_told(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "loose s");
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

/* Ends s1 and s3, the one before and the one behind, whoever is told first. */
static void end_two(struct probe *probe, const char *name)
{
    (void)name;
    if (probe_is_pending(probe, "s1"))
        probe_end_silently(probe, "s1");
    if (probe_is_pending(probe, "s3"))
        probe_end_silently(probe, "s3");
}

static void test_one_may_end_others_while_it_is_cancelled(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    f->probe.on_cancel = end_two;
    peer_say(peer, "loose s1", "loose s2", "loose s3", "loose s4");
    peer_reset(peer);
    assert_noted(f, "open s1 s2 s3 s4 s1!peer-reset s2!peer-reset s4!peer-reset");
    assert_int_equal(f->probe.pending, 2);
    probe_end_all(&f->probe);
}

static void test_one_may_end_others_when_there_is_room(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    f->probe.on_room = end_two;
    peer_say(peer, "loose s1", "loose s2", "loose s3", "loose s4");
    assert_int_equal(probe_send_size(&f->probe, "s2", PUSH_HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "s2", 600), -EAGAIN);
    assert_int_equal(probe_send_size(&f->probe, "s1", 600), -EAGAIN);
    assert_int_equal(probe_send_size(&f->probe, "s3", 600), -EAGAIN);
    assert_int_equal(probe_send_size(&f->probe, "s4", 600), -EAGAIN);
    f->probe.log[0] = '\0';
    script_set_rules(peer->end, &(struct script_rules){0});
    turns(f);
    assert_noted(f, "s2~ s4~");
    assert_int_equal(f->probe.pending, 2);
    probe_end_all(&f->probe);
}

static void test_refused_in_the_order_is_told_when_loose(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "loose s");
    assert_int_equal(probe_send_size(&f->probe, "s", PUSH_HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "s", 600), -EAGAIN);
    turns(f);
    assert_noted(f, "open a s");
    assert_int_equal(only_conn(f)->order.room_owed, 1);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A s1000");
    assert_noted(f, "s~");
    assert_int_equal(only_conn(f)->order.room_owed, 0);
    probe_end_silently(&f->probe, "s");
}

/* A subscription that is idle costs a connection these, and there may be many. */
static void test_detached_request_takes_few_bytes(void **state)
{
    (void)state;
    assert_in_range(sizeof(struct weft__request), 1, 296);
    assert_in_range(sizeof(struct weft__detached), 1, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_detached_request_holds_nobody_up),
        TEST_BOTH(test_messages_before_its_place_keep_it),
        TEST_RAW(test_detached_request_may_end_before_its_place),
        TEST_RAW(test_detached_request_may_end_within_its_call),
        TEST_RAW(test_request_may_be_detached_later),
        TEST_RAW(test_slow_reader_stops_pushes_at_their_mark),
        TEST_RAW(test_refused_push_is_told_at_half_the_mark),
        TEST_RAW(test_many_refused_are_told_by_turns),
        TEST_RAW(test_endless_pushes_leave_others_their_turn),
        TEST_RAW(test_detached_requests_are_not_pending_and_have_a_limit),
        TEST_RAW(test_detached_requests_keep_little),
        TEST_FAULT(test_detach_without_memory_changes_nothing),
        TEST_RAW(test_half_closed_peer_reads_on),
        TEST_RAW(test_connection_with_a_detached_request_is_not_idle),
        TEST_RAW(test_each_hears_of_a_reset_once),
        TEST_RAW(test_detached_requests_do_not_keep_a_faulty_peer),
        TEST_RAW(test_drain_takes_last_words),
        TEST_RAW(test_drain_waits_for_an_end),
        TEST_RAW(test_drain_reaches_a_half_closed_peer),
        TEST_RAW(test_cut_after_the_drain_is_told),
        TEST_RAW(test_one_may_end_others_while_it_is_cancelled),
        TEST_RAW(test_one_may_end_others_when_there_is_room),
        TEST_RAW(test_refused_in_the_order_is_told_when_loose),
        cmocka_unit_test(test_detached_request_takes_few_bytes),
    };
    return cmocka_run_group_tests_name("conn loose", tests, NULL, NULL);
}
