/* SPDX-License-Identifier: MIT
 *
 * The input of a connection: bad frames, lost boundaries, other protocols, the end. */
#include <errno.h>

#include "server_fixture.h"

static void test_malformed_frame_is_answered_and_the_connection_lives(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_malformed(peer);
    peer_queue(peer, "now a");
    assert_heard(peer, "malformed a");
}

static void test_compressed_request_is_inflated(void **state)
{
    struct server_fixture *f = *state;
    /* "keep a", stored. */
    static const uint8_t gzip[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0x01, 0x06, 0x00, 0xf9, 0xff,
        0x6b, 0x65, 0x65, 0x70, 0x20, 0x61, 0x0a, 0xbc, 0x1b, 0x75, 0x06, 0x00, 0x00, 0x00,
    };
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 0x80000000 | (uint32_t)sizeof gzip);
    peer_send(peer, gzip, sizeof gzip);
    turns(f);
    assert_int_equal(probe_end(&f->probe, "a", NULL), 0);
    assert_heard(peer, "keep a");
}

static void test_oversize_frame_is_answered_and_skipped(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    struct test_peer *peer = serve_one(f);
    peer_send_frame(peer, "", 400);
    peer_queue(peer, "now a");
    assert_heard(peer, "too-big:max-frame:400:100 a");
}

static void test_oversize_frame_is_skipped_at_every_split(void **state)
{
    struct server_fixture *f = *state;
    uint8_t bytes[256];
    f->options.limits.max_frame = 50;
    struct test_peer *peer = serve_one(f);
    size_t size = peer_frame(bytes, "", 120);
    size += peer_frame(bytes + size, "now a", 5);
    for (size_t split = 0; split <= size; split++) {
        peer_send(peer, bytes, split);
        turns(f);
        peer_send(peer, bytes + split, size - split);
        assert_heard(peer, "too-big:max-frame:120:50 a");
    }
}

static void test_skipped_frame_is_not_held(void **state)
{
    struct server_fixture *f = *state;
    static uint8_t part[16384];
    f->options.limits.max_frame = 100000;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 400000);
    for (int i = 0; i < 20; i++) {
        peer_send(peer, part, sizeof part);
        turns(f);
        assert_int_equal(f->worker->conns->in.cap, 0);
    }
}

static void test_frame_too_big_to_skip_is_answered_and_ends_it(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "now a");
    peer_send_header(peer, 401);
    peer_queue(peer, "now b");
    assert_heard(peer, "a too-big:max-frame:401:100 EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_FRAME_LOST), 1);
    assert_noted(f, "open a close");
}

static void test_rejection_keeps_its_place_behind_pending_requests(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send_frame(peer, "", 101);
    peer_queue(peer, "now b");
    peer_send_frame(peer, "", 102);
    peer_queue(peer, "wait c");
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A too-big:max-frame:101:100 b too-big:max-frame:102:100 C");
}

static void test_eighth_bad_frame_in_a_row_is_the_last(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 12; i++)
        peer_send_malformed(peer);
    peer_queue(peer, "now a");
    assert_heard(peer, "malformed*8 EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_BAD_FRAMES), 1);
}

static void test_good_request_resets_the_count_of_bad_frames(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 7; i++)
        peer_send_malformed(peer);
    peer_queue(peer, "now a");
    for (int i = 0; i < 7; i++)
        peer_send_malformed(peer);
    peer_queue(peer, "now b");
    assert_heard(peer, "malformed*7 a malformed*7 b");
}

static void test_request_ended_as_bad_counts_as_a_bad_frame(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 4; i++) {
        peer_send_malformed(peer);
        peer_queue(peer, "bad b");
    }
    peer_queue(peer, "now a");
    assert_heard(peer, "malformed b malformed b malformed b malformed b EOF");
    assert_noted(f, "open b b b b");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_BAD_FRAMES), 1);
}

static void test_request_ended_as_bad_later_counts_then(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_bad_frames = 2;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b", "wait c");
    assert_int_equal(probe_end_bad(&f->probe, "a", "A"), 0);
    assert_int_equal(probe_end_bad(&f->probe, "b", "B"), 0);
    peer_queue(peer, "now d");
    assert_heard(peer, "A B");
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    assert_heard(peer, "C EOF");
}

static void test_any_number_of_bad_frames_where_there_is_no_limit(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_bad_frames = 0;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 100; i++)
        peer_send_malformed(peer);
    peer_queue(peer, "now a");
    assert_heard(peer, "malformed*100 a");
}

static void test_service_without_words_closes_behind_its_replies(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send_frame(peer, "", 101);
    peer_queue(peer, "now b");
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_UNWORDED), 1);
}

