/* SPDX-License-Identifier: MIT
 *
 * The time that a connection may take: for a frame, for reading its replies, for nothing at all. */
#include "server_fixture.h"

/* In so long from now, and no sooner. */
static void assert_closed_at(struct test_peer *peer, int64_t ns, enum weft_reason reason)
{
    struct server_fixture *f = peer->fixture;
    advance(f, ns - 1);
    assert_false(script_is_gone(peer->end));
    advance(f, 1);
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, reason), 1);
}

static void test_unfinished_frame_has_a_deadline(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "\0\0", 2);
    assert_closed_at(peer, SECONDS(30), WEFT_REASON_FRAME_TIMEOUT);
}

static void test_trickle_does_not_extend_the_deadline(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 1000);
    for (int i = 0; i < 29; i++) {
        advance(f, SECONDS(1));
        peer_send(peer, "x", 1);
        turns(f);
    }
    assert_false(script_is_gone(peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_FRAME_TIMEOUT), 1);
}

/* 8 MiB at 16 KiB a second. */
static void test_large_frame_has_the_longer_deadline(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, (8 << 20) - 4);
    assert_closed_at(peer, SECONDS(512), WEFT_REASON_FRAME_TIMEOUT);
}

/* The deadline counts from the first byte, also where the size is known later. */
static void test_deadline_counts_from_the_first_byte(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "\0", 1);
    advance(f, SECONDS(10));
    peer_send(peer, "\x0f\xff\xfc", 3);
    assert_closed_at(peer, SECONDS(54), WEFT_REASON_FRAME_TIMEOUT);
}

static void test_skipped_frame_has_the_deadline_of_its_size(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 16 << 20);
    advance(f, SECONDS(1000));
    peer_send(peer, "x", 1);
    assert_closed_at(peer, SECONDS(24), WEFT_REASON_FRAME_TIMEOUT);
}

static void test_frame_behind_a_skipped_one_has_a_deadline_of_its_own(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    struct test_peer *peer = serve_one(f);
    uint8_t frame[128];
    peer_frame(frame, "", 120);
    peer_send(peer, frame, 20);
    advance(f, SECONDS(29));
    peer_send(peer, frame + 20, 104);
    peer_send(peer, "\0\0", 2);
    assert_closed_at(peer, SECONDS(30), WEFT_REASON_FRAME_TIMEOUT);
}

static void test_frame_behind_a_complete_one_has_a_deadline_of_its_own(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "\0\0", 2);
    advance(f, SECONDS(29));
    peer_send(peer, "\0\5now a\0", 8);
    advance(f, SECONDS(29));
    assert_heard(peer, "a");
    peer_send(peer, "\0\0\5now b", 8);
    assert_heard(peer, "b");
    advance(f, SECONDS(100));
    assert_false(script_is_gone(peer->end));
}

/* It is the server that does not read then. */
static void test_frame_has_no_deadline_while_decoding_is_paused(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "\0\0", 2);
    turns(f);
    peer_send(peer, "\0\6wait a\0\0", 10);
    advance(f, SECONDS(1000));
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A");
    assert_closed_at(peer, SECONDS(30), WEFT_REASON_FRAME_TIMEOUT);
}

static void test_pending_requests_are_cancelled_by_a_frame_deadline(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send(peer, "\0\0", 2);
    advance(f, SECONDS(30));
    assert_noted(f, "open a a!frame-timeout");
}

static void test_client_that_does_not_read_is_closed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_say(peer, "size x 1000");
    assert_closed_at(peer, SECONDS(30), WEFT_REASON_WRITE_TIMEOUT);
}

/* Reads `rate` bytes per second, and returns after how many seconds the connection was closed, or the
 * most that it waits. */
static int read_slowly(struct server_fixture *f, struct test_peer *peer, size_t rate, int most)
{
    size_t size;

    for (int i = 1; i <= most; i++) {
        advance(f, SECONDS(1));
        if (script_is_gone(peer->end))
            return i;
        script_received(peer->end, &size);
        script_consume(peer->end, size < rate ? size : rate);
        turns(f);
    }
    return most;
}

