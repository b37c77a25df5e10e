/* SPDX-License-Identifier: MIT
 *
 * A request allocates nothing once the server is warm, as long as the keys stay the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "kv_world.h"
#include "lib/fault.h"

enum { KEYS = 256, DEPTH = 64, ROUNDS = 50, VALUE_SIZE = 64 };

static int setup(void **state)
{
    static struct kv_world world;
    fault_install();
    kv_world_init(&world, &(const struct kv_world_options){.variant = NULL});
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    kv_world_fini(*state);
    fault_remove();
    return 0;
}

/* Every key in batches of DEPTH requests, over and over. */
static void load(struct kv_world *world, bool sets, int rounds)
{
    for (int i = 0; i < rounds * KEYS / DEPTH; i++) {
        size_t first = (size_t)i * DEPTH % KEYS;
        struct weft_bytes frames = kv_world_frames(sets, first, DEPTH, VALUE_SIZE);
        size_t replied = kv_world_exchange(world, weft_view(frames.data, frames.size));
        assert_true(replied > DEPTH * (size_t)(sets ? 1 : VALUE_SIZE));
        free(frames.data);
    }
}

static void test_hget_neither_allocates_nor_frees(void **state)
{
    load(*state, true, 2);
    load(*state, false, 2);
    size_t before = fault_allocations(), live = fault_live();
    load(*state, false, ROUNDS);
    assert_int_equal(fault_allocations() - before, 0);
    assert_int_equal(fault_live(), live);
}

static void test_hset_of_a_present_key_neither_allocates_nor_frees(void **state)
{
    load(*state, true, 3);
    size_t before = fault_allocations(), live = fault_live();
    load(*state, true, ROUNDS);
    assert_int_equal(fault_allocations() - before, 0);
    assert_int_equal(fault_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hget_neither_allocates_nor_frees, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hset_of_a_present_key_neither_allocates_nor_frees,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
