/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/bytes.h"
#include "lib/fault.h"

static void test_view_equal_compares_size_and_bytes(void **state)
{
    (void)state;
    assert_true(weft_view_equal(weft_view("ab", 2), weft_view_str("ab")));
    assert_false(weft_view_equal(weft_view("ab", 2), weft_view("abc", 3)));
    assert_false(weft_view_equal(weft_view("ab", 2), weft_view("aB", 2)));
}

/* The ways to compare differ by size. */
static void test_view_equal_sees_a_difference_at_every_place_of_every_size(void **state)
{
    enum { MOST = 40 };
    (void)state;
    for (size_t size = 1; size <= MOST; size++) {
        for (size_t at = 0; at < size; at++) {
            uint8_t a[MOST] = {0}, b[MOST] = {0};
            assert_true(weft_view_equal(weft_view(a, size), weft_view(b, size)));
            b[at] = 0x80;
            assert_false(weft_view_equal(weft_view(a, size), weft_view(b, size)));
        }
    }
}

static void test_view_equal_of_empty_views_needs_no_bytes(void **state)
{
    (void)state;
    assert_true(weft_view_equal(weft_view(NULL, 0), weft_view("", 0)));
}

static void test_view_skip_leaves_the_rest(void **state)
{
    (void)state;
    struct weft_view view = weft_view_str("abcd");
    assert_true(weft_view_equal(weft_view_skip(view, 3), weft_view_str("d")));
    assert_int_equal(weft_view_skip(view, 4).size, 0);
}

static void test_view_skip_of_nothing_from_null_is_fine(void **state)
{
    (void)state;
    assert_null(weft_view_skip(weft_view(NULL, 0), 0).data);
}

static void test_be32_is_network_byte_order(void **state)
{
    (void)state;
    uint8_t bytes[4];
    weft_store_be32(bytes, 0x81020304u);
    assert_memory_equal(bytes, "\x81\x02\x03\x04", 4);
    assert_int_equal(weft_load_be32(bytes), 0x81020304u);
}

static void test_copy_owns_its_bytes(void **state)
{
    (void)state;
    char source[] = "hello";
    struct weft_bytes bytes;
    assert_int_equal(weft_bytes_copy(&bytes, weft_view_str(source)), 0);
    source[0] = 'j';
    assert_int_equal(bytes.size, 5);
    assert_memory_equal(bytes.data, "hello", 5);
    weft_bytes_fini(&bytes);
}

static void test_copy_of_an_empty_view_is_empty(void **state)
{
    (void)state;
    struct weft_bytes bytes = {.size = 99};
    assert_int_equal(weft_bytes_copy(&bytes, weft_view(NULL, 0)), 0);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 0);
}

static void test_fini_leaves_it_empty_and_takes_a_zeroed_one(void **state)
{
    (void)state;
    struct weft_bytes bytes;
    assert_int_equal(weft_bytes_copy(&bytes, weft_view_str("x")), 0);
    weft_bytes_fini(&bytes);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 0);
    weft_bytes_fini(&bytes);
}

static void copy_once(void *arg)
{
    (void)arg;
    struct weft_bytes bytes;
    int rc = weft_bytes_copy(&bytes, weft_view_str("hello"));
    assert_int_equal(rc, fault_failed() ? -ENOMEM : 0);
    assert_int_equal(bytes.size, fault_failed() ? 0 : 5);
    weft_bytes_fini(&bytes);
}

static void test_copy_without_memory_is_empty(void **state)
{
    (void)state;
    fault_each(copy_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_equal_compares_size_and_bytes),
        cmocka_unit_test(test_view_equal_sees_a_difference_at_every_place_of_every_size),
        cmocka_unit_test(test_view_equal_of_empty_views_needs_no_bytes),
        cmocka_unit_test(test_view_skip_leaves_the_rest),
        cmocka_unit_test(test_view_skip_of_nothing_from_null_is_fine),
        cmocka_unit_test(test_be32_is_network_byte_order),
        cmocka_unit_test(test_copy_owns_its_bytes),
        cmocka_unit_test(test_copy_of_an_empty_view_is_empty),
        cmocka_unit_test(test_fini_leaves_it_empty_and_takes_a_zeroed_one),
        cmocka_unit_test(test_copy_without_memory_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