static void test_slow_reader_may_take_its_time(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = WEFT_MIB(4);
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 50000});
    peer_say(peer, "size x 4000000");
    assert_int_equal(read_slowly(f, peer, 16 * 1024 + 1, 200), 200);
}

static void test_trickle_of_reads_is_closed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 50000});
    peer_say(peer, "size x 1000000");
    assert_in_range(read_slowly(f, peer, 1, 100), 30, 31);
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

/* Bytes that were read quickly buy no time beyond the timeout. */
static void test_quick_reader_that_stops_is_closed_in_the_usual_time(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 50000});
    peer_say(peer, "size x 4000000");
    assert_int_equal(read_slowly(f, peer, 500000, 5), 5);
    assert_in_range(read_slowly(f, peer, 0, 100), 29, 31);
}

/* Half the rate pays for half of the time. */
static void test_reader_at_half_the_least_rate_is_closed_in_twice_the_time(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 50000});
    peer_say(peer, "size x 1000000");
    assert_in_range(read_slowly(f, peer, 8 * 1024, 100), 58, 62);
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

static void test_write_that_was_done_leaves_no_deadline(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_say(peer, "size x 1000");
    advance(f, SECONDS(29));
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x1000");
    advance(f, SECONDS(1000));
    assert_false(script_is_gone(peer->end));
}

static void test_write_deadline_holds_after_the_input_has_ended(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_queue(peer, "size x 1000");
    peer_shutdown(peer);
    advance(f, SECONDS(30));
    assert_true(script_is_gone(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_connection_may_be_idle_for_ever(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    advance(f, SECONDS(1000000));
    peer_say(peer, "now a");
    assert_heard(peer, "a");
}

static void test_idle_connection_is_closed_where_there_is_a_limit(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    struct test_peer *peer = serve_one(f);
    advance(f, SECONDS(4));
    peer_say(peer, "now a");
    advance(f, SECONDS(5) - 1);
    assert_false(script_is_gone(peer->end));
    advance(f, 1);
    assert_heard(peer, "a EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
}

static void test_connection_with_a_pending_request_is_not_idle(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    advance(f, SECONDS(100));
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A");
    advance(f, SECONDS(5));
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
}

static void test_connection_with_unread_output_is_not_idle(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = 100});
    peer_say(peer, "size x 1000");
    advance(f, SECONDS(20));
    script_set_rules(peer->end, &(struct script_rules){0});
    assert_heard(peer, "x1000");
}

static void test_connection_with_an_unfinished_frame_is_not_idle(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "\0\0", 2);
    advance(f, SECONDS(20));
    peer_send(peer, "\0\5now a", 7);
    assert_heard(peer, "a");
}

/* An idle deadline of before must not cut short what is owed. */
static void test_closing_connection_is_not_idle(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    f->options.limits.max_frame = 100;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send_frame(peer, "", 101);
    advance(f, SECONDS(20));
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A too-big:max-frame:101:100 EOF");
}

/* The client has been told what was wrong, and that this was the end. */
static struct test_peer *serve_last_words(struct server_fixture *f)
{
    f->options.limits.max_frame = 100;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = serve_one(f);
    peer_send_frame(peer, "", 101);
    turns(f);
    return peer;
}

static void test_closed_connection_lingers_for_a_second(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_last_words(f);
    advance(f, SECONDS(1) - 1);
    peer_say(peer, "more", "and more");
    assert_false(script_is_gone(peer->end));
    assert_int_equal(script_unread(peer->end), 0);
    advance(f, 1);
    assert_true(script_is_gone(peer->end));
    assert_heard(peer, "too-big:max-frame:101:100 EOF");
}

static void test_lingering_ends_with_the_clients_side(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_last_words(f);
    assert_false(script_is_gone(peer->end));
    peer_shutdown(peer);
    assert_true(script_is_gone(peer->end));
}

static void test_lingering_ends_with_a_reset(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_last_words(f);
    peer_reset(peer);
    assert_int_equal(closed_for(f, WEFT_REASON_BAD_FRAMES), 1);
}

/* Sends pieces while the connection lingers, at most 2 MiB. Returns how many bytes were sent. */
static size_t flood(struct server_fixture *f, struct test_peer *peer, size_t piece)
{
    static uint8_t junk[16384];
    size_t sent = 0;
    memset(junk, 0xff, sizeof junk);
    while (!script_is_gone(peer->end) && sent < 2 << 20) {
        peer_send(peer, junk, piece);
        sent += piece;
        turns(f);
    }
    return sent;
}

/* A read counts, too, so that a flood of small pieces ends as well. */
static void test_flood_behind_a_lost_boundary_is_not_read_for_long(void **state)
{
    static const struct {
        size_t piece, most;
    } floods[] = {{16384, 256 * 1024}, {1024, 228 * 1024}, {1, 2033}};
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 1000;
    struct test_peer *peer = serve_one(f);
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        peer_send(peer, "\xff\xff\xff\xff", 4);
        turns(f);
        assert_false(script_is_gone(peer->end));
        assert_int_equal(flood(f, peer, floods[i].piece), floods[i].most);
        assert_int_equal(closed_for(f, WEFT_REASON_FRAME_LOST), i + 1);
        peer = peer_dial(f);
    }
}

