/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "core/base/blob.h"
#include "lib/fault.h"

static void test_new_holds_the_bytes_written_through_data(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(5, &data);
    assert_non_null(blob);
    memcpy(data, "hello", 5);
    assert_true(weft_view_equal(weft_blob_view(blob), weft_view_str("hello")));
    weft_blob_unref(blob);
}

static void test_empty_blob_is_a_blob(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(0, &data);
    assert_non_null(blob);
    assert_int_equal(weft_blob_view(blob).size, 0);
    weft_blob_unref(blob);
}

static void test_size_that_cannot_be_is_no_memory(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    assert_null(weft_blob_new(SIZE_MAX, &data));
    assert_null(weft_blob_new(SIZE_MAX - 8, &data));
    assert_null(data);
}

static void test_last_unref_frees_and_no_earlier_one(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(1, &data);
    assert_non_null(blob);
    assert_ptr_equal(weft_blob_ref(blob), blob);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 1);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 0);
}

static void test_unref_takes_null(void **state)
{
    (void)state;
    weft_blob_unref(NULL);
    assert_int_equal(fault_live(), 0);
}

static void new_once(void *arg)
{
    (void)arg;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(100, &data);
    assert_int_equal(blob == NULL, fault_failed() > 0);
    weft_blob_unref(blob);
}

static void test_new_without_memory_is_null(void **state)
{
    (void)state;
    fault_each(new_once, NULL);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *ref_and_unref(void *arg)
{
    struct weft_blob *blob = arg;
    for (int i = 0; i < ROUNDS; i++)
        weft_blob_unref(weft_blob_ref(blob));
    weft_blob_unref(blob);
    return NULL;
}

static void test_references_are_counted_across_threads(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(64, &data);
    assert_non_null(blob);
    memset(data, 'x', 64);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, weft_blob_ref(blob)), 0);
    weft_blob_unref(blob);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(fault_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_holds_the_bytes_written_through_data),
        cmocka_unit_test(test_empty_blob_is_a_blob),
        cmocka_unit_test(test_size_that_cannot_be_is_no_memory),
        FAULT_TEST(test_last_unref_frees_and_no_earlier_one),
        FAULT_TEST(test_unref_takes_null),
        cmocka_unit_test(test_new_without_memory_is_null),
        FAULT_TEST(test_references_are_counted_across_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
