/* SPDX-License-Identifier: MIT
 *
 * Back-pressure: what a connection takes while its client does not read, and that it goes on once
 * the client does. */
#include <errno.h>

#include "lib/script_world.h"
#include "server_fixture.h"

enum { HIGH = 10000, LOW = 4000 };

static struct weft__conn *only_conn(struct server_fixture *f)
{
    assert_int_equal(f->worker->conn_count, 1);
    return f->worker->conns;
}

/* Watermarks near enough to be reached, and a client whose window has `window` bytes. */
static struct test_peer *start(struct server_fixture *f, size_t window)
{
    f->options.limits.output_high = HIGH;
    f->options.limits.output_low = LOW;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = window});
    return peer;
}

static void test_stream_stops_at_the_high_mark_and_goes_on_below_the_low(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "stream s 1000 496");
    assert_noted(f, "open s");
    size_t out = only_conn(f)->out.bytes;
    assert_in_range(out, HIGH - 1, HIGH + 500);
    script_set_rules(peer->end, &(struct script_rules){.window = 1 + out - LOW});
    turns(f);
    assert_int_equal(only_conn(f)->out.bytes, LOW);
    assert_noted(f, "");
    peer_hear(peer);
    turns(f);
    assert_noted(f, "s~");
}

static void test_stream_never_stalls_whatever_the_client_reads_at_once(void **state)
{
    struct server_fixture *f = *state;
    static const size_t windows[] = {1, 7, 100, 500, 4000, 9999, 10000, 20000};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct server_fixture *g = f;
        struct test_peer *peer;
        if (i == 0) {
            peer = start(g, windows[i]);
        } else {
            peer = peer_dial(g);
            script_set_rules(peer->end, &(struct script_rules){.window = windows[i]});
        }
        size_t bytes = 0, size;
        peer_say(peer, "stream s 60 996");
        while (script_received(peer->end, &size)) {
            bytes += size;
            script_consume(peer->end, size);
            turns(g);
        }
        assert_int_equal(bytes, 60 * 1000);
        peer_close(peer);
        turns(g);
    }
}

/* The flush of the same turn makes the room: no event of the stream will say so. */
static void test_stream_goes_on_where_one_write_takes_all(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "stream s 1000 1000");
    assert_heard(peer, "s1000*1000");
    assert_int_equal(f->probe.pending, 0);
}

static void send_the_rest(struct probe *probe, const char *name)
{
    size_t *left = probe->data;

    while (*left > 0 && probe_send_size(probe, name, 1000) == 0)
        --*left;
}

/* It takes more than the rounds of a turn, and there is no event to bring the next one. */
static void test_stream_that_began_later_goes_on_for_many_turns(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    size_t left = 500;
    f->probe.data = &left;
    f->probe.on_room = send_the_rest;
    peer_say(peer, "wait a");
    send_the_rest(&f->probe, "a");
    assert_heard(peer, "a1000*500");
    assert_int_equal(left, 0);
}

/* That the stream took less than it was offered says that it takes no more. */
static void test_short_write_is_not_tried_again(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    script_set_rules(peer->end, &(struct script_rules){.window = 100, .write_eagain = 1000});
    peer_say(peer, "size a 1000");
    assert_int_equal(peer->end->other->writes, 1);
}

static void test_head_is_refused_by_its_own_output_alone(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "wait a", "wait b");
    assert_int_equal(probe_end_size(&f->probe, "b", 2 * HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", HIGH - 1000), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 2000), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 1), -EAGAIN);
    assert_int_equal(probe_end_size(&f->probe, "a", 5000), -EAGAIN);
    assert_noted(f, "open a b");
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "a9000 a2000");
    assert_noted(f, "a~");
    assert_int_equal(probe_end_size(&f->probe, "a", 5000), 0);
    assert_heard(peer, "a5000 b20000");
}

static void test_first_small_reply_is_always_held(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "wait b", "wait c", "wait d");
    assert_int_equal(probe_end_size(&f->probe, "b", HIGH), 0);
    assert_int_equal(probe_end_size(&f->probe, "c", WEFT_REJECT_MAX), 0);
    assert_int_equal(probe_end_size(&f->probe, "d", WEFT_REJECT_MAX + 1), -EAGAIN);
    assert_int_equal(probe_send_size(&f->probe, "d", WEFT_REJECT_MAX), 0);
    assert_int_equal(probe_end_size(&f->probe, "d", 100), -EAGAIN);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b10000 c512 d512");
    assert_int_equal(probe_end_size(&f->probe, "d", 100), 0);
    assert_heard(peer, "d100");
}

