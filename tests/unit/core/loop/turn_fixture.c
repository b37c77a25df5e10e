/* SPDX-License-Identifier: MIT */
#include "turn_fixture.h"

#include <string.h>

#include "core/base/compiler.h"

char turn_journal[256];

void turn_note(char letter)
{
    size_t length = strlen(turn_journal);

    assert_true(length + 1 < sizeof(turn_journal));
    turn_journal[length] = letter;
    turn_journal[length + 1] = '\0';
}

static void on_post(struct weft_post *base)
{
    struct note_post *post = weft_container_of(base, struct note_post, post);

    turn_note(post->letter);
    if (post->again > 0) {
        post->again--;
        post->result = weft_loop_post(post->loop, base);
    }
    if (post->stop)
        weft_loop_stop(post->loop);
}

static void on_timer(struct weft_timer *base)
{
    struct note_timer *timer = weft_container_of(base, struct note_timer, timer);

    assert_false(weft_timer_is_armed(base));
    turn_note(timer->letter);
    timer->fired_at = weft_loop_now(base->loop);
    if (timer->kill)
        weft_timer_stop(timer->kill);
    if (timer->again)
        weft_loop_after(base->loop, base, timer->again);
    else if (timer->stop)
        weft_loop_stop(base->loop);
    timer->again = 0;
}

static void on_deferred(struct weft_deferred *base)
{
    struct note_deferred *deferred = weft_container_of(base, struct note_deferred, deferred);

    turn_note(deferred->letter);
    if (deferred->kill)
        weft_deferred_cancel(deferred->kill);
    if (deferred->again > 0) {
        deferred->again--;
        weft_loop_defer(deferred->loop, base);
    } else if (deferred->stop) {
        weft_loop_stop(deferred->loop);
    }
}

static void on_begin(struct weft_turn_hook *base)
{
    struct note_hook *hook = weft_container_of(base, struct note_hook, hook);

    turn_note(hook->begin);
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
    turn_note(weft_container_of(base, struct note_hook, hook)->end);
}

struct note_post make_post(struct weft_loop *loop, char letter)
{
    return (struct note_post){.post.run = on_post, .loop = loop, .letter = letter};
}

struct note_timer make_timer(char letter)
{
    return (struct note_timer){.timer.fire = on_timer, .letter = letter};
}

struct note_deferred make_deferred(struct weft_loop *loop, char letter)
{
    return (struct note_deferred){.deferred.run = on_deferred, .loop = loop, .letter = letter};
}

struct note_hook make_hook(struct weft_loop *loop, char begin, char end)
{
    return (struct note_hook){
        .hook = {.begin = on_begin, .end = on_end}, .loop = loop, .begin = begin, .end = end};
}

int turn_setup(void **state)
{
    struct weft_loop *loop;

    turn_journal[0] = '\0';
    assert_int_equal(weft_loop_new(&loop, FD_LIMIT), 0);
    *state = loop;
    return 0;
}

int turn_teardown(void **state)
{
    weft_loop_free(*state);
    return 0;
}