static void test_other_protocol_gets_words_it_can_read(void **state)
{
    struct server_fixture *f = *state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: example\r\n\r\n";
    size_t size;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, request, sizeof request - 1);
    turns(f);
    const uint8_t *words = script_received(peer->end, &size);
    assert_true(size > 12);
    assert_memory_equal(words, "HTTP/1.0 400", 12);
    assert_true(script_at_eof(peer->end));
    advance(f, SECONDS(1));
    assert_false(script_is_reset(peer->end));
    assert_int_equal(closed_for(f, WEFT_REASON_FOREIGN), 1);
}

static void test_other_protocol_without_words_is_closed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "SSH-2.0-x\r\n", 11);
    assert_heard(peer, "EOF");
}

static void test_input_that_ends_between_frames_closes(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "now a");
    peer_shutdown(peer);
    assert_heard(peer, "a EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
    assert_noted(f, "open a close");
}

static void test_pending_requests_are_answered_after_the_input_has_ended(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_queue(peer, "now b");
    peer_queue(peer, "wait c");
    peer_shutdown(peer);
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b");
    assert_int_equal(probe_end(&f->probe, "c", "C"), 0);
    assert_heard(peer, "C EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_input_that_ends_inside_a_frame_is_truncated(void **state)
{
    struct server_fixture *f = *state;
    uint8_t bytes[64];
    size_t size = peer_frame(bytes, "now b", 5);
    server_fixture_start(f);
    for (size_t part = 1; part < size; part++) {
        struct test_peer *peer = peer_dial(f);
        peer_queue(peer, "now a");
        peer_send(peer, bytes, part);
        peer_shutdown(peer);
        assert_heard(peer, "a EOF");
        assert_int_equal(closed_for(f, WEFT_REASON_TRUNCATED), part);
    }
}

static void test_input_that_ends_inside_a_skipped_frame_is_truncated(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 200);
    peer_send_frame(peer, "", 50);
    peer_shutdown(peer);
    assert_heard(peer, "too-big:max-frame:200:100 EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_TRUNCATED), 1);
}

/* The end was seen while decoding rested: what had come before it is not lost. */
static void test_input_that_ends_while_paused_is_decoded_to_its_end(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_queue(peer, "wait b");
    peer_send(peer, "\0\0", 2);
    peer_shutdown(peer);
    assert_noted(f, "open a");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    turns(f);
    assert_noted(f, "b");
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_heard(peer, "A B EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_TRUNCATED), 1);
}

static void test_many_buffered_frames_are_decoded_before_the_end(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 1000; i++)
        peer_queue(peer, "now a");
    peer_shutdown(peer);
    assert_heard(peer, "a*1000 EOF");
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_CLOSED), 1);
}

static void test_large_frame_arrives_in_small_parts(void **state)
{
    struct server_fixture *f = *state;
    enum { SIZE = 3 << 20 };
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.read_chunk = 10007});
    peer_send_frame(peer, "now a", SIZE);
    peer_send_frame(peer, "now b", 5);
    assert_heard(peer, "a b");
}

static void test_many_frames_in_one_read_beside_a_large_one(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 30; i++) {
        peer_queue(peer, "now a");
        peer_send_frame(peer, "now b", 20000);
    }
    assert_heard(peer, "a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b "
                       "a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_GZIP(test_malformed_frame_is_answered_and_the_connection_lives),
        TEST_GZIP(test_compressed_request_is_inflated),
        TEST_BOTH(test_oversize_frame_is_answered_and_skipped),
        TEST_BOTH(test_oversize_frame_is_skipped_at_every_split),
        TEST_BOTH(test_skipped_frame_is_not_held),
        TEST_BOTH(test_frame_too_big_to_skip_is_answered_and_ends_it),
        TEST_BOTH(test_rejection_keeps_its_place_behind_pending_requests),
        TEST_GZIP(test_eighth_bad_frame_in_a_row_is_the_last),
        TEST_GZIP(test_good_request_resets_the_count_of_bad_frames),
        TEST_GZIP(test_request_ended_as_bad_counts_as_a_bad_frame),
        TEST_RAW(test_request_ended_as_bad_later_counts_then),
        TEST_GZIP(test_any_number_of_bad_frames_where_there_is_no_limit),
        TEST_MUTE(test_service_without_words_closes_behind_its_replies),
        TEST_BOTH(test_other_protocol_gets_words_it_can_read),
        TEST_BOTH(test_other_protocol_without_words_is_closed),
        TEST_BOTH(test_input_that_ends_between_frames_closes),
        TEST_BOTH(test_pending_requests_are_answered_after_the_input_has_ended),
        TEST_BOTH(test_input_that_ends_inside_a_frame_is_truncated),
        TEST_BOTH(test_input_that_ends_inside_a_skipped_frame_is_truncated),
        TEST_RAW(test_input_that_ends_while_paused_is_decoded_to_its_end),
        TEST_RAW(test_many_buffered_frames_are_decoded_before_the_end),
        TEST_BOTH(test_large_frame_arrives_in_small_parts),
        TEST_RAW(test_many_frames_in_one_read_beside_a_large_one),
    };
    return cmocka_run_group_tests_name("conn input", tests, NULL, NULL);
}
