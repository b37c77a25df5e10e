/* SPDX-License-Identifier: MIT
 *
 * What task.h and loop.h promise of time, posts, deferred calls and hooks. Built twice: with the
 * real loop, and with the virtual one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/container.h"
#include "core/loop.h"
#include "lib/fault.h"

enum { FD_LIMIT = 64, MILLISECOND = 1000000 };

/* What happened, a letter each; a '|' is the end of a turn where a hook notes it. */
static char journal[256];

static void note(char letter)
{
    size_t length = strlen(journal);

    assert_true(length + 1 < sizeof(journal));
    journal[length] = letter;
    journal[length + 1] = '\0';
}

struct note_post {
    struct weft_post post;
    char letter;
    int again;  /* posts itself so often */
    bool stop;  /* stops the loop */
    int result; /* of posting itself */
    struct weft_loop *loop;
};

static void on_post(struct weft_post *base)
{
    struct note_post *post = weft_container_of(base, struct note_post, post);

    note(post->letter);
    if (post->again > 0) {
        post->again--;
        post->result = weft_loop_post(post->loop, base);
    }
    if (post->stop)
        weft_loop_stop(post->loop);
}

struct note_timer {
    struct weft_timer timer;
    char letter;
    bool stop;     /* stops the loop, if it is not armed once more */
    int64_t again; /* arms itself once more with this delay; 0: not */
    struct weft_timer *kill;
    int64_t fired_at;
};

static void on_timer(struct weft_timer *base)
{
    struct note_timer *timer = weft_container_of(base, struct note_timer, timer);

    assert_false(base->armed);
    note(timer->letter);
    timer->fired_at = weft_loop_now(base->loop);
    if (timer->kill)
        weft_timer_stop(timer->kill);
    if (timer->again)
        weft_loop_after(base->loop, base, timer->again);
    else if (timer->stop)
        weft_loop_stop(base->loop);
    timer->again = 0;
}

struct note_deferred {
    struct weft_deferred deferred;
    struct weft_loop *loop;
    char letter;
    int again;
    bool stop;
    struct weft_deferred *kill;
};

static void on_deferred(struct weft_deferred *base)
{
    struct note_deferred *deferred = weft_container_of(base, struct note_deferred, deferred);

    note(deferred->letter);
    if (deferred->kill)
        weft_deferred_cancel(deferred->kill);
    if (deferred->again > 0) {
        deferred->again--;
        weft_loop_defer(deferred->loop, base);
    } else if (deferred->stop) {
        weft_loop_stop(deferred->loop);
    }
}

struct note_hook {
    struct weft_turn_hook hook;
    struct weft_loop *loop;
    char begin, end;
    struct weft_turn_hook *add, *remove; /* once, by begin */
    bool leave;                          /* begin removes itself */
};

static void on_begin(struct weft_turn_hook *base)
{
    struct note_hook *hook = weft_container_of(base, struct note_hook, hook);

    note(hook->begin);
    if (hook->add)
        weft_loop_add_hook(hook->loop, hook->add);
    if (hook->remove)
        weft_loop_remove_hook(hook->loop, hook->remove);
    if (hook->leave)
        weft_loop_remove_hook(hook->loop, base);
    hook->add = hook->remove = NULL;
}

static void on_end(struct weft_turn_hook *base)
{
    note(weft_container_of(base, struct note_hook, hook)->end);
}

static struct note_post make_post(struct weft_loop *loop, char letter)
{
    return (struct note_post){.post.run = on_post, .loop = loop, .letter = letter};
}

static struct note_timer make_timer(char letter)
{
    return (struct note_timer){.timer.fire = on_timer, .letter = letter};
}

static struct note_deferred make_deferred(struct weft_loop *loop, char letter)
{
    return (struct note_deferred){.deferred.run = on_deferred, .loop = loop, .letter = letter};
}

static struct note_hook make_hook(struct weft_loop *loop, char begin, char end)
{
    return (struct note_hook){
        .hook = {.begin = on_begin, .end = on_end}, .loop = loop, .begin = begin, .end = end};
}