static void test_who_was_refused_is_told_when_it_becomes_the_head(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "wait b", "size c 1000");
    assert_int_equal(probe_end_size(&f->probe, "b", HIGH), 0);
    peer_say(peer, "size d 1000");
    assert_noted(f, "open a b c");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b10000 c1000 d1000");
}

static void end_with_more(struct probe *probe, const char *name)
{
    assert_int_equal(probe_end_size(probe, name, 1000), 0);
}

static void test_who_was_refused_behind_the_head_is_told_of_room(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "wait a", "wait b", "wait c");
    assert_int_equal(probe_send_size(&f->probe, "a", HIGH), 0);
    assert_int_equal(probe_end_size(&f->probe, "b", 1000), -EAGAIN);
    assert_int_equal(probe_end_size(&f->probe, "c", 1000), -EAGAIN);
    assert_noted(f, "open a b c");
    f->probe.on_room = end_with_more;
    script_set_rules(peer->end, &(struct script_rules){0});
    turns(f);
    assert_noted(f, "b~ c~");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "a10000 A b1000 c1000");
}

static void test_no_on_drain_follows_the_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "wait a");
    assert_int_equal(probe_send_size(&f->probe, "a", HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 1), -EAGAIN);
    probe_end_silently(&f->probe, "a");
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "a10000");
    assert_noted(f, "open a");
}

/* It has ended, but its place is behind another's. */
static void test_no_on_drain_follows_the_end_behind_the_head(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "wait b");
    assert_int_equal(probe_send_size(&f->probe, "b", HIGH), 0);
    assert_int_equal(probe_send_size(&f->probe, "b", 1000), -EAGAIN);
    probe_end_silently(&f->probe, "b");
    assert_int_equal(only_conn(f)->order.room_owed, 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b10000");
    assert_noted(f, "open a b");
}

static void take_on_drain_away(struct probe *probe, const char *name)
{
    (void)name;
    probe->calls[0].request->on_room = NULL;
}

static void test_service_may_do_without_on_drain(void **state)
{
    struct server_fixture *f = *state;
    f->probe.on_call = take_on_drain_away;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "stream s 20 1000");
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "s1000*10");
    assert_int_equal(probe_end(&f->probe, "s", "end"), 0);
    assert_heard(peer, "end");
}

static void test_decoding_stops_at_the_high_mark(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    for (int i = 0; i < 40; i++)
        peer_queue(peer, "size x 996");
    turns(f);
    assert_int_equal(f->probe.call_count, HIGH / 1000);
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x996*40");
}

static void test_decoding_goes_on_below_the_low_mark(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 1);
    for (int i = 0; i < 40; i++)
        peer_queue(peer, "size x 996");
    turns(f);
    size_t before = f->probe.call_count, out = only_conn(f)->out.bytes;
    script_set_rules(peer->end, &(struct script_rules){.window = 1 + out - LOW});
    turns(f);
    assert_int_equal(only_conn(f)->out.bytes, LOW);
    assert_int_equal(f->probe.call_count, before);
    script_set_rules(peer->end, &(struct script_rules){.window = 2 + out - LOW});
    turns(f);
    assert_true(f->probe.call_count > before);
}

static void test_paused_connection_reads_nothing(void **state)
{
    struct server_fixture *f = *state;
    static uint8_t megabyte[1 << 20];
    struct test_peer *peer = start(f, 1);
    for (int i = 0; i < 12; i++)
        peer_queue(peer, "size x 996");
    turns(f);
    peer_send(peer, megabyte, sizeof megabyte);
    turns(f);
    assert_int_equal(script_unread(peer->end), sizeof megabyte);
}

/* Else what it held would grow without end. */
static void test_held_replies_stop_the_decoding_as_well(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_queue(peer, "wait a");
    for (int i = 0; i < 40; i++)
        peer_queue(peer, "size x 1000");
    turns(f);
    assert_int_equal(f->probe.call_count, 1 + HIGH / 1000);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A x1000*40");
}

