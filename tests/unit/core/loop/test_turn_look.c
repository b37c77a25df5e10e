/* SPDX-License-Identifier: MIT
 *
 * A deadline is judged only after a look at the descriptors that came later than it: the loop of
 * these tests says when it looked, what it found and what time it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/loop/turn.h"

enum { MILLISECOND = 1000000, SECOND = 1000 * MILLISECOND };

struct told_loop {
    struct weft_loop base;
    int64_t time;
    int calendar_reads;
};

static int64_t told_clock(struct weft_loop *loop)
{
    return weft_container_of(loop, struct told_loop, base)->time;
}

static int64_t told_calendar(struct weft_loop *base)
{
    struct told_loop *loop = weft_container_of(base, struct told_loop, base);

    loop->calendar_reads++;
    return loop->time / MILLISECOND;
}

static void wake(struct weft_loop *loop)
{
    (void)loop;
}

static int fired;

static void on_timer(struct weft_timer *timer)
{
    (void)timer;
    fired++;
}

static struct told_loop loop;

static int setup(void **state)
{
    (void)state;
    loop.time = 100 * (int64_t)SECOND;
    loop.calendar_reads = 0;
    weft__turn_init(&loop.base, told_clock, told_calendar, wake);
    fired = 0;
    return 0;
}

/* The loop looks at its descriptors, and it is `time` when it comes to read the clock. */
static void turn_at(int64_t time, bool found_ready)
{
    loop.time = time;
    weft__turn_begin(&loop.base, time);
    loop.base.found_ready = found_ready;
    weft__turn_end(&loop.base);
}

static void test_deadline_that_passed_while_waiting_is_judged_after_one_more_look(void **state)
{
    struct weft_timer timer = {.fire = on_timer};
    int64_t begin = loop.time;

    (void)state;
    weft_loop_after(&loop.base, &timer, MILLISECOND);
    assert_false(weft__turn_is_due(&loop.base));
    turn_at(begin + MILLISECOND, false);
    assert_int_equal(fired, 0);
    assert_true(weft__turn_is_due(&loop.base));
    turn_at(begin + MILLISECOND, false);
    assert_int_equal(fired, 1);
    assert_false(weft__turn_is_due(&loop.base));
}

static void test_timer_that_is_stopped_after_the_look_never_fires(void **state)
{
    struct weft_timer timer = {.fire = on_timer};
    int64_t begin = loop.time;

    (void)state;
    weft_loop_after(&loop.base, &timer, MILLISECOND);
    turn_at(begin + 100 * (int64_t)SECOND, false);
    weft__turn_begin(&loop.base, begin + 100 * (int64_t)SECOND);
    loop.base.found_ready = true;
    weft_timer_stop(&timer); /* by whoever read what came in time */
    weft__turn_end(&loop.base);
    assert_int_equal(fired, 0);
}

static void test_delay_outside_a_turn_counts_from_a_clock_that_is_read_anew(void **state)
{
    struct weft_timer timer = {.fire = on_timer};

    (void)state;
    loop.time += 60 * (int64_t)SECOND;
    weft_loop_after(&loop.base, &timer, MILLISECOND);
    assert_int_equal(weft__timer_queue_next(&loop.base.timers), loop.time + MILLISECOND);
    assert_int_equal(weft_loop_now(&loop.base), loop.time);

    /* Within a turn it counts from the turn's time, however long the turn takes. */
    weft__turn_begin(&loop.base, loop.time);
    loop.time += SECOND;
    weft_loop_after(&loop.base, &timer, MILLISECOND);
    assert_int_equal(weft__timer_queue_next(&loop.base.timers), loop.time - SECOND + MILLISECOND);
    weft__turn_end(&loop.base);
}

