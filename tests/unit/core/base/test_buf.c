/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "lib/fault.h"
#include "lib/random.h"

static void append(struct weft_buf *buf, const char *text)
{
    assert_int_equal(weft_buf_append(buf, weft_view_str(text)), 0);
}

static void expect(const struct weft_buf *buf, const char *text)
{
    assert_true(weft_view_equal(weft_buf_view(buf), weft_view_str(text)));
}

static void test_zeroed_buf_is_empty(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    assert_int_equal(weft_buf_size(&buf), 0);
    assert_null(weft_buf_view(&buf).data);
    weft_buf_consume(&buf, 0);
    weft_buf_fini(&buf);
}

static void test_append_and_consume_are_first_in_first_out(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    append(&buf, "hello ");
    append(&buf, "world");
    expect(&buf, "hello world");
    weft_buf_consume(&buf, 6);
    expect(&buf, "world");
    weft_buf_fini(&buf);
}

static void test_reserved_bytes_count_once_committed(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    uint8_t *dst = weft_buf_reserve(&buf, 100);
    assert_non_null(dst);
    memcpy(dst, "abc", 3);
    assert_int_equal(weft_buf_size(&buf), 0);
    weft_buf_commit(&buf, 3);
    expect(&buf, "abc");
    weft_buf_fini(&buf);
}

static void test_reserve_of_nothing_is_not_out_of_memory(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    assert_non_null(weft_buf_reserve(&buf, 0));
    weft_buf_fini(&buf);
}

static void test_append_of_nothing_allocates_nothing(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    assert_int_equal(weft_buf_append(&buf, weft_view(NULL, 0)), 0);
    assert_null(buf.data);
}

static void test_size_that_cannot_be_is_no_memory(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    append(&buf, "abc");
    assert_null(weft_buf_reserve(&buf, SIZE_MAX));
    assert_null(weft_buf_reserve(&buf, SIZE_MAX / 2));
    expect(&buf, "abc");
    weft_buf_fini(&buf);
}

static void test_consuming_all_makes_the_whole_memory_usable_again(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    append(&buf, "abc");
    const uint8_t *data = buf.data;
    size_t cap = buf.cap;
    weft_buf_consume(&buf, 3);
    assert_ptr_equal(weft_buf_reserve(&buf, cap), data);
    weft_buf_fini(&buf);
}

static void test_growing_byte_by_byte_costs_few_allocations(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    for (int i = 0; i < 100000; i++)
        assert_int_equal(weft_buf_append(&buf, weft_view("x", 1)), 0);
    assert_true(fault_allocations() < 16);
    weft_buf_fini(&buf);
}

static void test_short_tail_is_moved_rather_than_memory_grown(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    assert_non_null(weft_buf_reserve(&buf, 1000));
    for (int i = 0; i < 1000; i++) {
        append(&buf, "0123456789");
        weft_buf_consume(&buf, i == 0 ? 3 : 10);
    }
    expect(&buf, "3456789");
    assert_int_equal(fault_allocations(), 1);
    weft_buf_fini(&buf);
}

static void test_steady_window_keeps_memory_in_proportion(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    char window[900];
    memset(window, 'w', sizeof window);
    assert_int_equal(weft_buf_append(&buf, weft_view(window, sizeof window)), 0);
    for (int i = 0; i < 10000; i++) {
        append(&buf, "0123456");
        weft_buf_consume(&buf, 7);
    }
    assert_true(buf.cap <= 4 * (sizeof window + 7));
    weft_buf_fini(&buf);
}

static void test_fini_frees_and_leaves_it_empty(void **state)
{
    (void)state;
    struct weft_buf buf = {0};
    append(&buf, "abc");
    weft_buf_fini(&buf);
    assert_int_equal(fault_live(), 0);
    assert_int_equal(weft_buf_size(&buf), 0);
}

/* Each step either does what it says or leaves the buf as it was. */
static void fill_and_drain(void *arg)
{
    (void)arg;
    struct weft_buf buf = {0};
    uint8_t model[4096];
    size_t begin = 0, end = 0;
    uint8_t piece[512];
    for (unsigned i = 0; i < 12; i++) {
        size_t size = 40 * (i + 1);
        memset(piece, 'a' + (int)i, size);
        size_t failed = fault_failed();
        int rc = weft_buf_append(&buf, weft_view(piece, size));
        assert_int_equal(rc, fault_failed() > failed ? -ENOMEM : 0);
        if (rc == 0) {
            memcpy(model + end, piece, size);
            end += size;
        }
        size_t drop = (end - begin) / 3;
        weft_buf_consume(&buf, drop);
        begin += drop;
        assert_true(weft_view_equal(weft_buf_view(&buf), weft_view(model + begin, end - begin)));
    }
    weft_buf_fini(&buf);
}

static void test_every_failing_allocation_leaves_it_unchanged(void **state)
{
    (void)state;
    fault_each(fill_and_drain, NULL);
}

/* Against a plain array that never moves. */
static void test_random_walk_is_as_a_plain_array(void **state)
{
    (void)state;
    enum { MODEL_SIZE = 1 << 22 };
    struct test_random random = test_random_start(11);
    uint8_t *model = malloc(MODEL_SIZE);
    assert_non_null(model);
    size_t begin = 0, end = 0;
    struct weft_buf buf = {0};

    for (int step = 0; step < 20000 && end + 2000 < MODEL_SIZE; step++) {
        size_t size = test_random_below(&random, test_random_below(&random, 8) ? 100 : 2000);
        uint8_t *dst = weft_buf_reserve(&buf, size);
        assert_non_null(dst);
        size_t commit = size ? test_random_below(&random, size + 1) : 0;
        for (size_t i = 0; i < commit; i++)
            dst[i] = model[end + i] = (uint8_t)test_random_next(&random);
        weft_buf_commit(&buf, commit);
        end += commit;

        size_t drop = test_random_below(&random, end - begin + 1);
        weft_buf_consume(&buf, drop);
        begin += drop;
        assert_true(weft_view_equal(weft_buf_view(&buf), weft_view(model + begin, end - begin)));
    }
    weft_buf_fini(&buf);
    free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_buf_is_empty),
        cmocka_unit_test(test_append_and_consume_are_first_in_first_out),
        cmocka_unit_test(test_reserved_bytes_count_once_committed),
        cmocka_unit_test(test_reserve_of_nothing_is_not_out_of_memory),
        cmocka_unit_test(test_append_of_nothing_allocates_nothing),
        cmocka_unit_test(test_size_that_cannot_be_is_no_memory),
        cmocka_unit_test(test_consuming_all_makes_the_whole_memory_usable_again),
        FAULT_TEST(test_growing_byte_by_byte_costs_few_allocations),
        FAULT_TEST(test_short_tail_is_moved_rather_than_memory_grown),
        FAULT_TEST(test_steady_window_keeps_memory_in_proportion),
        FAULT_TEST(test_fini_frees_and_leaves_it_empty),
        cmocka_unit_test(test_every_failing_allocation_leaves_it_unchanged),
        cmocka_unit_test(test_random_walk_is_as_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
