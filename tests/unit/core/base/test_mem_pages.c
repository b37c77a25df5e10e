/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "lib/fault.h"

enum { SIZE = 64 * 1024, COUNT = 40 };

static bool is_zeroed(const uint8_t *p)
{
    return p[0] == 0 && memcmp(p, p + 1, SIZE - 1) == 0;
}

/* Also where what is mapped before leaves no room at a multiple of their size. */
static void test_pages_are_zeroed_and_aligned_to_their_size(void **state)
{
    void *pages[COUNT], *between[COUNT];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        between[i] = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(between[i] != MAP_FAILED);
        pages[i] = weft_pages_new(SIZE);
        assert_non_null(pages[i]);
        assert_int_equal((uintptr_t)pages[i] % SIZE, 0);
        assert_true(is_zeroed(pages[i]));
        memset(pages[i], i + 1, SIZE);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(*(uint8_t *)pages[i], i + 1);
        assert_int_equal(weft_pages_free(pages[i], SIZE), 0);
        munmap(between[i], page);
    }
}

static void test_pages_that_were_freed_are_the_systems(void **state)
{
    (void)state;
    void *pages = weft_pages_new(SIZE);
    assert_non_null(pages);
    assert_int_equal(weft_pages_free(pages, SIZE), 0);
    /* msync(2): ENOMEM where memory is not mapped. */
    assert_int_equal(msync(pages, SIZE, MS_ASYNC), -1);
    assert_int_equal(errno, ENOMEM);
}

static void test_no_address_space_for_pages_is_told(void **state)
{
    (void)state;
    assert_null(weft_pages_new((size_t)1 << 62));
}

static void take_and_free(void *arg)
{
    (void)arg;
    void *pages = weft_pages_new(SIZE);
    assert_int_equal(pages == NULL, fault_failed() > 0);
    if (pages)
        assert_int_equal(weft_pages_free(pages, SIZE), 0);
}

static void test_pages_come_from_the_allocator_in_use(void **state)
{
    (void)state;
    fault_each(take_and_free, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_zeroed_and_aligned_to_their_size),
        cmocka_unit_test(test_pages_that_were_freed_are_the_systems),
        cmocka_unit_test(test_no_address_space_for_pages_is_told),
        cmocka_unit_test(test_pages_come_from_the_allocator_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