static void test_max_pending_stops_the_decoding(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 3;
    struct test_peer *peer = start(f, 0);
    const char *const requests[] = {"wait a", "wait b", "wait c", "wait d", "now e", "wait f"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        peer_queue(peer, requests[i]);
    turns(f);
    assert_noted(f, "open a b c");
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    turns(f);
    assert_noted(f, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_noted(f, "d e");
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    turns(f);
    assert_noted(f, "f");
    assert_heard(peer, "A B C");
}

static void test_ended_requests_do_not_count_towards_max_pending(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = start(f, 0);
    for (int i = 0; i < 10; i++)
        peer_queue(peer, "now a");
    assert_heard(peer, "a*10");
}

static void test_rejections_count_towards_max_pending(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 3;
    f->options.limits.max_frame = 100;
    f->options.limits.max_bad_frames = 0;
    uint8_t frame[256];
    struct test_peer *peer = start(f, 0);
    peer_queue(peer, "wait a");
    for (int i = 0; i < 10; i++)
        peer_send(peer, frame, peer_frame(frame, "", 101));
    turns(f);
    assert_int_equal(only_conn(f)->order.pending, 3);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A too-big:max-frame:101:100*10");
}

/* The least that the check of limits lets through. */
static void set_hard_limit(struct server_fixture *f)
{
    f->options.limits.max_frame = f->options.limits.max_message = 10000;
    f->options.limits.output_hard = 2 * HIGH;
}

/* Each of them is the head when it ends: only the room decides. */
static void test_ends_of_heads_wait_for_room_and_close_nothing(void **state)
{
    struct server_fixture *f = *state;
    set_hard_limit(f);
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "wait a", "wait b", "wait c", "wait d");
    assert_int_equal(probe_end_size(&f->probe, "a", 9000), 0);
    assert_int_equal(probe_end_size(&f->probe, "b", 9000), 0);
    assert_int_equal(probe_end_size(&f->probe, "c", 9000), -EAGAIN);
    turns(f);
    assert_int_equal(closed(f), 0);
    assert_noted(f, "open a b c d");
    f->probe.on_room = end_with_more;
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "a9000 b9000 c1000");
    assert_int_equal(probe_end_size(&f->probe, "d", 9000), 0);
    assert_heard(peer, "d9000");
    assert_noted(f, "c~");
}

/* It would be over output-hard with what may wait before it: it is told of room as the head alone. */
static void test_reply_too_large_to_be_held_waits_for_its_turn(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = f->options.limits.max_message = 100000;
    f->options.limits.output_hard = HIGH + 100000 + 50000;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "wait b", "wait c");
    assert_int_equal(probe_end_size(&f->probe, "b", 50001), -EAGAIN);
    assert_int_equal(probe_end_size(&f->probe, "c", 50000), 0);
    turns(f);
    assert_noted(f, "open a b c");
    assert_int_equal(probe_send_size(&f->probe, "a", 1000), 0);
    assert_heard(peer, "a1000");
    assert_noted(f, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A");
    assert_noted(f, "b~");
    assert_int_equal(probe_end_size(&f->probe, "b", 50001), 0);
    assert_heard(peer, "b50001 c50000");
    assert_int_equal(closed(f), 0);
}

/* All that is rightly taken at once, and all of it is sent. */
static void test_replies_that_were_taken_never_reach_the_hard_limit(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = f->options.limits.max_message = 10000;
    f->options.limits.output_hard = HIGH + 10000 + 15000;
    struct test_peer *peer = start(f, 1);
    peer_say(peer, "wait a", "wait b", "wait c", "wait d");
    assert_int_equal(probe_send_size(&f->probe, "b", HIGH - 1), 0);
    assert_int_equal(probe_send_size(&f->probe, "b", 5000), 0);
    assert_int_equal(probe_end_size(&f->probe, "c", WEFT_REJECT_MAX), 0);
    assert_int_equal(probe_end_size(&f->probe, "d", WEFT_REJECT_MAX), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", HIGH - 5), 0);
    assert_int_equal(probe_send_size(&f->probe, "a", 10000), 0);
    turns(f);
    assert_int_equal(closed(f), 0);
    probe_end_silently(&f->probe, "a");
    probe_end_silently(&f->probe, "b");
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "a9995 a10000 b9999 b5000 c512 d512");
}

/* Small messages are counted with what holding them takes. */
static void test_many_small_held_messages_stop_at_the_memory_they_take(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    int taken = 0;
    peer_say(peer, "wait a", "wait b");
    while (probe_send_size(&f->probe, "b", 1) == 0)
        taken++;
    assert_in_range(taken, 2, HIGH / sizeof(struct weft__held));
    probe_end_silently(&f->probe, "a");
    probe_end_silently(&f->probe, "b");
}

