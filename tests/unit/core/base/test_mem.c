/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "lib/fault.h"

static void test_allocator_in_use_serves_every_function(void **state)
{
    (void)state;
    void *a = weft_malloc(10);
    void *b = weft_calloc(2, 5);
    a = weft_realloc(a, 20);
    assert_int_equal(fault_allocations(), 3);
    assert_int_equal(fault_live(), 2);
    weft_free(a);
    weft_free(b);
    weft_free(NULL);
}

static void test_null_restores_the_c_librarys_allocator(void **state)
{
    (void)state;
    weft_mem_use(NULL);
    void *p = weft_malloc(10);
    weft_free(p);
    assert_int_equal(fault_allocations(), 0);
}

static void test_calloc_zeroes(void **state)
{
    (void)state;
    static const char zeros[1000];
    for (int i = 0; i < 2; i++) {
        char *p = weft_calloc(10, 100);
        assert_non_null(p);
        assert_memory_equal(p, zeros, 1000);
        memset(p, 'x', 1000);
        weft_free(p);
    }
}

static void test_calloc_refuses_a_product_that_overflows(void **state)
{
    (void)state;
    assert_null(weft_calloc(SIZE_MAX / 2, 3));
    assert_int_equal(fault_allocations(), 0);
}

static void test_zeroed_arena_hands_out_nothing(void **state)
{
    (void)state;
    struct weft_arena arena = {0};
    assert_null(weft_arena_alloc(&arena, 1));
    assert_true(arena.over_budget);
    assert_null(weft_arena_alloc(&arena, 0));
    weft_arena_reset(&arena);
    weft_arena_fini(&arena);
    assert_int_equal(fault_allocations(), 0);
}

static void test_arena_memory_is_aligned_and_disjoint(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 1 << 20);
    unsigned char *p[100];
    for (size_t i = 0; i < 100; i++) {
        p[i] = weft_arena_alloc(&arena, 7 * i);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
        memset(p[i], (int)i, 7 * i);
    }
    for (size_t i = 0; i < 100; i++) {
        for (size_t j = 0; j < 7 * i; j++)
            assert_int_equal(p[i][j], i);
    }
    weft_arena_fini(&arena);
}

static void test_arena_begins_with_the_chunk_that_its_owner_wants(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 1 << 20);
    arena.first = 512;
    assert_non_null(weft_arena_alloc(&arena, 10));
    assert_in_range(weft_arena_memory(&arena), 512, 512 + 64);
    weft_arena_fini(&arena);
    assert_non_null(weft_arena_alloc(&arena, 10));
    assert_in_range(weft_arena_memory(&arena), 512, 512 + 64);
    weft_arena_fini(&arena);
}

static void test_arena_budget_is_met_exactly(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 64);
    assert_non_null(weft_arena_alloc(&arena, 48));
    assert_null(weft_arena_alloc(&arena, 17));
    assert_true(arena.over_budget);
    assert_int_equal(arena.used, 48);
    assert_non_null(weft_arena_alloc(&arena, 16));
    assert_false(arena.over_budget);
    assert_int_equal(arena.used, 64);
    assert_null(weft_arena_alloc(&arena, 1));
    weft_arena_fini(&arena);
}

static void test_arena_size_that_cannot_be_is_over_budget(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, SIZE_MAX);
    assert_null(weft_arena_alloc(&arena, SIZE_MAX));
    assert_true(arena.over_budget);
    assert_null(weft_arena_alloc(&arena, SIZE_MAX - 15));
    assert_int_equal(arena.used, 0);
    assert_int_equal(fault_allocations(), 0);
    weft_arena_fini(&arena);
}

static void test_arena_without_memory_is_not_over_budget(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 1 << 20);
    fault_arm(FAULT_ONE, 0);
    assert_null(weft_arena_alloc(&arena, 10));
    assert_false(arena.over_budget);
    assert_int_equal(arena.used, 0);
    assert_non_null(weft_arena_alloc(&arena, 10));
    weft_arena_fini(&arena);
}

static void test_arena_budget_is_whole_again_after_a_reset(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 1000);
    for (int i = 0; i < 5; i++) {
        assert_non_null(weft_arena_alloc(&arena, 992));
        assert_null(weft_arena_alloc(&arena, 992));
        weft_arena_reset(&arena);
        assert_int_equal(arena.used, 0);
        assert_false(arena.over_budget);
    }
    weft_arena_fini(&arena);
}

static void test_arena_in_steady_state_allocates_once(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 1 << 20);
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 100; j++)
            assert_non_null(weft_arena_alloc(&arena, 100));
        weft_arena_reset(&arena);
    }
    assert_int_equal(fault_allocations(), 1);
    weft_arena_fini(&arena);
}

static void test_arena_reset_keeps_the_first_chunk_only(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 10 << 20);
    void *first = weft_arena_alloc(&arena, 10);
    assert_non_null(weft_arena_alloc(&arena, 1 << 20));
    assert_non_null(weft_arena_alloc(&arena, 2 << 20));
    weft_arena_reset(&arena);
    assert_int_equal(fault_live(), 1);
    assert_ptr_equal(weft_arena_alloc(&arena, 10), first);
    weft_arena_fini(&arena);
}

