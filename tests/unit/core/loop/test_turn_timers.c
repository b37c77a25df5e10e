/* SPDX-License-Identifier: MIT
 *
 * The promises of task.h about timers. */
#include <string.h>

#include "core/base/compiler.h"
#include "turn_fixture.h"

struct arming_post {
    struct weft_post post;
    struct weft_loop *loop;
    struct note_timer late, first, second;
};

/* Within one turn, and so from one time on. */
static void on_arming_post(struct weft_post *base)
{
    struct arming_post *post = weft_container_of(base, struct arming_post, post);

    weft_loop_after(post->loop, &post->late.timer, 2 * MILLISECOND);
    weft_loop_after(post->loop, &post->first.timer, 0);
    weft_loop_after(post->loop, &post->second.timer, 0);
    assert_true(weft_timer_is_armed(&post->late.timer));
    assert_string_equal(turn_journal, "");
}

static void test_timers_fire_by_deadline_then_by_order_of_arming(void **state)
{
    struct weft_loop *loop = *state;
    struct arming_post post = {.post.run = on_arming_post,
                               .loop = loop,
                               .late = make_timer('c'),
                               .first = make_timer('a'),
                               .second = make_timer('b')};

    post.late.stop = true;
    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "abc");
}

static void test_timer_fires_no_sooner_than_its_delay(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer timer = make_timer('t');
    int64_t begin = weft_loop_refresh(loop);

    timer.stop = true;
    weft_loop_after(loop, &timer.timer, 3 * MILLISECOND);
    weft_loop_run(loop);
    assert_true(timer.fired_at - begin >= 3 * MILLISECOND);
}

static void test_negative_delay_is_none(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer a = make_timer('a'), b = make_timer('b');

    b.stop = true;
    weft_loop_after(loop, &a.timer, 0);
    weft_loop_after(loop, &b.timer, INT64_MIN);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "ab");
}

static void test_longest_delay_is_for_ever(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer never = make_timer('n'), stop = make_timer('.');

    stop.stop = true;
    weft_loop_after(loop, &never.timer, INT64_MAX);
    weft_loop_after(loop, &stop.timer, MILLISECOND);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, ".");
    assert_true(weft_timer_is_armed(&never.timer));
    weft_timer_stop(&never.timer);
}

static void test_timer_armed_within_a_turn_waits_for_the_next(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer timer = make_timer('t');
    struct note_hook hook = make_hook(loop, '(', ')');

    weft_loop_add_hook(loop, &hook.hook);
    timer.again = -1;
    timer.stop = true;
    weft_loop_after(loop, &timer.timer, 0);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &hook.hook);
    assert_non_null(strstr(turn_journal, "(t)(t)()"));
}

static void test_arming_again_moves_the_deadline(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer moved = make_timer('m'), other = make_timer('o');

    moved.stop = true;
    weft_loop_after(loop, &moved.timer, 0);
    weft_loop_after(loop, &other.timer, MILLISECOND);
    weft_loop_after(loop, &moved.timer, 2 * MILLISECOND);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "om");
}

static void test_stopped_timer_does_not_fire(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer stopped = make_timer('x'), last = make_timer('l');

    last.stop = true;
    weft_loop_after(loop, &stopped.timer, 0);
    weft_loop_after(loop, &last.timer, MILLISECOND);
    weft_timer_stop(&stopped.timer);
    assert_false(weft_timer_is_armed(&stopped.timer));
    weft_timer_stop(&stopped.timer);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "l");
}

static void test_stopping_a_zeroed_timer_is_fine(void **state)
{
    struct weft_timer timer = {0};

    (void)state;
    weft_timer_stop(&timer);
    assert_false(weft_timer_is_armed(&timer));
}

static void test_timer_may_stop_another_that_is_due(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer killer = make_timer('k'), victim = make_timer('v');

    killer.kill = &victim.timer;
    killer.stop = true;
    weft_loop_after(loop, &killer.timer, 0);
    weft_loop_after(loop, &victim.timer, 0);
    weft_loop_run(loop);
    assert_string_equal(turn_journal, "k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_timers_fire_by_deadline_then_by_order_of_arming),
        TEST(test_timer_fires_no_sooner_than_its_delay),
        TEST(test_negative_delay_is_none),
        TEST(test_longest_delay_is_for_ever),
        TEST(test_timer_armed_within_a_turn_waits_for_the_next),
        TEST(test_arming_again_moves_the_deadline),
        TEST(test_stopped_timer_does_not_fire),
        TEST(test_stopping_a_zeroed_timer_is_fine),
        TEST(test_timer_may_stop_another_that_is_due),
    };

    return cmocka_run_group_tests_name("turn timers", tests, NULL, NULL);
}
