/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "unit/services/kv/kv_fixture.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/kv/stores/memory/epoch.h"

struct world {
    struct kv_epoch epoch;
    struct kv_epoch_loop loops[2];
    struct weft_loop *weft_loops[2];
};

/* How often each object was dropped; an object is a place in here. */
static unsigned dropped[10000];

static void drop(void *object, void *context)
{
    assert_ptr_equal(context, dropped);
    ++*(unsigned *)object;
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){0};
    memset(dropped, 0, sizeof dropped);
    kv_epoch_init(&world.epoch);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weft_loop_new(&world.weft_loops[i], 0), 0);
        kv_epoch_join(&world.epoch, &world.loops[i], world.weft_loops[i], dropped);
    }
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    fault_remove();
    for (int i = 0; i < 2; i++) {
        kv_epoch_leave(&world->loops[i]);
        weft_loop_free(world->weft_loops[i]);
    }
    return 0;
}

static void retire_first(void *arg)
{
    struct kv_epoch_loop *loop = arg;
    assert_int_equal(kv_epoch_reserve(loop, 1), 0);
    kv_epoch_retire(loop, &dropped[0], drop);
    assert_int_equal(dropped[0], 0);
}

static void test_object_is_dropped_at_the_end_of_its_turn_where_others_wait(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[0], retire_first, &world->loops[0]);
    assert_int_equal(dropped[0], 1);
}

/* Within a turn of the second loop: a whole turn of the first, which retires. */
static void retire_on_the_first_loop(void *arg)
{
    struct world *world = arg;
    kv_in_turn(world->weft_loops[0], retire_first, &world->loops[0]);
    assert_int_equal(dropped[0], 0);
    virtual_loop_turn(world->weft_loops[0]);
    assert_int_equal(dropped[0], 0);
}

static void test_object_stays_while_another_loop_is_in_a_turn_that_began_before(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[1], retire_on_the_first_loop, world);
    assert_int_equal(dropped[0], 0);
    virtual_loop_turn(world->weft_loops[0]);
    assert_int_equal(dropped[0], 1);
}

static void end_a_turn_of_the_first_loop(void *arg)
{
    struct world *world = arg;
    virtual_loop_turn(world->weft_loops[0]);
    assert_int_equal(dropped[0], 1);
}

static void test_object_goes_while_another_loop_is_in_a_turn_that_began_later(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[1], retire_on_the_first_loop, world);
    kv_in_turn(world->weft_loops[1], end_a_turn_of_the_first_loop, world);
}

static void test_loop_without_more_turns_drops_a_little_later(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[1], retire_on_the_first_loop, world);
    assert_int_equal(virtual_loop_next_timer(world->weft_loops[0]),
                     VIRTUAL_LOOP_BEGIN + 10 * 1000 * 1000);
    assert_true(virtual_loop_advance(world->weft_loops[0], 10 * 1000 * 1000));
    assert_int_equal(dropped[0], 1);
    assert_int_equal(virtual_loop_next_timer(world->weft_loops[0]), INT64_MAX);
}

static void retire_all(void *arg)
{
    struct kv_epoch_loop *loop = arg;
    enum { COUNT = sizeof dropped / sizeof *dropped };
    assert_int_equal(kv_epoch_reserve(loop, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++)
        kv_epoch_retire(loop, &dropped[i], drop);
}

static void test_many_objects_are_dropped_once_each_and_their_list_is_given_back(void **state)
{
    struct world *world = *state;
    fault_install();
    kv_in_turn(world->weft_loops[0], retire_all, &world->loops[0]);
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        assert_int_equal(dropped[i], 1);
    assert_int_equal(fault_live(), 0);
}

static void retire_some(void *arg)
{
    struct kv_epoch_loop *loop = arg;
    assert_int_equal(kv_epoch_reserve(loop, 4096), 0);
    for (size_t i = 0; i < 4096; i++)
        kv_epoch_retire(loop, &dropped[i], drop);
}

static void test_list_that_is_not_large_is_kept_for_the_next_turns(void **state)
{
    struct world *world = *state;
    fault_install();
    for (size_t turns = 1; turns < 4; turns++) {
        kv_in_turn(world->weft_loops[0], retire_some, &world->loops[0]);
        assert_int_equal(dropped[4095], turns);
    }
    assert_int_equal(fault_live(), 2); /* the one that collects, and the one that waits */
    fault_arm(FAULT_FROM, 0);
    kv_in_turn(world->weft_loops[0], retire_some, &world->loops[0]);
    assert_int_equal(dropped[4095], 4);
    kv_epoch_leave(&world->loops[0]);
    assert_int_equal(fault_live(), 0);
    world->loops[0] = (struct kv_epoch_loop){0};
    kv_epoch_join(&world->epoch, &world->loops[0], world->weft_loops[0], dropped);
}

static void reserve_twice(void *arg)
{
    struct kv_epoch_loop *loop = arg;
    fault_install();
    assert_int_equal(kv_epoch_reserve(loop, 64), 0);
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(kv_epoch_reserve(loop, 64), 0);
    for (size_t i = 0; i < 64; i++)
        kv_epoch_retire(loop, &dropped[i], drop);
    assert_int_equal(kv_epoch_reserve(loop, 0), 0);
    assert_int_equal(kv_epoch_reserve(loop, 1), -ENOMEM);
    fault_arm(FAULT_ONE, SIZE_MAX);
    assert_int_equal(kv_epoch_reserve(loop, 1000), 0);
    fault_arm(FAULT_FROM, 0);
    for (size_t i = 64; i < 1064; i++)
        kv_epoch_retire(loop, &dropped[i], drop);
}

static void test_room_is_there_for_as_many_as_were_reserved(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[0], reserve_twice, &world->loops[0]);
    for (size_t i = 0; i < 1064; i++)
        assert_int_equal(dropped[i], 1);
}

