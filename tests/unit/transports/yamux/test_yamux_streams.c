/* SPDX-License-Identifier: MIT
 *
 * Streams of a yamux session: how they begin, carry bytes, wait for each other and end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/script_world.h"
#include "yamux_fixture.h"

enum {
    DATA = WEFT__YAMUX_DATA,
    UPDATE = WEFT__YAMUX_UPDATE,
    PING = WEFT__YAMUX_PING,
    AWAY = WEFT__YAMUX_GO_AWAY,
    SYN = WEFT__YAMUX_SYN,
    ACK = WEFT__YAMUX_ACK,
    FIN = WEFT__YAMUX_FIN,
    RST = WEFT__YAMUX_RST,
    WINDOW = WEFT__YAMUX_WINDOW,
};

#define SECOND INT64_C(1000000000)

static struct world world;

/* Opens a stream from the peer's side, and passes over the answer. */
static struct owner *open_stream(uint32_t id)
{
    world_send(&world, UPDATE, SYN, id, 0, NULL);
    world_run(&world);
    world_expect(&world, UPDATE, ACK, id, 0);
    return &world.owners[world.count - 1];
}

static void test_stream_is_answered_and_carries_bytes_both_ways(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    assert_string_equal(owner->peer, "1.2.3.4:5#1");
    world_send(&world, DATA, 0, 1, 5, "hello");
    world_run(&world);
    owner_expect(owner, "hello");
    owner_write(owner, 3);
    world_run(&world);
    world_expect(&world, DATA, 0, 1, 3);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_bytes_may_come_with_the_frame_that_opens(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    world_send(&world, DATA, SYN | FIN, 3, 4, "once");
    world_run(&world);
    world_expect(&world, UPDATE, ACK, 3, 0);
    owner_expect(&world.owners[0], "once");
    assert_int_equal(world.owners[0].result, 0);
    world_end(&world);
}

static void test_ids_may_come_in_any_order_and_again(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    (void)open_stream(7);
    struct owner *owner = open_stream(3);
    world_send(&world, UPDATE, FIN, 3, 0, NULL);
    world_run(&world);
    owner_close(owner);
    world_run(&world);
    world_expect(&world, UPDATE, FIN, 3, 0);
    (void)open_stream(3);
    assert_int_equal(world.over, 0);
    world_end(&world);
}

static void test_larger_window_is_granted_at_the_beginning(void **state)
{
    (void)state;
    world_begin(&world, "window=1MiB", true);
    world_send(&world, UPDATE, SYN, 1, 0, NULL);
    world_run(&world);
    world_expect(&world, UPDATE, ACK, 1, (1 << 20) - WINDOW);
    world_end(&world);
}

static void test_window_is_granted_anew_when_half_of_it_was_read(void **state)
{
    static uint8_t bytes[WINDOW / 2];
    (void)state;
    world_begin(&world, "", true);
    (void)open_stream(1);
    world_send(&world, DATA, 0, 1, WINDOW / 2 - 1, bytes);
    world_run(&world);
    world_expect_nothing(&world);
    world_send(&world, DATA, 0, 1, 1, bytes);
    world_run(&world);
    world_expect(&world, UPDATE, 0, 1, WINDOW / 2);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_unread_bytes_are_not_granted_anew_before_they_are_read(void **state)
{
    static uint8_t bytes[WINDOW];
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    owner_want(owner, 0);
    world_send(&world, DATA, 0, 1, WINDOW, bytes);
    world_run(&world);
    world_expect_nothing(&world);
    owner_want(owner, WEFT_READABLE);
    world_run(&world);
    assert_int_equal(weft_buf_size(&owner->got), WINDOW);
    size_t granted = 0;
    struct weft__yamux_header header;
    const uint8_t *data;
    while (world_next(&world, &header, &data))
        granted += header.length;
    assert_true(granted >= WINDOW / 2);
    world_end(&world);
}

static void test_stream_without_window_waits_and_goes_on(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    owner_write(owner, WINDOW + 10);
    world_run(&world);
    assert_int_equal(owner->writes, 10);
    assert_true(world_count(&world, DATA, 0) > 0);
    world_send(&world, UPDATE, 0, 1, 4, NULL);
    world_run(&world);
    world_expect(&world, DATA, 0, 1, 4);
    world_send(&world, UPDATE, 0, 1, 100, NULL);
    world_run(&world);
    world_expect(&world, DATA, 0, 1, 6);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_streams_take_turns_when_output_waits(void **state)
{
    struct script_rules rules = {.window = 1000};
    struct weft__yamux_header header;
    const uint8_t *data;
    size_t sent[4] = {0};
    (void)state;
    world_begin(&world, "session-output=16KiB", true);
    for (uint32_t i = 0; i < 4; i++)
        (void)open_stream(1 + 2 * i);
    script_set_rules(world.peer, &rules);
    for (uint32_t i = 0; i < 4; i++)
        owner_write(&world.owners[i], 100000);
    world_run(&world);
    rules.window = 20000;
    script_set_rules(world.peer, &rules);
    /* The peer reads slowly: what it gets by and by comes of all of them. */
    for (int turns = 0; turns < 20; turns++) {
        world_run(&world);
        while (world_next(&world, &header, &data))
            sent[header.id / 2] += header.length;
    }
    for (int i = 0; i < 4; i++)
        assert_true(sent[i] >= 32000);
    world_end(&world);
}

static void test_quick_stream_is_not_held_up_by_one_that_is_not_read(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *slow = open_stream(1);
    struct owner *quick = open_stream(3);
    owner_write(slow, 10 * WINDOW); /* all its window, and then it waits */
    world_run(&world);
    (void)world_count(&world, DATA, 0);
    world_send(&world, DATA, 0, 3, 4, "ping");
    world_run(&world);
    owner_expect(quick, "ping");
    owner_write(quick, 4);
    world_run(&world);
    world_expect(&world, DATA, 0, 3, 4);
    world_end(&world);
}

static void test_replies_of_several_streams_leave_in_one_write(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    for (uint32_t i = 0; i < 3; i++)
        (void)open_stream(1 + 2 * i);
    for (uint32_t i = 0; i < 3; i++)
        owner_write(&world.owners[i], 10);
    /* The rule makes the transport count. */
    const struct script_rules rules = {.write_eagain = 100000};
    script_set_rules(world.peer, &rules);
    world_run(&world);
    assert_int_equal(world.peer->other->writes, 1);
    assert_int_equal(world_count(&world, DATA, 0), 3);
    world_end(&world);
}

static void test_half_close_by_the_peer_is_an_end_and_the_answer_goes_on(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    world_send(&world, DATA, FIN, 1, 3, "ask");
    world_run(&world);
    owner_expect(owner, "ask");
    assert_int_equal(owner->result, 0);
    owner_write(owner, 6);
    world_run(&world);
    world_expect(&world, DATA, 0, 1, 6);
    assert_int_equal(owner->stream->ops->shutdown(owner->stream), 0);
    owner_close(owner);
    world_run(&world);
    world_expect(&world, UPDATE, FIN, 1, 0);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_half_close_by_us_leaves_the_peer_its_side(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    assert_int_equal(owner->stream->ops->shutdown(owner->stream), 0);
    world_run(&world);
    world_expect(&world, UPDATE, FIN, 1, 0);
    owner_write(owner, 1);
    world_run(&world);
    assert_int_equal(owner->result, -EPIPE);
    world_send(&world, DATA, FIN, 1, 4, "more");
    world_run(&world);
    owner_expect(owner, "more");
    assert_int_equal(owner->result, 0);
    world_end(&world);
}

static void test_reset_by_the_peer_drops_what_was_not_read(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    owner_want(owner, 0);
    world_send(&world, DATA, 0, 1, 4, "lost");
    world_send(&world, UPDATE, RST, 1, 0, NULL);
    world_run(&world);
    owner_want(owner, WEFT_READABLE);
    world_run(&world);
    assert_int_equal(owner->result, -ECONNRESET);
    owner_expect(owner, "");
    struct iovec vec = {(char[]){"x"}, 1};
    assert_int_equal(owner->stream->ops->writev(owner->stream, &vec, 1), -ECONNRESET);
    assert_int_equal(owner->stream->ops->shutdown(owner->stream), -EPIPE);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_close_with_unread_bytes_resets_and_other_closes_end(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *first = open_stream(1), *second = open_stream(3);
    owner_want(first, 0);
    world_send(&world, DATA, 0, 1, 4, "left");
    world_run(&world);
    owner_close(first);
    owner_close(second);
    world_run(&world);
    world_expect(&world, UPDATE, RST, 1, 0);
    world_expect(&world, UPDATE, FIN, 3, 0);
    /* A peer that goes on sending to a stream that is gone learns of it. */
    world_send(&world, DATA, 0, 3, 4, "late");
    world_run(&world);
    world_expect(&world, UPDATE, RST, 3, 0);
    world_send(&world, UPDATE, FIN, 3, 0, NULL);
    world_run(&world);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_stream_that_is_closed_within_its_callback_leaves_the_others(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *first = open_stream(1), *second = open_stream(3);
    first->closes = true;
    world_send(&world, DATA, 0, 1, 4, "bye!");
    world_send(&world, DATA, 0, 3, 4, "here");
    world_run(&world);
    assert_null(first->stream);
    owner_expect(second, "here");
    world_end(&world);
}

static void test_writer_may_close_another_that_waits(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *first = open_stream(1), *last = open_stream(3);
    first->closes_other = last;
    owner_write(first, 10);
    owner_write(last, 10);
    world_run(&world);
    assert_null(last->stream);
    assert_int_equal(first->written, 10);
    world_expect(&world, UPDATE, FIN, 3, 0);
    world_expect(&world, DATA, 0, 1, 10);
    world_end(&world);
}

static void test_session_may_be_closed_within_a_callback_of_a_stream(void **state)
{
    (void)state;
    for (int writable = 0; writable < 2; writable++) {
        world_begin(&world, "", true);
        struct owner *first = open_stream(1), *second = open_stream(3);
        first->ends_session = true;
        if (writable)
            owner_write(first, 10);
        else
            world_send(&world, DATA, 0, 1, 4, "stop");
        world_send(&world, DATA, 0, 3, 4, "here");
        world_run(&world);
        assert_null(world.listener);
        assert_int_equal(second->result, -ECONNRESET);
        world_end(&world);
    }
}

static void test_drain_lets_streams_finish_and_resets_later_ones(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    weft_transport_yamux.enable(world.listener, false);
    world_run(&world);
    world_expect(&world, AWAY, 0, 0, WEFT__YAMUX_NORMAL);
    world_send(&world, UPDATE, SYN, 3, 0, NULL);
    world_send(&world, DATA, FIN, 1, 4, "last");
    world_run(&world);
    world_expect(&world, UPDATE, RST, 3, 0);
    owner_expect(owner, "last");
    assert_int_equal(world.over, 0);
    owner_write(owner, 4);
    world_run(&world);
    owner_close(owner);
    world_run(&world);
    world_expect(&world, DATA, 0, 1, 4);
    world_expect(&world, UPDATE, FIN, 1, 0);
    assert_true(script_at_eof(world.peer));
    assert_int_equal(world.over, 0);
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(world.over, -ESHUTDOWN);
    world_end(&world);
}

static void test_peer_that_does_not_end_after_the_last_words_is_waited_for_one_second(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    weft_transport_yamux.enable(world.listener, false);
    world_run(&world);
    assert_true(virtual_loop_advance(world.loop, SECOND * 9 / 10));
    assert_int_equal(world.over, 0);
    assert_true(virtual_loop_advance(world.loop, SECOND / 5));
    assert_int_equal(world.over, -ESHUTDOWN);
    world_end(&world);
}

static void test_streams_that_wait_are_reset_by_a_drain(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    world.lazy = true;
    world_send(&world, DATA, SYN, 1, 4, "wait");
    world_send(&world, UPDATE, SYN, 3, 0, NULL);
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    world.lazy = false;
    weft_transport_yamux.enable(world.listener, false);
    world_run(&world);
    world_expect(&world, AWAY, 0, 0, WEFT__YAMUX_NORMAL);
    world_expect(&world, UPDATE, RST, 1, 0);
    world_expect(&world, UPDATE, RST, 3, 0);
    assert_int_equal(world.count, 0);
    world_end(&world);
}

static void test_dropped_stream_is_reset(void **state)
{
    struct weft_accepted accepted;
    (void)state;
    world_begin(&world, "", true);
    world.lazy = true;
    world_send(&world, DATA, SYN, 1, 4, "drop");
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    assert_int_equal(weft_transport_yamux.accept(world.listener, &accepted, true), 0);
    weft_transport_yamux.drop(&accepted);
    world_run(&world);
    world_expect(&world, UPDATE, RST, 1, 0);
    world_end(&world);
}

static void test_handed_stream_outlives_its_session(void **state)
{
    struct weft_accepted accepted, dropped;
    uint8_t byte;
    (void)state;
    world_begin(&world, "", true);
    world.lazy = true;
    world_send(&world, DATA, SYN, 1, 4, "late");
    world_send(&world, DATA, SYN, 3, 4, "late");
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    assert_int_equal(weft_transport_yamux.accept(world.listener, &accepted, false), 0);
    assert_int_equal(weft_transport_yamux.accept(world.listener, &dropped, false), 0);
    struct weft_loop *loop = world.loop;
    weft_transport_yamux.unlisten(world.listener);
    weft_transport_yamux.drop(&dropped);
    struct weft_stream *stream = calloc(1, weft_transport_yamux.stream_size);
    assert_int_equal(weft_transport_yamux.attach(stream, loop, &accepted), 0);
    assert_int_equal(stream->ops->read(stream, &byte, 1), -ECONNRESET);
    stream->ops->close(stream);
    free(stream);
    free(world.listener);
    free(world.below);
    world.listener = NULL;
    world_end(&world);
}

static void test_peer_that_ends_the_connection_between_frames_is_answered(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    world_send(&world, DATA, 0, 1, 3, "ask");
    script_shutdown(world.peer);
    world_run(&world);
    owner_expect(owner, "ask");
    assert_int_equal(owner->result, 0);
    owner_write(owner, 6);
    world_run(&world);
    world_expect(&world, DATA, 0, 1, 6);
    owner_close(owner);
    world_run(&world);
    assert_int_equal(world.over, -ESHUTDOWN);
    world_end(&world);
}

static void test_peer_that_ends_inside_a_frame_is_truncated(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *owner = open_stream(1);
    world_send(&world, DATA, 0, 1, 10, NULL);
    script_send(world.peer, "half", 4);
    script_shutdown(world.peer);
    world_run(&world);
    assert_int_equal(owner->result, WEFT_ETRUNCATED);
    assert_int_equal(world.over, WEFT_ETRUNCATED);
    world_end(&world);
}

static void test_reset_of_the_connection_resets_every_stream(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    struct owner *first = open_stream(1), *second = open_stream(3);
    script_reset(world.peer);
    world_run(&world);
    assert_int_equal(first->result, -ECONNRESET);
    assert_int_equal(second->result, -ECONNRESET);
    assert_int_equal(world.over, -ECONNRESET);
    world.peer = NULL;
    world_end(&world);
}

static void test_ping_is_answered_with_its_value(void **state)
{
    (void)state;
    world_begin(&world, "", true);
    world_send(&world, PING, SYN, 0, 0xdeadbeef, NULL);
    world_send(&world, PING, ACK, 0, 7, NULL); /* the answer to nothing is passed over */
    world_run(&world);
    world_expect(&world, PING, ACK, 0, 0xdeadbeef);
    world_expect_nothing(&world);
    world_end(&world);
}

static void test_silent_peer_is_asked_and_then_given_up(void **state)
{
    (void)state;
    world_begin(&world, "session-keepalive=5&ping-timeout=2", true);
    struct owner *owner = open_stream(1);
    assert_true(virtual_loop_advance(world.loop, 5 * SECOND)); /* it has spoken */
    world_expect_nothing(&world);
    assert_true(virtual_loop_advance(world.loop, 5 * SECOND));
    world_expect(&world, PING, SYN, 0, 0);
    world_send(&world, PING, ACK, 0, 0, NULL);
    assert_true(virtual_loop_advance(world.loop, 2 * SECOND));
    assert_true(virtual_loop_advance(world.loop, 5 * SECOND));
    world_expect(&world, PING, SYN, 0, 0);
    assert_true(virtual_loop_advance(world.loop, 2 * SECOND));
    assert_int_equal(owner->result, -ETIMEDOUT);
    assert_int_equal(world.over, -ETIMEDOUT);
    assert_non_null(world.why);
    world_end(&world);
}

static void test_session_without_keepalive_has_no_timer(void **state)
{
    (void)state;
    world_begin(&world, "session-keepalive=0", true);
    assert_int_equal(virtual_loop_next_timer(world.loop), INT64_MAX);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_is_answered_and_carries_bytes_both_ways),
        cmocka_unit_test(test_bytes_may_come_with_the_frame_that_opens),
        cmocka_unit_test(test_ids_may_come_in_any_order_and_again),
        cmocka_unit_test(test_larger_window_is_granted_at_the_beginning),
        cmocka_unit_test(test_window_is_granted_anew_when_half_of_it_was_read),
        cmocka_unit_test(test_unread_bytes_are_not_granted_anew_before_they_are_read),
        cmocka_unit_test(test_stream_without_window_waits_and_goes_on),
        cmocka_unit_test(test_streams_take_turns_when_output_waits),
        cmocka_unit_test(test_quick_stream_is_not_held_up_by_one_that_is_not_read),
        cmocka_unit_test(test_replies_of_several_streams_leave_in_one_write),
        cmocka_unit_test(test_half_close_by_the_peer_is_an_end_and_the_answer_goes_on),
        cmocka_unit_test(test_half_close_by_us_leaves_the_peer_its_side),
        cmocka_unit_test(test_reset_by_the_peer_drops_what_was_not_read),
        cmocka_unit_test(test_close_with_unread_bytes_resets_and_other_closes_end),
        cmocka_unit_test(test_stream_that_is_closed_within_its_callback_leaves_the_others),
        cmocka_unit_test(test_writer_may_close_another_that_waits),
        cmocka_unit_test(test_session_may_be_closed_within_a_callback_of_a_stream),
        cmocka_unit_test(test_drain_lets_streams_finish_and_resets_later_ones),
        cmocka_unit_test(test_peer_that_does_not_end_after_the_last_words_is_waited_for_one_second),
        cmocka_unit_test(test_streams_that_wait_are_reset_by_a_drain),
        cmocka_unit_test(test_dropped_stream_is_reset),
        cmocka_unit_test(test_handed_stream_outlives_its_session),
        cmocka_unit_test(test_peer_that_ends_the_connection_between_frames_is_answered),
        cmocka_unit_test(test_peer_that_ends_inside_a_frame_is_truncated),
        cmocka_unit_test(test_reset_of_the_connection_resets_every_stream),
        cmocka_unit_test(test_ping_is_answered_with_its_value),
        cmocka_unit_test(test_silent_peer_is_asked_and_then_given_up),
        cmocka_unit_test(test_session_without_keepalive_has_no_timer),
    };
    return cmocka_run_group_tests_name("yamux streams", tests, NULL, NULL);
}