static void test_kept_requests_stop_the_decoding(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.pending_bytes = 100000;
    struct test_peer *peer = start(f, 0);
    for (int i = 0; i < 5; i++)
        peer_send_frame(peer, "keep a ", 40000);
    turns(f);
    assert_int_equal(f->probe.pending, 3);
    assert_in_range(only_conn(f)->order.kept_bytes, 120000, 121000);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A");
    assert_int_equal(f->probe.pending, 3);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A*2");
    assert_int_equal(f->probe.pending, 2);
    assert_in_range(only_conn(f)->order.kept_bytes, 80000, 81000);
}

/* One that has ended keeps nothing, though its reply waits for its turn. */
static void test_end_behind_the_head_frees_what_was_kept(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a", "keep b");
    assert_int_not_equal(only_conn(f)->order.kept_bytes, 0);
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_int_equal(only_conn(f)->order.kept_bytes, 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A B");
}

/* A service that decodes into the arena of a kept request is counted as it goes. */
static void test_arena_of_a_kept_request_counts(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.pending_bytes = 100000;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "keep a");
    struct weft_arena *arena = weft_request_arena(f->probe.calls[0].request);
    assert_non_null(weft_arena_alloc(arena, 200000));
    assert_int_equal(only_conn(f)->order.kept_bytes, weft_arena_memory(arena));
    peer_say(peer, "now b");
    assert_noted(f, "open a");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b");
}

static void test_send_on_a_closed_connection_is_cancelled(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = start(f, 0);
    peer_say(peer, "wait a");
    peer_reset(peer);
    assert_noted(f, "open a a!peer-reset");
    assert_int_equal(probe_send(&f->probe, "a", "x"), -ECANCELED);
    assert_int_equal(probe_end(&f->probe, "a", "x"), 0);
    turns(f);
    assert_noted(f, "close");
}

/* Output that one client does not read costs the other nothing. */
static void test_client_that_never_reads_leaves_others_alone(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *idle = start(f, 1), *busy = peer_dial(f);
    for (int i = 0; i < 100; i++)
        peer_queue(idle, "size x 996");
    for (int i = 0; i < 100; i++)
        peer_queue(busy, "size y 996");
    assert_heard(busy, "y996*100");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_stream_stops_at_the_high_mark_and_goes_on_below_the_low),
        TEST_RAW(test_stream_never_stalls_whatever_the_client_reads_at_once),
        TEST_BOTH(test_stream_goes_on_where_one_write_takes_all),
        TEST_RAW(test_stream_that_began_later_goes_on_for_many_turns),
        TEST_RAW(test_short_write_is_not_tried_again),
        TEST_RAW(test_head_is_refused_by_its_own_output_alone),
        TEST_RAW(test_first_small_reply_is_always_held),
        TEST_RAW(test_who_was_refused_is_told_when_it_becomes_the_head),
        TEST_RAW(test_who_was_refused_behind_the_head_is_told_of_room),
        TEST_RAW(test_no_on_drain_follows_the_end),
        TEST_RAW(test_no_on_drain_follows_the_end_behind_the_head),
        TEST_RAW(test_service_may_do_without_on_drain),
        TEST_RAW(test_decoding_stops_at_the_high_mark),
        TEST_RAW(test_decoding_goes_on_below_the_low_mark),
        TEST_RAW(test_paused_connection_reads_nothing),
        TEST_BOTH(test_held_replies_stop_the_decoding_as_well),
        TEST_RAW(test_max_pending_stops_the_decoding),
        TEST_RAW(test_ended_requests_do_not_count_towards_max_pending),
        TEST_RAW(test_rejections_count_towards_max_pending),
        TEST_RAW(test_ends_of_heads_wait_for_room_and_close_nothing),
        TEST_RAW(test_reply_too_large_to_be_held_waits_for_its_turn),
        TEST_RAW(test_replies_that_were_taken_never_reach_the_hard_limit),
        TEST_RAW(test_many_small_held_messages_stop_at_the_memory_they_take),
        TEST_BOTH(test_kept_requests_stop_the_decoding),
        TEST_RAW(test_end_behind_the_head_frees_what_was_kept),
        TEST_RAW(test_arena_of_a_kept_request_counts),
        TEST_RAW(test_send_on_a_closed_connection_is_cancelled),
        TEST_RAW(test_client_that_never_reads_leaves_others_alone),
    };
    return cmocka_run_group_tests_name("conn back-pressure", tests, NULL, NULL);
}