/* Its messages may be large, and it hears what was wrong with one when it has sent all of it. */
static void test_client_that_is_turned_away_in_words_may_send_on(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_last_words(f);
    assert_int_equal(flood(f, peer, 16384), 2 << 20);
    assert_false(script_is_gone(peer->end));
    assert_int_equal(script_unread(peer->end), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_unfinished_frame_has_a_deadline),
        TEST_BOTH(test_trickle_does_not_extend_the_deadline),
        TEST_BOTH(test_large_frame_has_the_longer_deadline),
        TEST_RAW(test_deadline_counts_from_the_first_byte),
        TEST_BOTH(test_skipped_frame_has_the_deadline_of_its_size),
        TEST_BOTH(test_frame_behind_a_skipped_one_has_a_deadline_of_its_own),
        TEST_RAW(test_frame_behind_a_complete_one_has_a_deadline_of_its_own),
        TEST_RAW(test_frame_has_no_deadline_while_decoding_is_paused),
        TEST_RAW(test_pending_requests_are_cancelled_by_a_frame_deadline),
        TEST_RAW(test_client_that_does_not_read_is_closed),
        TEST_RAW(test_slow_reader_may_take_its_time),
        TEST_RAW(test_trickle_of_reads_is_closed),
        TEST_RAW(test_quick_reader_that_stops_is_closed_in_the_usual_time),
        TEST_RAW(test_reader_at_half_the_least_rate_is_closed_in_twice_the_time),
        TEST_RAW(test_write_that_was_done_leaves_no_deadline),
        TEST_RAW(test_write_deadline_holds_after_the_input_has_ended),
        TEST_RAW(test_connection_may_be_idle_for_ever),
        TEST_RAW(test_idle_connection_is_closed_where_there_is_a_limit),
        TEST_RAW(test_connection_with_a_pending_request_is_not_idle),
        TEST_RAW(test_connection_with_unread_output_is_not_idle),
        TEST_RAW(test_connection_with_an_unfinished_frame_is_not_idle),
        TEST_RAW(test_closing_connection_is_not_idle),
        TEST_RAW(test_closed_connection_lingers_for_a_second),
        TEST_RAW(test_lingering_ends_with_the_clients_side),
        TEST_RAW(test_lingering_ends_with_a_reset),
        TEST_RAW(test_flood_behind_a_lost_boundary_is_not_read_for_long),
        TEST_RAW(test_client_that_is_turned_away_in_words_may_send_on),
    };
    return cmocka_run_group_tests_name("conn deadlines", tests, NULL, NULL);
}
