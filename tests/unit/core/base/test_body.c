/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/body.h"

static void test_body_of_a_view_writes_its_bytes_each_time(void **state)
{
    (void)state;
    struct weft_body_bytes bytes = weft_body_from_view(weft_view_str("hello"));
    assert_int_equal(bytes.body.size, 5);
    assert_null(bytes.body.blob);
    for (int i = 0; i < 2; i++) {
        uint8_t dst[6] = "......";
        weft_body_write(&bytes.body, dst);
        assert_memory_equal(dst, "hello.", 6);
    }
}

static void test_body_of_an_empty_view_writes_nothing(void **state)
{
    (void)state;
    struct weft_body_bytes bytes = weft_body_from_view(weft_view(NULL, 0));
    uint8_t dst[1] = {'.'};
    weft_body_write(&bytes.body, dst);
    assert_int_equal(bytes.body.size, 0);
    assert_int_equal(dst[0], '.');
}

static void test_body_of_a_blob_borrows_the_callers_reference(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(3, &data);
    assert_non_null(blob);
    memcpy(data, "abc", 3);

    struct weft_body body = weft_body_from_blob(blob);
    assert_int_equal(body.size, 3);
    assert_ptr_equal(body.blob, blob);
    assert_null(body.write);
    uint8_t dst[4] = "....";
    weft_body_write(&body, dst);
    assert_memory_equal(dst, "abc.", 4);
    weft_blob_unref(blob);
}

static void test_body_of_an_empty_blob_writes_nothing(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(0, &data);
    assert_non_null(blob);
    struct weft_body body = weft_body_from_blob(blob);
    uint8_t dst[1] = {'.'};
    weft_body_write(&body, dst);
    assert_int_equal(dst[0], '.');
    weft_blob_unref(blob);
}

static void test_body_of_parts_is_known_as_one_and_writes_both(void **state)
{
    (void)state;
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(3, &data);
    assert_non_null(blob);
    memcpy(data, "abc", 3);
    struct weft_body_parts parts =
        weft_body_from_parts(weft_view_str("12"), blob, weft_view_skip(weft_blob_view(blob), 1));
    uint8_t dst[6] = "......";
    weft_body_write(&parts.body, dst);
    assert_memory_equal(dst, "12bc..", 6);
    assert_ptr_equal(weft_body_parts_of(&parts.body), &parts);
    assert_false(parts.lasting);

    struct weft_body body = weft_body_from_blob(blob);
    assert_null(weft_body_parts_of(&body));
    struct weft_body_parts empty =
        weft_body_from_parts(weft_view(NULL, 0), blob, weft_view(NULL, 0));
    weft_body_write(&empty.body, dst);
    assert_memory_equal(dst, "12bc..", 6);
    weft_blob_unref(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_of_a_view_writes_its_bytes_each_time),
        cmocka_unit_test(test_body_of_an_empty_view_writes_nothing),
        cmocka_unit_test(test_body_of_a_blob_borrows_the_callers_reference),
        cmocka_unit_test(test_body_of_an_empty_blob_writes_nothing),
        cmocka_unit_test(test_body_of_parts_is_known_as_one_and_writes_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