static int setup(void **state)
{
    struct weft_loop *loop;

    journal[0] = '\0';
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    weft_loop_free(*state);
    return 0;
}

static void test_posts_run_in_the_order_posted(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a'), b = make_post(loop, 'b'), c = make_post(loop, 'c');

    c.stop = true;
    assert_int_equal(weft_loop_post(loop, &a.post), 0);
    assert_int_equal(weft_loop_post(loop, &b.post), 0);
    assert_int_equal(weft_loop_post(loop, &c.post), 0);
    assert_string_equal(journal, "");
    weft_loop_run(loop);
    assert_string_equal(journal, "abc");
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
    assert_string_equal(journal, "ab.ab.");
    assert_int_equal(b.result, -ESHUTDOWN);
}

static void test_post_after_the_loop_ended_is_refused(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a');

    weft_loop_stop(loop);
    weft_loop_run(loop);
    assert_int_equal(weft_loop_post(loop, &a.post), -ESHUTDOWN);
    assert_string_equal(journal, "");
}

static void test_stop_before_run_still_runs_what_was_posted(void **state)
{
    struct weft_loop *loop = *state;
    struct note_post a = make_post(loop, 'a');

    assert_int_equal(weft_loop_post(loop, &a.post), 0);
    weft_loop_stop(loop);
    weft_loop_run(loop);
    assert_string_equal(journal, "a");
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
    assert_string_equal(journal, "a");
    assert_int_equal(a.result, -ESHUTDOWN);
}

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
    assert_true(post->late.timer.armed);
    assert_string_equal(journal, "");
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
    assert_string_equal(journal, "abc");
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
    assert_string_equal(journal, "ab");
}

static void test_longest_delay_is_for_ever(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer never = make_timer('n'), stop = make_timer('.');

    stop.stop = true;
    weft_loop_after(loop, &never.timer, INT64_MAX);
    weft_loop_after(loop, &stop.timer, MILLISECOND);
    weft_loop_run(loop);
    assert_string_equal(journal, ".");
    assert_true(never.timer.armed);
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
    assert_non_null(strstr(journal, "(t)(t)()"));
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
    assert_string_equal(journal, "om");
}

static void test_stopped_timer_does_not_fire(void **state)
{
    struct weft_loop *loop = *state;
    struct note_timer stopped = make_timer('x'), last = make_timer('l');

    last.stop = true;
    weft_loop_after(loop, &stopped.timer, 0);
    weft_loop_after(loop, &last.timer, MILLISECOND);
    weft_timer_stop(&stopped.timer);
    assert_false(stopped.timer.armed);
    weft_timer_stop(&stopped.timer);
    weft_loop_run(loop);
    assert_string_equal(journal, "l");
}

static void test_stopping_a_zeroed_timer_is_fine(void **state)
{
    struct weft_timer timer = {0};

    (void)state;
    weft_timer_stop(&timer);
    assert_false(timer.armed);
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
    assert_string_equal(journal, "k");
}

static void test_deferred_calls_run_in_order_and_once(void **state)
{
    struct weft_loop *loop = *state;
    struct note_deferred a = make_deferred(loop, 'a'), b = make_deferred(loop, 'b');

    b.stop = true;
    weft_loop_defer(loop, &a.deferred);
    weft_loop_defer(loop, &b.deferred);
    weft_loop_defer(loop, &a.deferred);
    assert_string_equal(journal, "");
    weft_loop_run(loop);
    assert_string_equal(journal, "ab");
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
    assert_string_equal(journal, "(ab)(ab)()");
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
    assert_string_equal(journal, "ac");
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
    assert_string_equal(journal, "ac");
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
    assert_string_equal(journal, "(tpd)()");
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
    assert_string_equal(journal, "pd");
}

static void test_hooks_are_called_in_the_order_added(void **state)
{
    struct weft_loop *loop = *state;
    struct note_hook first = make_hook(loop, '1', 'a'), second = make_hook(loop, '2', 'b');
    struct note_post post = make_post(loop, '.');

    post.stop = true;
    weft_loop_add_hook(loop, &first.hook);
    weft_loop_add_hook(loop, &second.hook);
    assert_string_equal(journal, "");
    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &first.hook);
    weft_loop_remove_hook(loop, &second.hook);
    assert_string_equal(journal, "12.ab12ab");
}

