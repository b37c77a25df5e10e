/* SPDX-License-Identifier: MIT
 *
 * Virtual time; what both loops have in common is in test_turn.c. */
#include "lib/virtual_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/compiler.h"

struct counted_timer {
    struct weft_timer timer;
    int64_t every; /* arms itself again with this delay; below 0: not */
    int fired;
    int64_t at; /* the time of the last */
};

static void on_timer(struct weft_timer *base)
{
    struct counted_timer *timer = weft_container_of(base, struct counted_timer, timer);

    timer->fired++;
    timer->at = weft_loop_now(base->loop);
    if (timer->every >= 0)
        weft_loop_after(base->loop, base, timer->every);
}

struct counted_deferred {
    struct weft_deferred deferred;
    struct weft_loop *loop;
    int runs, again;
};

static void on_deferred(struct weft_deferred *base)
{
    struct counted_deferred *deferred = weft_container_of(base, struct counted_deferred, deferred);

    deferred->runs++;
    if (deferred->again-- > 0)
        weft_loop_defer(deferred->loop, base);
}

static int setup(void **state)
{
    struct weft_loop *loop;

    assert_int_equal(weft_loop_new(&loop, 0), 0);
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    weft_loop_free(*state);
    return 0;
}

static void test_time_stands_still_by_itself(void **state)
{
    struct counted_timer timer = {.timer.fire = on_timer, .every = -1};

    weft_loop_after(*state, &timer.timer, 1);
    assert_true(virtual_loop_run_until_idle(*state));
    assert_int_equal(weft_loop_refresh(*state), VIRTUAL_LOOP_BEGIN);
    assert_int_equal(timer.fired, 0);
    weft_timer_stop(&timer.timer);
}

static void test_advance_fires_each_timer_at_its_moment(void **state)
{
    struct counted_timer early = {.timer.fire = on_timer, .every = -1},
                         often = {.timer.fire = on_timer, .every = 30},
                         late = {.timer.fire = on_timer, .every = -1};

    weft_loop_after(*state, &early.timer, 10);
    weft_loop_after(*state, &often.timer, 30);
    weft_loop_after(*state, &late.timer, 101);
    assert_int_equal(virtual_loop_next_timer(*state), VIRTUAL_LOOP_BEGIN + 10);
    assert_true(virtual_loop_advance(*state, 100));
    assert_int_equal(early.at, VIRTUAL_LOOP_BEGIN + 10);
    assert_int_equal(often.fired, 3);
    assert_int_equal(often.at, VIRTUAL_LOOP_BEGIN + 90);
    assert_int_equal(late.fired, 0);
    assert_int_equal(weft_loop_now(*state), VIRTUAL_LOOP_BEGIN + 100);
    assert_true(virtual_loop_advance(*state, 1));
    assert_int_equal(late.fired, 1);
    weft_timer_stop(&often.timer);
    assert_int_equal(virtual_loop_next_timer(*state), INT64_MAX);
}

static void test_run_until_idle_runs_what_deferring_brings(void **state)
{
    struct counted_deferred deferred = {.deferred.run = on_deferred, .loop = *state, .again = 5};

    weft_loop_defer(*state, &deferred.deferred);
    assert_true(virtual_loop_run_until_idle(*state));
    assert_int_equal(deferred.runs, 6);
}

static void test_one_turn_is_one_turn(void **state)
{
    struct counted_deferred deferred = {.deferred.run = on_deferred, .loop = *state, .again = 5};

    weft_loop_defer(*state, &deferred.deferred);
    virtual_loop_turn(*state);
    assert_int_equal(deferred.runs, 1);
    weft_deferred_cancel(&deferred.deferred);
}

static void test_restless_loop_is_told(void **state)
{
    struct counted_deferred deferred = {
        .deferred.run = on_deferred, .loop = *state, .again = 2 * VIRTUAL_LOOP_RESTLESS};

    weft_loop_defer(*state, &deferred.deferred);
    assert_false(virtual_loop_run_until_idle(*state));
    assert_false(virtual_loop_advance(*state, 1));
    weft_deferred_cancel(&deferred.deferred);
}

static void test_time_spent_shows_after_refresh(void **state)
{
    virtual_loop_spend(*state, 7);
    assert_int_equal(weft_loop_now(*state), VIRTUAL_LOOP_BEGIN);
    assert_int_equal(weft_loop_refresh(*state), VIRTUAL_LOOP_BEGIN + 7);
    assert_int_equal(weft_loop_now(*state), VIRTUAL_LOOP_BEGIN + 7);
}

static void test_calendar_goes_on_with_the_clock(void **state)
{
    assert_int_equal(weft_loop_wall(*state), VIRTUAL_LOOP_WALL_BEGIN);
    assert_true(virtual_loop_advance(*state, 2500000));
    assert_int_equal(weft_loop_wall(*state), VIRTUAL_LOOP_WALL_BEGIN + 2);
    virtual_loop_spend(*state, 1500000);
    assert_int_equal(weft_loop_wall(*state), VIRTUAL_LOOP_WALL_BEGIN + 2);
    weft_loop_refresh(*state);
    assert_int_equal(weft_loop_wall(*state), VIRTUAL_LOOP_WALL_BEGIN + 4);
}

static void test_calendar_that_was_set_shows_with_the_next_reading(void **state)
{
    virtual_loop_set_wall(*state, 5000);
    assert_int_equal(weft_loop_wall(*state), VIRTUAL_LOOP_WALL_BEGIN);
    assert_true(virtual_loop_advance(*state, 1000000));
    assert_int_equal(weft_loop_wall(*state), 5001);
}

static void on_late_timer(struct weft_timer *timer)
{
    virtual_loop_spend(timer->loop, 1000);
}

static void test_timer_that_became_due_in_a_long_turn_fires_in_the_next(void **state)
{
    struct weft_timer slow = {.fire = on_late_timer};
    struct counted_timer due = {.timer.fire = on_timer, .every = -1};

    weft_loop_after(*state, &slow, 10);
    weft_loop_after(*state, &due.timer, 20);
    assert_true(virtual_loop_advance(*state, 15));
    assert_int_equal(due.at, VIRTUAL_LOOP_BEGIN + 1010);
}

static void test_run_ends_where_nothing_is_left(void **state)
{
    struct counted_timer timer = {.timer.fire = on_timer, .every = -1};

    weft_loop_after(*state, &timer.timer, 50);
    weft_loop_run(*state);
    assert_int_equal(timer.at, VIRTUAL_LOOP_BEGIN + 50);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_time_stands_still_by_itself),
        TEST(test_advance_fires_each_timer_at_its_moment),
        TEST(test_run_until_idle_runs_what_deferring_brings),
        TEST(test_one_turn_is_one_turn),
        TEST(test_restless_loop_is_told),
        TEST(test_time_spent_shows_after_refresh),
        TEST(test_calendar_goes_on_with_the_clock),
        TEST(test_calendar_that_was_set_shows_with_the_next_reading),
        TEST(test_timer_that_became_due_in_a_long_turn_fires_in_the_next),
        TEST(test_run_ends_where_nothing_is_left),
    };

    return cmocka_run_group_tests_name("virtual_loop", tests, NULL, NULL);
}
