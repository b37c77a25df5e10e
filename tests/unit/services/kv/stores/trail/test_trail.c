/* SPDX-License-Identifier: MIT
 *
 * A trail of changes by itself: when it is on, what it keeps, and who loses what. The store suite has the rest. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/settings.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/trail/trail.h"

enum { LIMIT = 8 << 10 };

struct world {
    struct weft_loop *loop;
    struct kv_trail trail;
    struct kv_trail_port port;
    atomic_bool flag;
};

static unsigned calls;

static void count_call(struct kv_follow *follow)
{
    (void)follow;
    calls++;
}

static void begin(struct world *world, size_t limit)
{
    calls = 0;
    assert_int_equal(weft_loop_new(&world->loop, 0), 0);
    assert_int_equal(kv_trail_init(&world->trail, limit), 0);
    kv_trail_join(&world->trail, &world->port, world->loop, &world->flag, false);
}

static void end(struct world *world)
{
    virtual_loop_turn(world->loop);
    kv_trail_leave(&world->port);
    kv_trail_fini(&world->trail);
    weft_loop_free(world->loop);
}

/* Writes a change of a key with a value of `size` bytes. */
static void add(struct world *world, const char *key, size_t size)
{
    uint8_t *value = calloc(1, size + 1);
    assert_non_null(value);
    const struct kv_change change = {.kind = KV_CHANGE_SET,
                                     .table = weft_view_str("t"),
                                     .key = weft_view_str(key),
                                     .value = weft_view(value, size)};
    kv_trail_add(&world->trail, &world->port, &change);
    free(value);
}

static void expect_next(struct kv_follow *follow, const char *key)
{
    struct kv_change change;
    assert_int_equal(kv_trail_next(follow, &change), 1);
    assert_true(weft_view_equal(change.key, weft_view_str(key)));
}

/* No number that a follower learns lies between the changes of an operation, whoever asks meanwhile. */
static void test_changes_of_an_operation_are_seen_together(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call}, late = {.ready = count_call};
    struct kv_change change = {.table = weft_view_str("t"), .more = true};
    uint64_t numbers[3];
    (void)state;
    begin(&world, LIMIT);
    assert_false(kv_trail_begin(&world.trail));
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    assert_int_equal(kv_trail_next(&follow, &change), 0);
    assert_true(kv_trail_begin(&world.trail));
    for (unsigned i = 0; i < 3; i++) {
        change = (struct kv_change){.table = weft_view_str("t"), .more = i < 2};
        kv_trail_put(&world.trail, &world.port, &change);
    }
    kv_trail_end(&world.trail, &world.port);
    assert_int_equal(kv_trail_follow(&world.port, &late), 0);
    assert_int_equal(late.from, follow.from);
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(kv_trail_next(&follow, &change), 1);
        assert_int_equal(change.more, i < 2);
        numbers[i] = change.number;
    }
    assert_int_equal(numbers[2], numbers[0] + 2);
    assert_int_equal(late.latest, numbers[2]);
    assert_int_equal(kv_trail_next(&follow, &change), 0);
    assert_int_equal(follow.reached, numbers[2]);
    kv_trail_unfollow(&follow);
    kv_trail_unfollow(&late);
    end(&world);
}

static void test_trail_is_off_until_somebody_follows(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call};
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    assert_false(atomic_load(&world.flag));
    add(&world, "before", 1);
    assert_int_equal(world.trail.bytes, 0);
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    assert_true(atomic_load(&world.flag));
    add(&world, "k", 1);
    virtual_loop_turn(world.loop);
    expect_next(&follow, "k");
    assert_int_equal(kv_trail_next(&follow, &change), 0);
    kv_trail_unfollow(&follow);
    end(&world);
}

static void test_change_is_seen_when_the_turn_has_ended(void **state)
{
    struct world world;
    struct kv_follow early = {.ready = count_call}, late = {.ready = count_call};
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    assert_int_equal(kv_trail_follow(&world.port, &early), 0);
    add(&world, "k", 1);
    assert_int_equal(kv_trail_next(&early, &change), 0);
    /* A follower that begins before the change can be read gets it, too. */
    assert_int_equal(kv_trail_follow(&world.port, &late), 0);
    assert_true(late.from == early.from);
    assert_int_equal(kv_trail_next(&late, &change), 0);
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    assert_int_equal(calls, 2);
    expect_next(&early, "k");
    expect_next(&late, "k");
    kv_trail_unfollow(&early);
    kv_trail_unfollow(&late);
    end(&world);
}

static void test_memory_is_bounded_and_the_slow_are_told(void **state)
{
    struct world world;
    struct kv_follow slow = {.ready = count_call}, quick = {.ready = count_call};
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    assert_int_equal(kv_trail_follow(&world.port, &slow), 0);
    assert_int_equal(kv_trail_follow(&world.port, &quick), 0);
    for (unsigned i = 0; i < 1000; i++) {
        add(&world, "k", 100);
        virtual_loop_turn(world.loop);
        expect_next(&quick, "k");
        assert_in_range(world.trail.bytes, 1, LIMIT);
    }
    assert_int_equal(kv_trail_next(&slow, &change), -ERANGE);
    assert_int_equal(kv_trail_next(&slow, &change), -ERANGE);
    kv_trail_unfollow(&slow);
    kv_trail_unfollow(&quick);
    end(&world);
}

