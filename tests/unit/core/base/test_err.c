/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/err.h"

static void test_strerror_words_the_systems_errors(void **state)
{
    (void)state;
    assert_string_equal(weft_strerror(-ENOENT), "No such file or directory");
}

static void test_strerror_words_our_own_errors(void **state)
{
    (void)state;
    assert_string_equal(weft_strerror(WEFT_ETOOBIG), "over a limit");
    assert_string_equal(weft_strerror(WEFT_ELOST), "frame boundary lost");
}

static void test_strerror_is_never_null(void **state)
{
    (void)state;
    static const int odd[] = {1, 99, -999, -1000, -1099, -4096, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_string_equal(weft_strerror(odd[i]), "unknown error");
}

static void test_errname_names_both_kinds(void **state)
{
    (void)state;
    assert_string_equal(weft_errname(-EAGAIN), "EAGAIN");
    assert_string_equal(weft_errname(WEFT_ECONFIG), "WEFT_ECONFIG");
}

#ifdef __GLIBC__
static void test_errname_knows_every_error_that_the_c_library_knows(void **state)
{
    (void)state;
    for (int number = 1; number < 1000; number++) {
        const char *name = strerrorname_np(number);
        assert_string_equal(weft_errname(-number), name ? name : "unknown");
        assert_string_equal(weft_strerror(-number),
                            name ? strerrordesc_np(number) : "unknown error");
    }
}
#endif

static void test_errname_of_anything_else_is_unknown(void **state)
{
    (void)state;
    static const int odd[] = {0, 1, EAGAIN, -999, -1099, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_string_equal(weft_errname(odd[i]), "unknown");
}

static void test_every_own_error_has_a_value_of_its_own(void **state)
{
    (void)state;
    static const int values[] = {
#define X(name, value, text) name,
        WEFT_ERROR_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_true(values[i] < -1000);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(values[i], values[j]);
    }
}

static void test_error_set_returns_the_code_and_keeps_both(void **state)
{
    (void)state;
    struct weft_error error;
    assert_int_equal(weft_error_set(&error, WEFT_ECONFIG, "no '%s' in %d", "x", 7), WEFT_ECONFIG);
    assert_int_equal(error.code, WEFT_ECONFIG);
    assert_string_equal(error.text, "no 'x' in 7");
}

static void test_error_set_takes_null(void **state)
{
    (void)state;
    assert_int_equal(weft_error_set(NULL, -EINVAL, "%d", 1), -EINVAL);
}

static void test_error_set_cuts_a_long_text_and_terminates_it(void **state)
{
    (void)state;
    char text[2 * sizeof((struct weft_error *)0)->text];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';

    struct weft_error error;
    weft_error_set(&error, -EINVAL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void test_error_set_keeps_the_text_on_one_line(void **state)
{
    (void)state;
    struct weft_error error;
    weft_error_set(&error, -EINVAL, "no '%s'", "a\n\x1b\x7f\xC3\xA9");
    assert_string_equal(error.text, "no 'a???\xC3\xA9'");
}

/* The C locale has no bytes for such a character, so printf refuses. */
static void test_error_set_without_a_printable_text_leaves_it_empty(void **state)
{
    (void)state;
    struct weft_error error;
    assert_int_equal(weft_error_set(&error, -EINVAL, "no %ls", L"\u20AC"), -EINVAL);
    assert_string_equal(error.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strerror_words_the_systems_errors),
        cmocka_unit_test(test_strerror_words_our_own_errors),
        cmocka_unit_test(test_strerror_is_never_null),
        cmocka_unit_test(test_errname_names_both_kinds),
#ifdef __GLIBC__
        cmocka_unit_test(test_errname_knows_every_error_that_the_c_library_knows),
#endif
        cmocka_unit_test(test_errname_of_anything_else_is_unknown),
        cmocka_unit_test(test_every_own_error_has_a_value_of_its_own),
        cmocka_unit_test(test_error_set_returns_the_code_and_keeps_both),
        cmocka_unit_test(test_error_set_takes_null),
        cmocka_unit_test(test_error_set_cuts_a_long_text_and_terminates_it),
        cmocka_unit_test(test_error_set_keeps_the_text_on_one_line),
        cmocka_unit_test(test_error_set_without_a_printable_text_leaves_it_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
