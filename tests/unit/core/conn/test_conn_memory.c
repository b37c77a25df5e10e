/* SPDX-License-Identifier: MIT
 *
 * The memory that a connection's input takes, and its fate if there is none. */
#include "lib/fault.h"
#include "server_fixture.h"

/* docs/performance.md gives what an idle connection costs: this and its stream, codec and service. */
static void test_connection_is_as_small_as_promised(void **state)
{
    (void)state;
    if (sizeof(void *) == 8)
        assert_in_range(sizeof(struct weft__conn), 1, 432);
}

static void test_promise_of_a_header_buys_no_memory(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, (8 << 20) - 1);
    peer_send(peer, "0123456789", 10);
    turns(f);
    assert_in_range(f->worker->conns->in.cap, 14, 256);
}

static void test_buffer_grows_with_what_has_arrived(void **state)
{
    struct server_fixture *f = *state;
    static uint8_t part[10000];
    size_t sent = 4;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 8 << 20);
    for (int i = 0; i < 200; i++) {
        peer_send(peer, part, sizeof part);
        sent += sizeof part;
        turns(f);
        assert_in_range(f->worker->conns->in.cap, sent, 3 * sent);
    }
}

/* Fairness leaves one read's bytes for the next turns; the rest waits in the stream. */
static void test_flood_is_not_read_ahead(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 10000; i++)
        peer_send_frame(peer, "now a", 100);
    while (script_unread(peer->end) > 0) {
        virtual_loop_turn(f->loop);
        assert_in_range(f->worker->conns->in.cap, 0, WEFT__READ_SIZE + WEFT__TAIL_SIZE);
    }
    assert_heard(peer, "a*10000");
}

static void test_no_buffer_is_held_between_frames(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 1000; i++)
        peer_queue(peer, "now a");
    turns(f);
    assert_int_equal(f->worker->conns->in.cap, 0);
    peer_send(peer, "\0\0\0\5n", 5);
    turns(f);
    assert_int_not_equal(f->worker->conns->in.cap, 0);
    peer_send(peer, "ow b", 4);
    turns(f);
    assert_int_equal(f->worker->conns->in.cap, 0);
    assert_heard(peer, "a*1000 b");
}

/* Many frames in one read leave much to the next turns; its memory is not kept for what follows. */
static void test_small_tail_does_not_keep_a_large_buffer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 2000; i++)
        peer_send_frame(peer, "now a", 100);
    peer_send(peer, "\0\0", 2);
    assert_heard(peer, "a*2000");
    assert_in_range(f->worker->conns->in.cap, 2, 32768);
}

static void test_closing_connection_holds_no_input(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_bad_frames = 1;
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send_malformed(peer);
    peer_send_frame(peer, "now b", 100000);
    turns(f);
    assert_int_equal(f->worker->conns->state, WEFT__CONN_CLOSING);
    assert_int_equal(f->worker->conns->in.cap, 0);
}

static void test_input_without_memory_ends_it_behind_the_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    fault_arm(FAULT_ONE, 0);
    peer_send(peer, "\0\0", 2);
    turns(f);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
}

static void test_large_frame_without_memory_ends_it_behind_the_replies(void **state)
{
    struct server_fixture *f = *state;
    static uint8_t part[30000];
    struct test_peer *peer = serve_one(f);
    peer_queue(peer, "wait a");
    peer_send_header(peer, 100000);
    peer_send(peer, part, sizeof part);
    turns(f);
    fault_arm(FAULT_ONE, 0);
    peer_send(peer, part, sizeof part);
    turns(f);
    assert_int_equal(fault_failed(), 1);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NO_MEMORY), 1);
}

static void test_large_buffer_stays_where_there_is_no_smaller_one(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (int i = 0; i < 64; i++)
        peer_queue(peer, "now a");
    peer_send_frame(peer, "now b", 40000);
    peer_send(peer, "\0\0", 2);
    virtual_loop_turn(f->loop);
    fault_arm(FAULT_FROM, 0);
    turns(f);
    fault_disarm();
    assert_int_not_equal(fault_failed(), 0);
    peer_send(peer, "\0\5now c", 7);
    assert_heard(peer, "a*64 b c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_is_as_small_as_promised),
        TEST_RAW(test_promise_of_a_header_buys_no_memory),
        TEST_RAW(test_buffer_grows_with_what_has_arrived),
        TEST_RAW(test_flood_is_not_read_ahead),
        TEST_RAW(test_no_buffer_is_held_between_frames),
        TEST_RAW(test_small_tail_does_not_keep_a_large_buffer),
        TEST_GZIP(test_closing_connection_holds_no_input),
        TEST_FAULT(test_input_without_memory_ends_it_behind_the_replies),
        TEST_FAULT(test_large_frame_without_memory_ends_it_behind_the_replies),
        TEST_FAULT(test_large_buffer_stays_where_there_is_no_smaller_one),
    };
    return cmocka_run_group_tests_name("conn memory", tests, NULL, NULL);
}
