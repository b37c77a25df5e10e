/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "services/kv/stores/memory/shared.h"

enum { LIMIT = 1 << 20, STEP = 1024 /* of credit, for this limit */, LOOPS = 2 };

struct world {
    struct kv_shared shared;
    struct kv_loop loops[LOOPS];
};

static int64_t used(struct world *world)
{
    return atomic_load(&world->shared.used);
}

static void init(struct world *world, int64_t limit)
{
    *world = (struct world){0};
    kv_account_init(&world->shared, limit);
    for (int i = 0; i < LOOPS; i++)
        world->loops[i].shared = &world->shared;
}

static void test_limit_can_be_used_to_its_last_byte(void **state)
{
    static const int64_t limits[] = {1, 1000, LIMIT, INT64_MAX / 2};
    struct world world;
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        init(&world, limits[i]);
        assert_true(kv_account_take(&world.loops[0], limits[i] - 1));
        assert_true(kv_account_take(&world.loops[0], 1));
        assert_false(kv_account_take(&world.loops[0], 1));
        assert_int_equal(used(&world), limits[i]);
        kv_account_give(&world.loops[0], 1);
        assert_true(kv_account_take(&world.loops[0], 1));
        assert_false(kv_account_take(&world.loops[1], 1));
        kv_account_give(&world.loops[0], limits[i]);
        kv_account_leave(&world.loops[0]);
        assert_int_equal(used(&world), 0);
    }
}

static void test_credit_is_taken_in_advance_only_if_the_limit_has_room_for_it(void **state)
{
    struct world world;
    (void)state;
    init(&world, LIMIT);
    assert_true(kv_account_take(&world.loops[0], LIMIT - STEP));
    assert_int_equal(used(&world), LIMIT);
    assert_int_equal(world.loops[0].credit, STEP);
    init(&world, LIMIT);
    assert_true(kv_account_take(&world.loops[0], LIMIT - STEP + 1));
    assert_int_equal(used(&world), LIMIT - STEP + 1);
    assert_int_equal(world.loops[0].credit, 0);
}

static void test_refusal_changes_nothing(void **state)
{
    struct world world;
    (void)state;
    init(&world, LIMIT);
    assert_true(kv_account_take(&world.loops[0], 100));
    assert_false(kv_account_take(&world.loops[0], LIMIT - 99));
    assert_false(kv_account_take(&world.loops[1], INT64_MAX - 2 * LIMIT));
    assert_int_equal(used(&world), 100 + STEP);
    assert_int_equal(world.loops[0].credit, STEP);
    assert_int_equal(world.loops[1].credit, 0);
}

static void test_loop_keeps_no_more_than_two_steps_of_what_it_was_given_back(void **state)
{
    struct world world;
    (void)state;
    init(&world, LIMIT);
    assert_true(kv_account_take(&world.loops[0], 10 * STEP));
    kv_account_give(&world.loops[0], STEP);
    assert_int_equal(world.loops[0].credit, 2 * STEP);
    kv_account_give(&world.loops[0], 1);
    assert_int_equal(world.loops[0].credit, STEP);
    assert_int_equal(used(&world), 10 * STEP - 1);
}

static void test_store_without_a_limit_gives_everything_in_steps_of_16_kib(void **state)
{
    struct world world;
    (void)state;
    init(&world, 0);
    assert_true(kv_account_take(&world.loops[0], 1));
    assert_int_equal(used(&world), 1 + (16 << 10));
    assert_true(kv_account_take(&world.loops[0], (int64_t)1 << 50));
    assert_int_equal(used(&world), ((int64_t)1 << 50) + 1 + (16 << 10));
    kv_account_leave(&world.loops[0]);
    assert_int_equal(used(&world), ((int64_t)1 << 50) + 1);
    assert_int_equal(world.loops[0].credit, 0);
}

static void test_large_limit_is_handed_out_in_the_same_steps(void **state)
{
    struct world world;
    (void)state;
    init(&world, (int64_t)1 << 40);
    assert_true(kv_account_take(&world.loops[0], 1));
    assert_int_equal(used(&world), 1 + (16 << 10));
}

static void test_undone_removal_is_used_again_even_if_others_took_its_bytes(void **state)
{
    struct world world;
    (void)state;
    init(&world, LIMIT);
    assert_true(kv_account_take(&world.loops[0], LIMIT));
    assert_true(kv_account_take(&world.loops[0], -10 * STEP));
    assert_true(kv_account_take(&world.loops[1], 9 * STEP));
    kv_account_undo(&world.loops[0], -10 * STEP);
    assert_int_equal(used(&world) - world.loops[0].credit - world.loops[1].credit,
                     LIMIT + 9 * STEP);
    kv_account_undo(&world.loops[1], 9 * STEP);
    assert_int_equal(used(&world) - world.loops[0].credit - world.loops[1].credit, LIMIT);
}

static void test_store_is_low_while_under_four_fifths_of_its_limit(void **state)
{
    struct world world;
    (void)state;
    init(&world, 1000);
    assert_true(kv_account_take(&world.loops[0], 799));
    assert_true(kv_account_is_low(&world.shared));
    assert_true(kv_account_take(&world.loops[0], 1));
    assert_false(kv_account_is_low(&world.shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_can_be_used_to_its_last_byte),
        cmocka_unit_test(test_credit_is_taken_in_advance_only_if_the_limit_has_room_for_it),
        cmocka_unit_test(test_refusal_changes_nothing),
        cmocka_unit_test(test_loop_keeps_no_more_than_two_steps_of_what_it_was_given_back),
        cmocka_unit_test(test_store_without_a_limit_gives_everything_in_steps_of_16_kib),
        cmocka_unit_test(test_large_limit_is_handed_out_in_the_same_steps),
        cmocka_unit_test(test_undone_removal_is_used_again_even_if_others_took_its_bytes),
        cmocka_unit_test(test_store_is_low_while_under_four_fifths_of_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