static void test_calendar_is_read_only_when_asked_and_once_per_reading_of_the_clock(void **state)
{
    int64_t begin = loop.time;

    (void)state;
    assert_int_equal(loop.calendar_reads, 1);
    turn_at(begin + MILLISECOND, false);
    turn_at(begin + 2 * MILLISECOND, false);
    assert_int_equal(loop.calendar_reads, 1);
    assert_int_equal(weft_loop_wall(&loop.base), loop.time / MILLISECOND);
    assert_int_equal(weft_loop_wall(&loop.base), loop.time / MILLISECOND);
    assert_int_equal(loop.calendar_reads, 2);

    loop.time += 5 * (int64_t)MILLISECOND;
    assert_int_equal(weft_loop_wall(&loop.base), loop.time / MILLISECOND - 5);
    weft_loop_refresh(&loop.base);
    assert_int_equal(weft_loop_wall(&loop.base), loop.time / MILLISECOND);
    assert_int_equal(loop.calendar_reads, 3);
}

static void test_time_read_within_a_turn_is_before_the_next_look(void **state)
{
    struct weft_timer timer = {.fire = on_timer};
    int64_t begin = loop.time;

    (void)state;
    weft_loop_after(&loop.base, &timer, MILLISECOND);
    weft__turn_begin(&loop.base, begin);
    loop.time = begin + 2 * MILLISECOND;
    assert_int_equal(weft_loop_refresh(&loop.base), loop.time);
    weft__turn_end(&loop.base);
    assert_int_equal(fired, 0);
    turn_at(begin + 2 * MILLISECOND, true);
    assert_int_equal(fired, 1);
}

/* Stopped for a minute; then the bytes that lay in the kernel take some turns to read. */
static void test_very_late_timers_wait_while_descriptors_are_ready(void **state)
{
    struct weft_timer timer = {.fire = on_timer};
    int64_t begin = loop.time, woken = begin + 60 * (int64_t)SECOND;

    (void)state;
    weft_loop_after(&loop.base, &timer, SECOND);
    turn_at(woken, false);
    for (int i = 0; i < 20; i++)
        turn_at(woken + i * MILLISECOND, true);
    assert_int_equal(fired, 0);
    assert_true(weft__turn_is_due(&loop.base));
    turn_at(woken + 20 * MILLISECOND, false);
    assert_int_equal(fired, 1);
}

static void test_very_late_timers_wait_a_quarter_of_a_second_at_most(void **state)
{
    struct weft_timer timer = {.fire = on_timer};
    int64_t begin = loop.time, woken = begin + 60 * (int64_t)SECOND;

    (void)state;
    weft_loop_after(&loop.base, &timer, SECOND);
    turn_at(woken, true);
    turn_at(woken, true);
    turn_at(woken + 249 * MILLISECOND, true);
    assert_int_equal(fired, 0);
    turn_at(woken + 250 * MILLISECOND, true);
    assert_int_equal(fired, 1);

    /* The next stop has a quarter of a second of its own. */
    turn_at(woken + 251 * MILLISECOND, true);
    weft_loop_after(&loop.base, &timer, SECOND);
    turn_at(woken + 10 * (int64_t)SECOND, true);
    turn_at(woken + 10 * (int64_t)SECOND, true);
    assert_int_equal(fired, 1);
    turn_at(woken + 10 * (int64_t)SECOND, false);
    assert_int_equal(fired, 2);
}

static void test_timers_of_a_busy_loop_are_not_held_back(void **state)
{
    struct weft_timer timer = {.fire = on_timer};
    int64_t begin = loop.time;

    (void)state;
    weft_loop_after(&loop.base, &timer, MILLISECOND);
    turn_at(begin + 250 * MILLISECOND, true);
    turn_at(begin + 300 * MILLISECOND, true);
    assert_int_equal(fired, 1);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deadline_that_passed_while_waiting_is_judged_after_one_more_look),
        TEST(test_timer_that_is_stopped_after_the_look_never_fires),
        TEST(test_delay_outside_a_turn_counts_from_a_clock_that_is_read_anew),
        TEST(test_calendar_is_read_only_when_asked_and_once_per_reading_of_the_clock),
        TEST(test_time_read_within_a_turn_is_before_the_next_look),
        TEST(test_very_late_timers_wait_while_descriptors_are_ready),
        TEST(test_very_late_timers_wait_a_quarter_of_a_second_at_most),
        TEST(test_timers_of_a_busy_loop_are_not_held_back),
    };

    return cmocka_run_group_tests_name("turn look", tests, NULL, NULL);
}
