/* SPDX-License-Identifier: MIT
 *
 * Metadata as plain text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/metadata.h"

static void expect(struct weft_view view, const char *text)
{
    assert_non_null(view.data);
    assert_true(weft_view_equal(view, weft_view_str(text)));
}

static void test_fields_come_in_order(void **state)
{
    (void)state;
    struct weft_view rest = weft_view_str("a: 1\nb-bin: AA==\na: x: y\nempty: \n"), name, value;
    assert_true(weft_metadata_next(&rest, &name, &value));
    expect(name, "a");
    expect(value, "1");
    assert_true(weft_metadata_next(&rest, &name, &value));
    expect(name, "b-bin");
    expect(value, "AA==");
    assert_true(weft_metadata_next(&rest, &name, &value));
    expect(value, "x: y");
    assert_true(weft_metadata_next(&rest, &name, &value));
    expect(name, "empty");
    assert_int_equal(value.size, 0);
    assert_false(weft_metadata_next(&rest, &name, &value));
    assert_int_equal(rest.size, 0);
}

static void test_first_field_of_a_name_is_found(void **state)
{
    (void)state;
    struct weft_view metadata = weft_view_str("aa: 0\na: 1\na: 2\n");
    expect(weft_metadata_get(metadata, "a"), "1");
    assert_null(weft_metadata_get(metadata, "b").data);
    assert_null(weft_metadata_get(weft_view(NULL, 0), "a").data);
}

static void test_what_is_no_field_ends_the_list(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a", "a: 1", "a:1\n", "a\n", ": 1\n", "\n", "a:\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct weft_view rest = weft_view_str(texts[i]), name, value;
        assert_false(weft_metadata_next(&rest, &name, &value));
        assert_int_equal(rest.size, strlen(texts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_come_in_order),
        cmocka_unit_test(test_first_field_of_a_name_is_found),
        cmocka_unit_test(test_what_is_no_field_ends_the_list),
    };
    return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
