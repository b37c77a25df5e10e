/* SPDX-License-Identifier: MIT
 *
 * No connection keeps a loop from the others: 64 frames, 256 KiB or 1 ms a turn. */
#include "server_fixture.h"

static struct weft_loop *loop_of_test;

static void spend(struct probe *probe, const char *name)
{
    (void)name;
    virtual_loop_spend(loop_of_test, (int64_t)(intptr_t)probe->data);
}

/* Each call costs so much time. */
static void set_cost(struct server_fixture *f, int64_t ns)
{
    loop_of_test = f->loop;
    f->probe.data = (void *)(intptr_t)ns;
    f->probe.on_call = spend;
}

static size_t calls_after_a_turn(struct server_fixture *f)
{
    size_t before = f->probe.call_count;
    virtual_loop_turn(f->loop);
    return f->probe.call_count - before;
}

static void queue_frames(struct test_peer *peer, const char *text, size_t size, int count)
{
    uint8_t *frame = malloc(4 + size);
    assert_non_null(frame);
    peer_frame(frame, text, size);
    for (int i = 0; i < count; i++)
        peer_send(peer, frame, 4 + size);
    free(frame);
}

static void test_turn_has_64_frames_of_a_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    queue_frames(peer, "now a", 5, 200);
    assert_int_equal(calls_after_a_turn(f), 64);
    assert_int_equal(calls_after_a_turn(f), 64);
    assert_int_equal(calls_after_a_turn(f), 64);
    assert_int_equal(calls_after_a_turn(f), 8);
    assert_heard(peer, "a*200");
}

/* Another turn for nothing would be a system call. */
static void test_64_frames_need_no_second_turn(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    queue_frames(peer, "now a", 5, 64);
    assert_int_equal(calls_after_a_turn(f), 64);
    assert_false(f->worker->conns->yielded);
    assert_heard(peer, "a*64");
}

static void test_small_request_overtakes_a_flood(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *flood = peer_dial(f), *small = peer_dial(f);
    queue_frames(flood, "now f", 5, 10000);
    virtual_loop_turn(f->loop);
    queue_frames(small, "now s", 5, 1);
    virtual_loop_turn(f->loop);
    virtual_loop_turn(f->loop);
    assert_string_equal(peer_hear(small), "s");
    assert_in_range(f->probe.call_count, 1, 4 * 64 + 1);
    assert_heard(flood, "f*10000");
}

/* The cost of a large one is known only afterwards: once a turn has been long, they take one
 * turn each. */
static void test_small_request_overtakes_the_large_ones_of_a_long_turn(void **state)
{
    enum { LARGE = 8 };
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *large[LARGE];
    for (int i = 0; i < LARGE; i++)
        large[i] = peer_dial(f);
    struct test_peer *small = peer_dial(f);
    assert_true(virtual_loop_run_until_idle(f->loop));
    set_cost(f, MILLISECONDS(10));
    for (int i = 0; i < LARGE; i++)
        queue_frames(large[i], "now l", 65536, 1);
    queue_frames(small, "now s", 5, 1);
    assert_int_equal(calls_after_a_turn(f), 2);
    assert_string_equal(peer_hear(small), "s");
    for (int i = 1; i < LARGE; i++)
        assert_int_equal(calls_after_a_turn(f), 1);
    for (int i = 0; i < LARGE; i++)
        assert_heard(large[i], "l");
}

static void test_large_request_goes_before_large_ones_that_come_later(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *first = peer_dial(f), *second = peer_dial(f);
    assert_true(virtual_loop_run_until_idle(f->loop));
    set_cost(f, MILLISECONDS(10));
    queue_frames(first, "now a", 65536, 100);
    queue_frames(second, "now b", 65536, 1);
    for (int i = 0; i < 3; i++)
        virtual_loop_turn(f->loop);
    assert_string_equal(peer_hear(second), "b");
    assert_heard(first, "a*100");
}

static void test_large_request_waits_for_nobody_once_nobody_was_put_off(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *one = peer_dial(f), *two = peer_dial(f);
    assert_true(virtual_loop_run_until_idle(f->loop));
    set_cost(f, MILLISECONDS(60));
    queue_frames(one, "now a", 65536, 1);
    queue_frames(two, "now b", 65536, 1);
    assert_int_equal(calls_after_a_turn(f), 1);
    turns(f);
    virtual_loop_turn(f->loop);
    queue_frames(one, "now c", 65536, 1);
    assert_int_equal(calls_after_a_turn(f), 1);
}

