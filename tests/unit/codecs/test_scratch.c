/* SPDX-License-Identifier: MIT */
#include "codecs/compress/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "lib/fault.h"

enum { MIB = 1 << 20 };

static struct weft__scratch reserved(size_t size)
{
    struct weft__scratch scratch = {0};
    assert_int_equal(weft__scratch_reserve(&scratch, size), 0);
    assert_true(scratch.size >= size);
    memset(scratch.data, 0xa5, size);
    return scratch;
}

static void test_scratch_has_an_address_for_no_bytes(void **state)
{
    (void)state;
    struct weft__scratch scratch = reserved(0);
    assert_non_null(scratch.data);
    weft__scratch_fini(&scratch);
}

static void test_scratch_up_to_1_mib_is_kept(void **state)
{
    (void)state;
    struct weft__scratch scratch = reserved(MIB);
    fault_arm(FAULT_FROM, 0);
    weft__scratch_trim(&scratch);
    assert_int_equal(weft__scratch_reserve(&scratch, MIB), 0);
    assert_int_equal(weft__scratch_reserve(&scratch, 1), 0);
    assert_int_equal(fault_allocations(), 0);
    weft__scratch_fini(&scratch);
}

static void test_scratch_grows_by_doubling(void **state)
{
    (void)state;
    struct weft__scratch scratch = reserved(1);
    fault_arm(FAULT_ONE, SIZE_MAX);
    for (size_t size = 1; size <= MIB; size += 1000)
        assert_int_equal(weft__scratch_reserve(&scratch, size), 0);
    assert_in_range(fault_allocations(), 1, 8);
    weft__scratch_fini(&scratch);
}

static void test_scratch_over_1_mib_goes_when_it_has_been_read(void **state)
{
    (void)state;
    struct weft__scratch scratch = reserved(MIB + 1);
    weft__scratch_trim(&scratch);
    assert_int_equal(fault_live(), 0);
    assert_null(scratch.data);
    weft__scratch_trim(&scratch);
    weft__scratch_fini(&scratch);
}

static void test_size_that_no_memory_has_is_refused(void **state)
{
    (void)state;
    struct weft__scratch scratch = {0};
    assert_int_equal(weft__scratch_reserve(&scratch, SIZE_MAX), -ENOMEM);
    weft__scratch_fini(&scratch);
}

static void grow_and_trim(void *arg)
{
    struct weft__scratch scratch = {0};
    (void)arg;
    int small = weft__scratch_reserve(&scratch, MIB), large = 0;
    if (small == 0)
        large = weft__scratch_reserve(&scratch, 3 * MIB);
    assert_int_equal(small < 0 || large<0, fault_failed()> 0);
    weft__scratch_fini(&scratch);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(grow_and_trim, NULL);
}

static int refuse_to_free(void *p, size_t size)
{
    (void)p;
    (void)size;
    return -ENOMEM;
}

/* The system has no memory to note the hole: what cannot go is used again. */
static void test_pages_that_cannot_be_freed_are_kept(void **state)
{
    struct weft_allocator stubborn = *weft_mem_system();
    (void)state;
    stubborn.pages_free = refuse_to_free;
    weft_mem_use(&stubborn);
    struct weft__scratch scratch = reserved(2 * MIB);
    const uint8_t *before = scratch.data;
    weft__scratch_trim(&scratch);
    assert_ptr_equal(scratch.data, before);
    assert_int_equal(weft__scratch_reserve(&scratch, 2 * MIB), 0);
    assert_int_equal(weft__scratch_reserve(&scratch, 4 * MIB), -ENOMEM);
    assert_ptr_equal(scratch.data, before);
    weft_mem_use(NULL);
    weft__scratch_fini(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scratch_has_an_address_for_no_bytes),
        cmocka_unit_test_setup_teardown(test_scratch_up_to_1_mib_is_kept, fault_setup,
                                        fault_teardown),
        cmocka_unit_test_setup_teardown(test_scratch_grows_by_doubling, fault_setup,
                                        fault_teardown),
        cmocka_unit_test_setup_teardown(test_scratch_over_1_mib_goes_when_it_has_been_read,
                                        fault_setup, fault_teardown),
        cmocka_unit_test(test_size_that_no_memory_has_is_refused),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_pages_that_cannot_be_freed_are_kept),
    };
    return cmocka_run_group_tests_name("scratch", tests, NULL, NULL);
}