static void test_chunk_that_was_forgotten_is_read_to_its_end(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call};
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    add(&world, "first", 10);
    add(&world, "second", 10);
    virtual_loop_turn(world.loop);
    expect_next(&follow, "first");
    for (unsigned i = 0; i < 100; i++)
        add(&world, "k", 500);
    virtual_loop_turn(world.loop);
    expect_next(&follow, "second");
    assert_int_equal(kv_trail_next(&follow, &change), -ERANGE);
    kv_trail_unfollow(&follow);
    end(&world);
}

static void test_trail_goes_off_when_nobody_has_followed_for_long(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call};
    (void)state;
    begin(&world, LIMIT);
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    uint64_t number = follow.from;
    kv_trail_unfollow(&follow);
    add(&world, "k", 100);
    virtual_loop_turn(world.loop);
    /* A follower that comes back soon goes on. */
    follow = (struct kv_follow){.from = number, .ready = count_call};
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    expect_next(&follow, "k");
    kv_trail_unfollow(&follow);
    for (unsigned i = 0; i < 200; i++)
        add(&world, "k", 100);
    assert_false(atomic_load(&world.flag));
    assert_int_equal(world.trail.bytes, 0);
    virtual_loop_turn(world.loop);
    /* Its number is not taken for one of the next time. */
    assert_int_equal(kv_trail_follow(&world.port, &follow), -ERANGE);
    follow = (struct kv_follow){.ready = count_call};
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    assert_true(follow.from > number + 1);
    kv_trail_unfollow(&follow);
    end(&world);
}

static void test_change_that_cannot_be_kept_is_told_as_lost(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call};
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    assert_int_equal(kv_trail_next(&follow, &change), 0);
    add(&world, "k", LIMIT);
    virtual_loop_turn(world.loop);
    assert_int_equal(calls, 1);
    assert_int_equal(kv_trail_next(&follow, &change), -ERANGE);
    kv_trail_unfollow(&follow);
    /* The next follower is not the worse for it. */
    follow = (struct kv_follow){.ready = count_call};
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    add(&world, "l", 10);
    virtual_loop_turn(world.loop);
    expect_next(&follow, "l");
    kv_trail_unfollow(&follow);
    end(&world);
}

static void test_change_without_memory_is_told_as_lost(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call};
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    fault_install();
    fault_arm(FAULT_ONE, 0);
    assert_int_equal(kv_trail_follow(&world.port, &follow), -ENOMEM);
    fault_disarm();
    assert_int_equal(kv_trail_follow(&world.port, &follow), 0);
    fault_arm(FAULT_ONE, 0);
    add(&world, "k", 10);
    fault_disarm();
    fault_remove();
    virtual_loop_turn(world.loop);
    assert_int_equal(kv_trail_next(&follow, &change), -ERANGE);
    kv_trail_unfollow(&follow);
    end(&world);
}

static struct kv_follow *unfollowed;

static void unfollow_another(struct kv_follow *follow)
{
    (void)follow;
    calls++;
    if (unfollowed)
        kv_trail_unfollow(unfollowed);
    unfollowed = NULL;
}

static void test_follower_may_end_another_while_they_are_called(void **state)
{
    struct world world;
    struct kv_follow follows[3];
    struct kv_change change;
    (void)state;
    begin(&world, LIMIT);
    for (unsigned i = 0; i < 3; i++) {
        follows[i] = (struct kv_follow){.ready = unfollow_another};
        assert_int_equal(kv_trail_follow(&world.port, &follows[i]), 0);
        assert_int_equal(kv_trail_next(&follows[i], &change), 0);
    }
    /* The one that joined last is called first. */
    unfollowed = &follows[1];
    add(&world, "k", 1);
    virtual_loop_turn(world.loop);
    virtual_loop_turn(world.loop);
    assert_int_equal(calls, 2);
    kv_trail_unfollow(&follows[0]);
    kv_trail_unfollow(&follows[2]);
    end(&world);
}

static void test_trail_without_memory_takes_no_follower(void **state)
{
    struct world world;
    struct kv_follow follow = {.ready = count_call};
    (void)state;
    begin(&world, 0);
    assert_int_equal(kv_trail_follow(&world.port, &follow), -ENOTSUP);
    end(&world);
}

static void test_option_takes_a_size(void **state)
{
    struct weft_error error;
    struct weft_option_value value = {"changes", "2MiB"};
    const struct weft_option_set set = {&value, 1}, none = {NULL, 0};
    size_t limit;
    (void)state;
    assert_int_equal(kv_trail_option(&limit, &none, &error), 0);
    assert_int_equal(limit, 64 << 20);
    assert_int_equal(kv_trail_option(&limit, &set, &error), 0);
    assert_int_equal(limit, 2 << 20);
    value.value = "many";
    assert_int_equal(kv_trail_option(&limit, &set, &error), WEFT_ECONFIG);
    assert_string_equal(
        error.text, "changes=many: it takes a size, as 64MiB; with 0 nobody may follow changes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trail_is_off_until_somebody_follows),
        cmocka_unit_test(test_changes_of_an_operation_are_seen_together),
        cmocka_unit_test(test_change_is_seen_when_the_turn_has_ended),
        cmocka_unit_test(test_memory_is_bounded_and_the_slow_are_told),
        cmocka_unit_test(test_chunk_that_was_forgotten_is_read_to_its_end),
        cmocka_unit_test(test_trail_goes_off_when_nobody_has_followed_for_long),
        cmocka_unit_test(test_change_that_cannot_be_kept_is_told_as_lost),
        cmocka_unit_test(test_change_without_memory_is_told_as_lost),
        cmocka_unit_test(test_follower_may_end_another_while_they_are_called),
        cmocka_unit_test(test_trail_without_memory_takes_no_follower),
        cmocka_unit_test(test_option_takes_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
