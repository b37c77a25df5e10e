/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "services/payload/json/build.h"

static struct weft_text text;
static struct weft_json_build json;

static int begin(void **state)
{
    text = (struct weft_text){.failed = false};
    json = (struct weft_json_build){.text = &text};
    return fault_setup(state);
}

static int end(void **state)
{
    weft_text_fini(&text);
    return fault_teardown(state);
}

#define assert_built(expected)                                                                     \
    do {                                                                                           \
        struct weft_view built = weft_text_view(&text);                                            \
        assert_false(text.failed);                                                                 \
        assert_int_equal(built.size, strlen(expected));                                            \
        assert_memory_equal(built.data, expected, built.size);                                     \
    } while (0)

static void test_values_have_commas_between_them_and_keys_before(void **state)
{
    (void)state;
    weft_json_open(&json, NULL, '{');
    weft_json_number(&json, "count", 3);
    weft_json_open(&json, "names", '[');
    weft_json_string(&json, NULL, "a");
    weft_json_string(&json, NULL, NULL);
    weft_json_open(&json, NULL, '{');
    weft_json_close(&json, '}');
    weft_json_close(&json, ']');
    weft_json_bool(&json, "yes", true);
    weft_json_bool(&json, "no", false);
    weft_json_close(&json, '}');
    assert_built("{\"count\":3,\"names\":[\"a\",null,{}],\"yes\":true,\"no\":false}");
}

static void test_numbers_are_written_as_json_has_them(void **state)
{
    (void)state;
    weft_json_open(&json, NULL, '[');
    weft_json_number(&json, NULL, 0.25);
    weft_json_number(&json, NULL, 1e15);
    weft_json_number(&json, NULL, -7);
    weft_json_number(&json, NULL, 1e300);
    weft_json_number(&json, NULL, (double)INFINITY);
    weft_json_integer(&json, NULL, UINT64_MAX);
    weft_json_close(&json, ']');
    assert_built("[0.25,1000000000000000,-7,1e+300,null,18446744073709551615]");
}

static void test_strings_are_escaped_and_bytes_that_are_no_text_replaced(void **state)
{
    (void)state;
    weft_json_open(&json, NULL, '[');
    weft_json_string(&json, NULL, "a\"b\n\xc3\xa4");
    weft_json_string(&json, NULL, "tail\\");
    weft_json_view(&json, NULL, weft_view("x\xff\"y\x01", 5));
    weft_json_close(&json, ']');
    assert_built("[\"a\\\"b\\n\xc3\xa4\",\"tail\\\\\",\"x??y?\"]");
}

static void test_long_line_is_cut(void **state)
{
    (void)state;
    weft_text_printf(&text, "%2000d", 1);
    assert_int_equal(weft_text_view(&text).size, 1023);
}

static void test_text_without_memory_has_failed_for_good(void **state)
{
    (void)state;
    fault_arm(FAULT_ONE, 0);
    weft_json_open(&json, NULL, '{');
    weft_json_string(&json, "a", "b");
    assert_true(text.failed);
    assert_int_equal(weft_text_view(&text).size, 0);
}

#define TEST_BUILD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BUILD(test_values_have_commas_between_them_and_keys_before),
        TEST_BUILD(test_numbers_are_written_as_json_has_them),
        TEST_BUILD(test_strings_are_escaped_and_bytes_that_are_no_text_replaced),
        TEST_BUILD(test_long_line_is_cut),
        TEST_BUILD(test_text_without_memory_has_failed_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
