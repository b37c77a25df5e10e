/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/option.h"

static const struct weft_option_value values[] = {{"codec", "raw"}, {"level", ""}, {"LEVEL", "9"}};
static const struct weft_option_set set = {values, sizeof values / sizeof *values};

static void test_get_finds_the_value_by_its_exact_name(void **state)
{
    (void)state;
    assert_string_equal(weft_option_get(&set, "codec"), "raw");
    assert_string_equal(weft_option_get(&set, "LEVEL"), "9");
}

static void test_get_tells_an_empty_value_from_none(void **state)
{
    (void)state;
    assert_string_equal(weft_option_get(&set, "level"), "");
    assert_null(weft_option_get(&set, "lev"));
    assert_null(weft_option_get(&set, "levels"));
}

static void test_get_from_an_empty_set_is_null(void **state)
{
    (void)state;
    const struct weft_option_set empty = {NULL, 0};
    assert_null(weft_option_get(&empty, "codec"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_finds_the_value_by_its_exact_name),
        cmocka_unit_test(test_get_tells_an_empty_value_from_none),
        cmocka_unit_test(test_get_from_an_empty_set_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