static void test_arena_reset_keeps_no_large_chunk(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 10 << 20);
    assert_non_null(weft_arena_alloc(&arena, 1 << 20));
    weft_arena_reset(&arena);
    assert_int_equal(fault_live(), 0);
    assert_non_null(weft_arena_alloc(&arena, 10));
    weft_arena_fini(&arena);
}

static void test_arena_of_many_small_pieces_costs_few_allocations(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 64 << 20);
    while (weft_arena_alloc(&arena, 48))
        continue;
    assert_true(arena.over_budget);
    assert_true(arena.used > (64 << 20) - 48);
    assert_true(fault_allocations() < 80);
    weft_arena_fini(&arena);
}

static size_t allocated;

static void *measure_malloc(size_t size)
{
    allocated += size;
    return malloc(size);
}

static void test_arena_takes_little_more_memory_than_its_budget(void **state)
{
    (void)state;
    static const struct weft_allocator measuring = {
        .malloc = measure_malloc, .realloc = realloc, .free = free};
    struct weft_arena arena;
    weft_mem_use(&measuring);
    allocated = 0;
    weft_arena_init(&arena, 4 << 20);
    while (weft_arena_alloc(&arena, 16))
        continue;
    weft_arena_fini(&arena);
    weft_mem_use(NULL);
    assert_in_range(allocated, 4 << 20, (4 << 20) + 4096);
}

static void test_arena_fini_is_fine_twice(void **state)
{
    (void)state;
    struct weft_arena arena;
    weft_arena_init(&arena, 1000);
    assert_non_null(weft_arena_alloc(&arena, 1));
    weft_arena_fini(&arena);
    weft_arena_fini(&arena);
    assert_int_equal(fault_live(), 0);
}

static void test_memory_beside_an_arena_is_counted_until_the_arena_is_empty(void **state)
{
    (void)state;
    struct weft_arena arena;
    size_t first = 0, second = 0;
    weft_arena_init(&arena, 1000);
    weft_arena_count_beside(&arena, 7);
    weft_arena_count(&arena, &first);
    weft_arena_count_beside(&arena, 100);
    assert_int_equal(first, 107);
    assert_int_equal(weft_arena_memory(&arena), 107);
    assert_int_equal(arena.used, 0);
    weft_arena_count(&arena, &second);
    assert_int_equal(first, 0);
    assert_int_equal(second, 107);
    weft_arena_reset(&arena);
    assert_int_equal(second, 0);
    weft_arena_count_beside(&arena, 5);
    weft_arena_fini(&arena);
    assert_int_equal(second, 0);
}

static void fill_arena(void *arg)
{
    (void)arg;
    struct weft_arena arena;
    weft_arena_init(&arena, 1 << 20);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            size_t used = arena.used;
            size_t failed = fault_failed();
            void *p = weft_arena_alloc(&arena, 1000);
            assert_int_equal(p == NULL, fault_failed() > failed);
            assert_int_equal(arena.used, p ? used + 1008 : used);
            if (p)
                memset(p, 'x', 1000);
        }
        weft_arena_reset(&arena);
    }
    weft_arena_fini(&arena);
}

static void test_arena_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(fill_arena, NULL);
}

static void test_the_systems_allocator_is_whole_and_what_null_restores(void **state)
{
    const struct weft_allocator *system = weft_mem_system();
    (void)state;
    assert_true(system->malloc && system->realloc && system->free);
    assert_true(system->pages_new && system->pages_free);
    weft_mem_use(NULL);
    void *p = weft_malloc(10);
    assert_non_null(p);
    system->free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_systems_allocator_is_whole_and_what_null_restores),
        FAULT_TEST(test_allocator_in_use_serves_every_function),
        FAULT_TEST(test_null_restores_the_c_librarys_allocator),
        FAULT_TEST(test_calloc_zeroes),
        FAULT_TEST(test_calloc_refuses_a_product_that_overflows),
        FAULT_TEST(test_zeroed_arena_hands_out_nothing),
        FAULT_TEST(test_arena_memory_is_aligned_and_disjoint),
        FAULT_TEST(test_arena_begins_with_the_chunk_that_its_owner_wants),
        FAULT_TEST(test_arena_budget_is_met_exactly),
        FAULT_TEST(test_arena_size_that_cannot_be_is_over_budget),
        FAULT_TEST(test_arena_without_memory_is_not_over_budget),
        FAULT_TEST(test_arena_budget_is_whole_again_after_a_reset),
        FAULT_TEST(test_arena_in_steady_state_allocates_once),
        FAULT_TEST(test_arena_reset_keeps_the_first_chunk_only),
        FAULT_TEST(test_arena_reset_keeps_no_large_chunk),
        FAULT_TEST(test_arena_of_many_small_pieces_costs_few_allocations),
        cmocka_unit_test(test_arena_takes_little_more_memory_than_its_budget),
        FAULT_TEST(test_arena_fini_is_fine_twice),
        cmocka_unit_test(test_memory_beside_an_arena_is_counted_until_the_arena_is_empty),
        cmocka_unit_test(test_arena_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
