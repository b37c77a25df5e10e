/* SPDX-License-Identifier: MIT
 *
 * The real loop's own part of a turn (test_turn.c has the rest), without descriptors: real time,
 * signals, and the resources that it takes from the system. */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "loop_fixture.h"

static void test_now_moves_within_a_turn_by_refresh_alone(void **state)
{
    struct counted_timer timer = {.timer.fire = on_timer, .stop = true};

    weft_loop_after(*state, &timer.timer, 0);
    weft_loop_run(*state);
    assert_true(timer.refreshed > 0);
}

static void test_calendar_is_that_of_the_system(void **state)
{
    int64_t before = (int64_t)time(NULL), wall;

    weft_loop_refresh(*state);
    wall = weft_loop_wall(*state);
    assert_in_range(wall, before * 1000 - 1000, (int64_t)time(NULL) * 1000 + 1000);
}

struct turn_count {
    struct weft_turn_hook hook;
    int begins;
};

static void count_turn(struct weft_turn_hook *hook)
{
    weft_container_of(hook, struct turn_count, hook)->begins++;
}

static void count_nothing(struct weft_turn_hook *hook)
{
    (void)hook;
}

static void test_waiting_for_a_timer_takes_no_turns(void **state)
{
    struct turn_count turns = {.hook = {.begin = count_turn, .end = count_nothing}};
    struct counted_timer first = {.timer.fire = on_timer},
                         last = {.timer.fire = on_timer, .stop = true};

    weft_loop_add_hook(*state, &turns.hook);
    weft_loop_after(*state, &first.timer, 5 * MILLISECOND);
    weft_loop_after(*state, &last.timer, 20 * MILLISECOND);
    weft_loop_run(*state);
    weft_loop_remove_hook(*state, &turns.hook);
    /* A few, where one that does not sleep would have thousands. */
    assert_in_range(turns.begins, 2, 10);
}

static void test_single_turns_do_what_a_run_does_and_may_go_on(void **state)
{
    struct counted_io io = make_io(*state, 1);

    weft_io_want(&io.io, WEFT_READABLE);
    io.then_want = WEFT_READABLE;
    for (int i = 1; i <= 3; i++) {
        weft_loop_turn(*state);
        assert_int_equal(io.calls, i);
    }
    close_io(&io);
}

struct counted_signal {
    struct weft_signal signal;
    int count;
};

static void on_signal(struct weft_signal *base)
{
    weft_container_of(base, struct counted_signal, signal)->count++;
    weft_loop_stop(base->loop);
}

static void test_signal_is_told_in_a_turn(void **state)
{
    struct counted_signal signal = {0};

    weft_signal_start(&signal.signal, *state, SIGUSR1, on_signal);
    raise(SIGUSR1);
    assert_int_equal(signal.count, 0);
    weft_loop_run(*state);
    assert_int_equal(signal.count, 1);
    weft_signal_stop(&signal.signal);
    weft_signal_stop(&signal.signal);
}

static void test_stopping_a_zeroed_signal_is_fine(void **state)
{
    struct weft_signal signal = {0};

    (void)state;
    weft_signal_stop(&signal);
    assert_null(signal.loop);
}

static void test_new_without_a_descriptor_for_wakeups_fails(void **state)
{
    struct weft_loop *loop;

    (void)state;
    syscall_fail(SYSCALL_eventfd, 0, 1, EMFILE);
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), -EMFILE);
    assert_null(loop);
}

/* Room for the eventfd, which is the first of the two it needs. */
static void test_new_without_a_descriptor_for_epoll_fails(void **state)
{
    struct rlimit old, tight;
    struct weft_loop *loop;
    int next = dup(0);

    (void)state;
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_null(loop);
    assert_int_equal(dup(0), next);
    close(next);
}

static int libev_allocations;

static void *count_allocation(void *p, long size)
{
    if (size > 0) {
        libev_allocations++;
        return realloc(p, (size_t)size);
    }
    free(p);
    return NULL;
}

enum { READY = 60 }; /* fewer than the events of libev's first array */

/* libev aborts where it gets no memory, so it must not ask for any once the loop is made. */
static void test_running_allocates_nothing(void **state)
{
    static struct counted_io ios[READY];
    static struct counted_timer timers[READY];
    struct weft_loop *loop;
    int i;

    (void)state;
    ev_set_allocator(count_allocation);
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    assert_true(libev_allocations > 0);
    libev_allocations = 0;
    for (i = 0; i < READY; i++) {
        ios[i] = make_io(loop, 1);
        weft_io_init(&ios[i].io, loop, ios[i].fd, on_io);
        ios[i].then_want = WEFT_READABLE | WEFT_WRITABLE;
        weft_io_want(&ios[i].io, WEFT_READABLE);
        timers[i] = (struct counted_timer){.timer.fire = on_timer, .stop = i == READY - 1};
        weft_loop_after(loop, &timers[i].timer, i < READY / 2 ? 0 : MILLISECOND);
    }
    weft_loop_run(loop);
    for (i = 0; i < READY; i++) {
        assert_true(ios[i].calls > 0);
        close_io(&ios[i]);
    }
    assert_int_equal(libev_allocations, 0);
    weft_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_now_moves_within_a_turn_by_refresh_alone),
        TEST(test_calendar_is_that_of_the_system),
        TEST(test_waiting_for_a_timer_takes_no_turns),
        TEST(test_single_turns_do_what_a_run_does_and_may_go_on),
        TEST(test_signal_is_told_in_a_turn),
        TEST(test_stopping_a_zeroed_signal_is_fine),
        TEST(test_new_without_a_descriptor_for_wakeups_fails),
        TEST(test_new_without_a_descriptor_for_epoll_fails),
        cmocka_unit_test(test_running_allocates_nothing),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
