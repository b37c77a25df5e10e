/* SPDX-License-Identifier: MIT
 *
 * The promises of task.h about the hooks around a turn. */
#include "core/base/compiler.h"
#include "turn_fixture.h"

static void test_hooks_are_called_in_the_order_added(void **state)
{
    struct weft_loop *loop = *state;
    struct note_hook first = make_hook(loop, '1', 'a'), second = make_hook(loop, '2', 'b');
    struct note_post post = make_post(loop, '.');

    post.stop = true;
    weft_loop_add_hook(loop, &first.hook);
    weft_loop_add_hook(loop, &second.hook);
    assert_string_equal(turn_journal, "");
    assert_int_equal(weft_loop_post(loop, &post.post), 0);
    weft_loop_run(loop);
    weft_loop_remove_hook(loop, &first.hook);
    weft_loop_remove_hook(loop, &second.hook);
    assert_string_equal(turn_journal, "12.ab12ab");
}

struct adding_post {
    struct weft_post post;
    struct weft_loop *loop;
    struct weft_turn_hook *hook;
};

static void on_adding_post(struct weft_post *base)
{
    struct adding_post *post = weft_container_of(base, struct adding_post, post);

    turn_note('p');
    weft_loop_add_hook(post->loop, post->hook);
    turn_note('q');
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
    assert_string_equal(turn_journal, "p(q)()");
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
    assert_string_equal(turn_journal, "12ab");
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
    assert_string_equal(turn_journal, "13c");
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
    assert_string_equal(turn_journal, "()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hooks_are_called_in_the_order_added),
        TEST(test_hook_added_within_a_turn_begins_at_once),
        TEST(test_hook_added_by_a_hook_begins_once_in_that_turn),
        TEST(test_hook_may_remove_itself_and_the_next),
        TEST(test_removing_a_hook_that_is_not_there_changes_nothing),
    };

    return cmocka_run_group_tests_name("turn hooks", tests, NULL, NULL);
}
