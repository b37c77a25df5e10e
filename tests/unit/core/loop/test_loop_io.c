/* SPDX-License-Identifier: MIT
 *
 * Descriptors that the real loop watches, and those that epoll does not take. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "loop_fixture.h"

static void test_readable_descriptor_is_told_until_it_is_read(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 3;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.calls, 3);
    assert_int_equal(io.events, WEFT_READABLE);
    close_io(&io);
}

static void test_only_what_is_wanted_is_told(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 1;
    weft_io_want(&io.io, WEFT_WRITABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_WRITABLE);
    close_io(&io);
}

static void test_both_directions_are_told_at_once(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 1;
    weft_io_want(&io.io, WEFT_READABLE | WEFT_WRITABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_READABLE | WEFT_WRITABLE);
    close_io(&io);
}

static void test_interest_changes_from_call_to_call(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 2;
    io.then_want = WEFT_WRITABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.calls, 2);
    assert_int_equal(io.events, WEFT_WRITABLE);
    close_io(&io);
}

static void test_descriptor_silenced_within_the_turn_is_not_told(void **state)
{
    struct counted_io first = make_io(*state, 1), second = make_io(*state, 1);

    first.silence = &second;
    second.silence = &first;
    first.stop_at = second.stop_at = 1;
    weft_io_want(&first.io, WEFT_READABLE);
    weft_io_want(&second.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(first.calls + second.calls, 1);
    close_io(&first);
    close_io(&second);
}

static void test_descriptor_number_may_be_used_again_in_the_same_turn(void **state)
{
    struct counted_io first = make_io(*state, 0), second;

    weft_io_want(&first.io, WEFT_READABLE);
    close_io(&first);
    second = make_io(*state, 1);
    assert_int_equal(second.fd, first.fd);
    second.stop_at = 1;
    weft_io_want(&second.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(first.calls, 0);
    assert_int_equal(second.events, WEFT_READABLE);
    close_io(&second);
}

static void test_peer_that_hung_up_is_told_as_readable(void **state)
{
    struct counted_io io = {0};
    int ends[2];

    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    weft_io_init(&io.io, *state, ends[0], on_io);
    io.fd = ends[0];
    io.stop_at = 1;
    close(ends[1]);
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_READABLE);
    close_io(&io);
}

/* A regular file is what epoll refuses (EPERM): libev polls it, and it is always ready. */
static void test_regular_file_is_always_ready(void **state)
{
    struct counted_io io = {.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};

    assert_true(io.fd >= 0);
    weft_io_init(&io.io, *state, io.fd, on_io);
    io.stop_at = 2;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.events, WEFT_READABLE);
    close_io(&io);
}

static void test_descriptor_that_epoll_has_no_memory_for_is_asked_for_again(void **state)
{
    struct counted_io io = make_io(*state, 1);
    struct counted_timer timer = {.timer.fire = on_timer};

    /* libev tells of a descriptor that it gave up with what wakes it next. */
    weft_loop_after(*state, &timer.timer, 0);
    syscall_fail(SYSCALL_epoll_ctl, 0, 1, ENOMEM);
    io.stop_at = 2;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(io.calls, 2);
    assert_true(syscall_calls(SYSCALL_epoll_ctl) >= 2);
    close_io(&io);
}

/* Two are given up in one turn; who is told first closes the other. */
static void test_descriptor_that_was_given_up_may_be_closed(void **state)
{
    struct counted_io first = make_io(*state, 1), second = make_io(*state, 1);
    struct counted_timer timer = {.timer.fire = on_timer};

    weft_loop_after(*state, &timer.timer, 0);
    syscall_fail(SYSCALL_epoll_ctl, 0, 2, ENOMEM);
    first.silence = &second;
    second.silence = &first;
    first.stop_at = second.stop_at = 1;
    weft_io_want(&first.io, WEFT_READABLE);
    weft_io_want(&second.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(first.calls + second.calls, 1);
    close_io(&first);
    close_io(&second);
}

static void test_setting_the_same_interest_again_costs_no_call(void **state)
{
    struct counted_io io = make_io(*state, 1);

    io.stop_at = 5;
    io.then_want = WEFT_READABLE;
    weft_io_want(&io.io, WEFT_READABLE);
    weft_loop_run(*state);
    assert_int_equal(syscall_calls(SYSCALL_epoll_ctl), 1);
    close_io(&io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_readable_descriptor_is_told_until_it_is_read),
        TEST(test_only_what_is_wanted_is_told),
        TEST(test_both_directions_are_told_at_once),
        TEST(test_interest_changes_from_call_to_call),
        TEST(test_descriptor_silenced_within_the_turn_is_not_told),
        TEST(test_descriptor_number_may_be_used_again_in_the_same_turn),
        TEST(test_peer_that_hung_up_is_told_as_readable),
        TEST(test_regular_file_is_always_ready),
        TEST(test_descriptor_that_epoll_has_no_memory_for_is_asked_for_again),
        TEST(test_descriptor_that_was_given_up_may_be_closed),
        TEST(test_setting_the_same_interest_again_costs_no_call),
    };

    return cmocka_run_group_tests_name("loop io", tests, NULL, NULL);
}