struct adding_post {
    struct weft_post post;
    struct weft_loop *loop;
    struct weft_turn_hook *hook;
};

static void on_adding_post(struct weft_post *base)
{
    struct adding_post *post = weft_container_of(base, struct adding_post, post);

    note('p');
    weft_loop_add_hook(post->loop, post->hook);
    note('q');
    weft_loop_stop(post->loop);
}

static void test_hook_added_within_a_turn_begins_at_once(void **state)
{
    struct weft_loop *loop = *state;
    struct note_hook hook = make_hook(loop, '(', ')');
    struct adding_post post = {.post.run = on_adding_post, .loop = loop, .hook = &hook.hook};

    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &hook.hook);
    assert_string_equal(journal, "p(q)()");
}

static void test_hook_added_by_a_hook_begins_once_in_that_turn(void **state)
{
    struct weft_loop *loop = *state;
    struct note_hook adder = make_hook(loop, '1', 'a'), added = make_hook(loop, '2', 'b');

    adder.add = &added.hook;
    weft_loop_add_hook(loop, &adder.hook);
    weft_loop_stop(loop);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &adder.hook);
    weft_loop_remove_hook(loop, &added.hook);
    assert_string_equal(journal, "12ab");
}

static void test_hook_may_remove_itself_and_the_next(void **state)
{
    struct weft_loop *loop = *state;
    struct note_hook remover = make_hook(loop, '1', 'a'), removed = make_hook(loop, '2', 'b'),
                     last = make_hook(loop, '3', 'c');

    remover.remove = &removed.hook;
    remover.leave = true;
    weft_loop_add_hook(loop, &remover.hook);
    weft_loop_add_hook(loop, &removed.hook);
    weft_loop_add_hook(loop, &last.hook);
    weft_loop_stop(loop);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &last.hook);
    assert_string_equal(journal, "13c");
}

static void test_removing_a_hook_that_is_not_there_changes_nothing(void **state)
{
    struct weft_loop *loop = *state;
    struct note_hook there = make_hook(loop, '(', ')'), stranger = make_hook(loop, 'x', 'x');

    weft_loop_add_hook(loop, &there.hook);
    weft_loop_remove_hook(loop, &stranger.hook);
    weft_loop_stop(loop);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &there.hook);
    assert_string_equal(journal, "()");
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_posts_run_in_the_order_posted),
        TEST(test_post_may_be_posted_again_from_within_run),
        TEST(test_post_after_the_loop_ended_is_refused),
        TEST(test_stop_before_run_still_runs_what_was_posted),
        TEST(test_free_runs_what_was_posted_to_a_loop_that_never_ran),
        TEST(test_timers_fire_by_deadline_then_by_order_of_arming),
        TEST(test_timer_fires_no_sooner_than_its_delay),
        TEST(test_negative_delay_is_none),
        TEST(test_longest_delay_is_for_ever),
        TEST(test_timer_armed_within_a_turn_waits_for_the_next),
        TEST(test_arming_again_moves_the_deadline),
        TEST(test_stopped_timer_does_not_fire),
        TEST(test_stopping_a_zeroed_timer_is_fine),
        TEST(test_timer_may_stop_another_that_is_due),
        TEST(test_deferred_calls_run_in_order_and_once),
        TEST(test_deferred_from_within_a_deferred_waits_for_the_next_turn),
        TEST(test_cancelled_deferred_does_not_run),
        TEST(test_deferred_may_cancel_one_behind_it),
        TEST(test_turn_runs_timers_then_posts_then_deferred),
        TEST(test_stop_lets_the_turn_end),
        TEST(test_hooks_are_called_in_the_order_added),
        TEST(test_hook_added_within_a_turn_begins_at_once),
        TEST(test_hook_added_by_a_hook_begins_once_in_that_turn),
        TEST(test_hook_may_remove_itself_and_the_next),
        TEST(test_removing_a_hook_that_is_not_there_changes_nothing),
        cmocka_unit_test(test_loop_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
