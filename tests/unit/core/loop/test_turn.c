/* SPDX-License-Identifier: MIT
 *
 * The promises of task.h and loop.h about posts, deferred calls and the order of a turn. */
#include <errno.h>

#include "lib/fault.h"
#include "turn_fixture.h"

static void test_posts_run_in_the_order_posted(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a'), b = make_post(loop, 'b'), c = make_post(loop, 'c');

    c.stop = true;
    assert_int_equal(weft_loop_post(loop, &a.post), 0);
    assert_int_equal(weft_loop_post(loop, &b.post), 0);
    assert_int_equal(weft_loop_post(loop, &c.post), 0);
    assert_string_equal(turn_journal, "");
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "abc");
}

static void test_post_may_be_posted_again_from_within_run(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a'), b = make_post(loop, 'b'),
                     stop = make_post(loop, '.');

    a.again = 1;
    b.again = 2;
    assert_int_equal(weft_loop_post(loop, &a.post), 0);
    assert_int_equal(weft_loop_post(loop, &b.post), 0);
    assert_int_equal(weft_loop_post(loop, &stop.post), 0);
    stop.again = 3;
    stop.stop = true;
    weft_loop_run(loop);
    /* The stop is in the first turn; the posts of that turn are run by the closing one. */
    assert_string_equal(turn_journal, "ab.ab.");
    assert_int_equal(b.result, -ESHUTDOWN);
}

static void test_post_after_the_loop_ended_is_refused(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a');

    weft_loop_stop(loop);
    weft_loop_run(loop);
    assert_int_equal(weft_loop_post(loop, &a.post), -ESHUTDOWN);
    assert_string_equal(turn_journal, "");
}

static void test_stop_before_run_still_runs_what_was_posted(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a');

    assert_int_equal(weft_loop_post(loop, &a.post), 0);
    weft_loop_stop(loop);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "a");
}

static void test_free_runs_what_was_posted_to_a_loop_that_never_ran(void **state)
{
    struct weft_loop *loop;
    struct note_post a;

    (void)state;
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    a = make_post(loop, 'a');
    a.again = 1;
    assert_int_equal(weft_loop_post(loop, &a.post), 0);
    weft_loop_free(loop);
    assert_string_equal(turn_journal, "a");
    assert_int_equal(a.result, -ESHUTDOWN);
}

static void test_deferred_calls_run_in_order_and_once(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred a = make_deferred(loop, 'a'), b = make_deferred(loop, 'b');

    b.stop = true;
    weft_loop_defer(loop, &a.deferred);
    weft_loop_defer(loop, &b.deferred);
    weft_loop_defer(loop, &a.deferred);
    assert_string_equal(turn_journal, "");
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "ab");
}

static void test_deferred_from_within_a_deferred_waits_for_the_next_turn(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred a = make_deferred(loop, 'a'), b = make_deferred(loop, 'b');
    struct note_hook hook = make_hook(loop, '(', ')');

    weft_loop_add_hook(loop, &hook.hook);
    a.again = 1;
    b.again = 1;
    b.stop = true;
    weft_loop_defer(loop, &a.deferred);
    weft_loop_defer(loop, &b.deferred);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &hook.hook);
    /* The last pair is the turn that closes the queue of posts. */
    assert_string_equal(turn_journal, "(ab)(ab)()");
}

static void test_cancelled_deferred_does_not_run(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred a = make_deferred(loop, 'a'), b = make_deferred(loop, 'b'),
                         c = make_deferred(loop, 'c');

    c.stop = true;
    weft_loop_defer(loop, &a.deferred);
    weft_loop_defer(loop, &b.deferred);
    weft_loop_defer(loop, &c.deferred);
    weft_deferred_cancel(&b.deferred);
    weft_deferred_cancel(&b.deferred);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "ac");
}

static void test_deferred_may_cancel_one_behind_it(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred a = make_deferred(loop, 'a'), b = make_deferred(loop, 'b'),
                         c = make_deferred(loop, 'c');

    a.kill = &b.deferred;
    c.stop = true;
    weft_loop_defer(loop, &a.deferred);
    weft_loop_defer(loop, &b.deferred);
    weft_loop_defer(loop, &c.deferred);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "ac");
}

static void test_deferred_may_cancel_one_that_is_not_next(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred a = make_deferred(loop, 'a'), b = make_deferred(loop, 'b'),
                         c = make_deferred(loop, 'c'), d = make_deferred(loop, 'd');

    a.kill = &c.deferred;
    d.stop = true;
    weft_loop_defer(loop, &a.deferred);
    weft_loop_defer(loop, &b.deferred);
    weft_loop_defer(loop, &c.deferred);
    weft_loop_defer(loop, &d.deferred);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "abd");
}

static void test_turn_runs_timers_then_posts_then_deferred(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred deferred = make_deferred(loop, 'd');
    struct note_post post = make_post(loop, 'p');
    struct note_timer timer = make_timer('t');
    struct note_hook hook = make_hook(loop, '(', ')');

    deferred.stop = true;
    weft_loop_defer(loop, &deferred.deferred);
    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_after(loop, &timer.timer, 0);
    weft_loop_add_hook(loop, &hook.hook);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &hook.hook);
    assert_string_equal(turn_journal, "(tpd)()");
}

static void test_stop_lets_the_turn_end(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred deferred = make_deferred(loop, 'd');
    struct note_post post = make_post(loop, 'p');

    post.stop = true;
    weft_loop_defer(loop, &deferred.deferred);
    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "pd");
}

static void test_single_turns_run_what_is_due_and_wait_for_timers(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred deferred = make_deferred(loop, 'd');
    struct note_post post = make_post(loop, 'p');
    struct note_timer timer = make_timer('t');

    weft_loop_after(loop, &timer.timer, INT64_C(3600000) * MILLISECOND);
    weft_loop_defer(loop, &deferred.deferred);
    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_turn(loop);
    assert_string_equal(turn_journal, "pd");
    weft_loop_after(loop, &timer.timer, MILLISECOND);
    while (weft_timer_is_armed(&timer.timer))
        weft_loop_turn(loop);
    assert_string_equal(turn_journal, "pdt");
}

static void make_and_free(void *arg)
{
    struct weft_loop *loop;
    int err = weft_loop_new(&loop, FD_LIMIT);

    (void)arg;
    if (fault_failed() == 0) {
        assert_int_equal(err, 0);
    } else {
        assert_int_equal(err, -ENOMEM);
        assert_null(loop);
    }
    weft_loop_free(loop);
}

static void test_loop_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(make_and_free, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_posts_run_in_the_order_posted),
        TEST(test_post_may_be_posted_again_from_within_run),
        TEST(test_post_after_the_loop_ended_is_refused),
        TEST(test_stop_before_run_still_runs_what_was_posted),
        TEST(test_free_runs_what_was_posted_to_a_loop_that_never_ran),
        TEST(test_deferred_calls_run_in_order_and_once),
        TEST(test_deferred_from_within_a_deferred_waits_for_the_next_turn),
        TEST(test_cancelled_deferred_does_not_run),
        TEST(test_deferred_may_cancel_one_behind_it),
        TEST(test_deferred_may_cancel_one_that_is_not_next),
        TEST(test_turn_runs_timers_then_posts_then_deferred),
        TEST(test_stop_lets_the_turn_end),
        TEST(test_single_turns_run_what_is_due_and_wait_for_timers),
        cmocka_unit_test(test_loop_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