/* A loop that is woken has a turn, whose end drops what waits. */
static void test_loop_that_is_woken_has_a_turn_each_time(void **state)
{
    struct world *world = *state;
    for (unsigned times = 1; times <= 3; times++) {
        kv_in_turn(world->weft_loops[1], retire_on_the_first_loop, world);
        kv_epoch_wake(&world->loops[0]);
        kv_epoch_wake(&world->loops[0]);
        assert_true(virtual_loop_run_until_idle(world->weft_loops[0]));
        assert_int_equal(dropped[0], 1);
        dropped[0] = 0;
    }
    kv_epoch_wake(&(struct kv_epoch_loop){.loop = NULL});
}

static void test_thread_without_a_loop_is_waited_for_within_its_turns(void **state)
{
    struct world *world = *state;
    struct kv_epoch_loop thread = {.waiting_for = 0};
    kv_epoch_join(&world->epoch, &thread, NULL, dropped);
    kv_epoch_begin(&thread);
    retire_on_the_first_loop(world);
    kv_epoch_end(&thread);
    virtual_loop_turn(world->weft_loops[0]);
    assert_int_equal(dropped[0], 1);
    kv_epoch_begin(&thread);
    assert_int_equal(kv_epoch_reserve(&thread, 1), 0);
    kv_epoch_retire(&thread, &dropped[1], drop);
    kv_epoch_end(&thread);
    assert_int_equal(dropped[1], 1);
    kv_epoch_leave(&thread);
    dropped[0] = 0;
    kv_in_turn(world->weft_loops[0], retire_first, &world->loops[0]);
    assert_int_equal(dropped[0], 1);
}

/* An object that is retired while another already waits is freed one time later. */
static void retire_in_two_turns_of_the_first_loop(void *arg)
{
    struct world *world = arg;
    kv_in_turn(world->weft_loops[0], retire_first, &world->loops[0]);
    kv_in_turn(world->weft_loops[0], retire_all, &world->loops[0]);
    assert_int_equal(dropped[0] + dropped[1], 0);
}

static void test_objects_of_later_turns_wait_behind_those_of_earlier_ones(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[1], retire_in_two_turns_of_the_first_loop, world);
    virtual_loop_turn(world->weft_loops[0]);
    assert_int_equal(dropped[0], 2);
    assert_int_equal(dropped[1], 1);
}

static void fail_to_reserve(void *arg)
{
    struct kv_epoch_loop *loop = arg;
    fault_install();
    fault_arm(FAULT_ONE, 0);
    assert_int_equal(kv_epoch_reserve(loop, 1), -ENOMEM);
    fault_remove();
}

static void test_room_that_cannot_be_had_is_told(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[0], fail_to_reserve, &world->loops[0]);
    kv_in_turn(world->weft_loops[0], retire_first, &world->loops[0]);
    assert_int_equal(dropped[0], 1);
}

static void test_leaving_drops_what_waits(void **state)
{
    struct world *world = *state;
    kv_in_turn(world->weft_loops[1], retire_in_two_turns_of_the_first_loop, world);
    kv_epoch_leave(&world->loops[0]);
    assert_int_equal(dropped[0], 2);
    world->loops[0] = (struct kv_epoch_loop){0};
    kv_epoch_join(&world->epoch, &world->loops[0], world->weft_loops[0], dropped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_object_is_dropped_at_the_end_of_its_turn_where_others_wait),
        TEST(test_object_stays_while_another_loop_is_in_a_turn_that_began_before),
        TEST(test_object_goes_while_another_loop_is_in_a_turn_that_began_later),
        TEST(test_loop_without_more_turns_drops_a_little_later),
        TEST(test_many_objects_are_dropped_once_each_and_their_list_is_given_back),
        TEST(test_list_that_is_not_large_is_kept_for_the_next_turns),
        TEST(test_room_is_there_for_as_many_as_were_reserved),
        TEST(test_loop_that_is_woken_has_a_turn_each_time),
        TEST(test_thread_without_a_loop_is_waited_for_within_its_turns),
        TEST(test_objects_of_later_turns_wait_behind_those_of_earlier_ones),
        TEST(test_room_that_cannot_be_had_is_told),
        TEST(test_leaving_drops_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
