/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>
#include <string.h>

#include "lib/fault.h"
#include "services/kv/stores/memory/runs.h"

enum {
    PAGES = 4095 /* of a region, behind its first */,
    FEW = 3 /* of the largest runs fill one */
};

static struct kv_runs runs;
static uint8_t *pages[PAGES];

static int setup(void **state)
{
    (void)state;
    fault_install();
    return kv_runs_init(&runs);
}

static int teardown(void **state)
{
    (void)state;
    kv_runs_fini(&runs);
    size_t live = fault_live();
    fault_remove();
    return live > 0 ? -1 : 0;
}

/* Fills one region with runs of a page each, in the order of their addresses. */
static void fill(void)
{
    for (size_t i = 0; i < PAGES; i++) {
        pages[i] = kv_runs_take(&runs, 1);
        assert_non_null(pages[i]);
        assert_ptr_equal(pages[i], pages[0] + i * KV_PAGE);
        memset(pages[i], (int)i, KV_PAGE);
    }
    assert_int_equal(fault_live(), 1);
}

static void give_pages(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        kv_runs_give(&runs, pages[i], 1);
}

static void give_all(void)
{
    give_pages(0, PAGES);
}

static void test_region_has_a_run_for_each_page_but_its_first(void **state)
{
    (void)state;
    fill();
    uint8_t *other = kv_runs_take(&runs, 1);
    assert_int_equal(fault_live(), 2);
    kv_runs_give(&runs, other, 1);
    assert_int_equal(fault_live(), 1);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(pages[i][KV_PAGE - 1], (uint8_t)i);
    give_all();
}

static void test_the_only_hole_is_found_wherever_it_is(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < PAGES; i++) {
        kv_runs_give(&runs, pages[i], 1);
        assert_ptr_equal(kv_runs_take(&runs, 1), pages[i]);
    }
    give_all();
}

static void test_hole_is_taken_if_it_is_as_large_as_the_run(void **state)
{
    static const size_t sizes[] = {2, 63, 64, 65, 128, 129, KV_RUN_PAGES_MAX};
    static const size_t places[] = {0, 1, 62, 63, 64, 127, 1000, PAGES - KV_RUN_PAGES_MAX - 1};
    (void)state;
    fill();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            size_t size = sizes[s], at = places[p];
            give_pages(at, size - 1);
            fault_arm(FAULT_FROM, 0);
            assert_null(kv_runs_take(&runs, size));
            assert_int_equal(fault_failed(), 1);
            give_pages(at + size - 1, 1);
            assert_ptr_equal(kv_runs_take(&runs, size), pages[at]);
            kv_runs_give(&runs, pages[at], size);
            for (size_t i = at; i < at + size; i++)
                assert_ptr_equal(kv_runs_take(&runs, 1), pages[i]);
            assert_int_equal(fault_failed(), 1);
        }
    give_all();
}

static void test_smaller_runs_are_found_where_a_larger_one_was_not(void **state)
{
    (void)state;
    fill();
    give_pages(100, 4);
    give_pages(200, 2);
    fault_arm(FAULT_FROM, 0);
    assert_null(kv_runs_take(&runs, 6));
    assert_null(kv_runs_take(&runs, 5));
    assert_ptr_equal(kv_runs_take(&runs, 4), pages[100]);
    assert_null(kv_runs_take(&runs, 3));
    assert_ptr_equal(kv_runs_take(&runs, 2), pages[200]);
    assert_null(kv_runs_take(&runs, 1));
    give_all();
}

static void test_pages_that_are_given_go_back_to_the_system(void **state)
{
    (void)state;
    uint8_t *run = kv_runs_take(&runs, 3), *other = kv_runs_take(&runs, 1);
    memset(run, 7, (size_t)3 * KV_PAGE);
    kv_runs_give(&runs, run, 3);
    assert_ptr_equal(kv_runs_take(&runs, 3), run);
    for (size_t i = 0; i < (size_t)3 * KV_PAGE; i++)
        assert_int_equal(run[i], 0); /* as a page is that the system has just given */
    kv_runs_give(&runs, run, 3);
    kv_runs_give(&runs, other, 1);
}

static void take_region(uint8_t *run[FEW], size_t regions)
{
    for (size_t i = 0; i < FEW; i++)
        run[i] = kv_runs_take(&runs, KV_RUN_PAGES_MAX);
    assert_int_equal(fault_live(), regions);
}

static void give_region(uint8_t *run[FEW], size_t regions)
{
    for (size_t i = 0; i < FEW; i++)
        kv_runs_give(&runs, run[i], KV_RUN_PAGES_MAX);
    assert_int_equal(fault_live(), regions);
}

static void test_empty_regions_go_but_for_the_last(void **state)
{
    uint8_t *first[FEW], *second[FEW], *third[FEW];
    (void)state;
    take_region(first, 1);
    take_region(second, 2);
    take_region(third, 3);
    give_region(second, 2);
    give_region(first, 1);
    give_region(third, 1);
    take_region(first, 1);
    take_region(second, 2);
    give_region(second, 1);
    give_region(first, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_region_has_a_run_for_each_page_but_its_first),
        TEST(test_the_only_hole_is_found_wherever_it_is),
        TEST(test_hole_is_taken_if_it_is_as_large_as_the_run),
        TEST(test_smaller_runs_are_found_where_a_larger_one_was_not),
        TEST(test_pages_that_are_given_go_back_to_the_system),
        TEST(test_empty_regions_go_but_for_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