/* All of it has come: it is the server that does not decode it. */
static void test_request_that_waits_for_others_has_no_deadline(void **state)
{
    enum { LARGE = 8 };
    struct server_fixture *f = *state;
    struct test_peer *peers[LARGE];
    f->options.limits.frame_timeout = WEFT_SECONDS(1) / 10;
    server_fixture_start(f);
    for (int i = 0; i < LARGE; i++)
        peers[i] = peer_dial(f);
    set_cost(f, MILLISECONDS(60));
    for (int i = 0; i < LARGE; i++)
        queue_frames(peers[i], "now a", 65536, 1);
    for (int i = 0; i < LARGE; i++)
        assert_heard(peers[i], "a");
}

static void test_turn_has_256_kib_of_a_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    queue_frames(peer, "now a", 65536 - 4, 40);
    for (int i = 0; i < 10; i++)
        assert_in_range(calls_after_a_turn(f), 3, 5);
    assert_heard(peer, "a*40");
}

static void test_turn_reads_256_kib_of_a_large_frame(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    queue_frames(peer, "now a", 7 << 20, 1);
    size_t unread = script_unread(peer->end);
    for (int i = 0; unread > 0; i++) {
        virtual_loop_turn(f->loop);
        assert_in_range(unread - script_unread(peer->end), 0, WEFT__READ_SIZE);
        assert_in_range(i, 0, 200);
        unread = script_unread(peer->end);
    }
    assert_heard(peer, "a");
}

/* Two large frames cost as much as a turn may: the third waits. */
static void test_turn_has_a_millisecond_of_large_frames(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    set_cost(f, MILLISECONDS(1) / 2 + 1);
    queue_frames(peer, "now a", 65536, 3);
    assert_int_equal(calls_after_a_turn(f), 2);
    assert_int_equal(calls_after_a_turn(f), 1);
    assert_heard(peer, "a*3");
}

/* The request is small: only the reply is compressed. */
static void test_turn_has_a_millisecond_of_compressed_replies(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    set_cost(f, MILLISECONDS(1) + 1);
    queue_frames(peer, "size a 5000", 11, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(calls_after_a_turn(f), 1);
    assert_heard(peer, "a5000*5");
}

/* The time that one connection has spent is not taken from the next one. */
static void test_each_connection_has_a_millisecond(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    struct test_peer *one = peer_dial(f), *two = peer_dial(f);
    set_cost(f, MILLISECONDS(1) / 2 + 1);
    queue_frames(one, "now a", 65536, 2);
    queue_frames(two, "now b", 65536, 2);
    assert_int_equal(calls_after_a_turn(f), 4);
    assert_heard(one, "a*2");
    assert_heard(two, "b*2");
}

/* Small plain frames never make it read the clock. */
static void test_small_frames_do_not_read_the_clock(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    set_cost(f, MILLISECONDS(10));
    queue_frames(peer, "now a", 5, 64);
    int64_t before = weft_loop_now(f->loop);
    assert_int_equal(calls_after_a_turn(f), 64);
    assert_int_equal(weft_loop_now(f->loop), before);
    assert_heard(peer, "a*64");
}

/* Nor do those of less than 64 KiB with their headers. */
static void test_plain_frames_under_64_kib_do_not_read_the_clock(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    set_cost(f, MILLISECONDS(10));
    queue_frames(peer, "now a", 65536 - 5, 1);
    int64_t before = weft_loop_now(f->loop);
    assert_int_equal(calls_after_a_turn(f), 1);
    assert_int_equal(weft_loop_now(f->loop), before);
    assert_heard(peer, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(test_turn_has_64_frames_of_a_connection),
        TEST_RAW(test_64_frames_need_no_second_turn),
        TEST_BOTH(test_small_request_overtakes_a_flood),
        TEST_BOTH(test_small_request_overtakes_the_large_ones_of_a_long_turn),
        TEST_BOTH(test_large_request_goes_before_large_ones_that_come_later),
        TEST_RAW(test_large_request_waits_for_nobody_once_nobody_was_put_off),
        TEST_RAW(test_request_that_waits_for_others_has_no_deadline),
        TEST_RAW(test_turn_has_256_kib_of_a_connection),
        TEST_RAW(test_turn_reads_256_kib_of_a_large_frame),
        TEST_RAW(test_turn_has_a_millisecond_of_large_frames),
        TEST_GZIP(test_turn_has_a_millisecond_of_compressed_replies),
        TEST_RAW(test_each_connection_has_a_millisecond),
        TEST_RAW(test_small_frames_do_not_read_the_clock),
        TEST_RAW(test_plain_frames_under_64_kib_do_not_read_the_clock),
    };
    return cmocka_run_group_tests_name("conn fairness", tests, NULL, NULL);
}
