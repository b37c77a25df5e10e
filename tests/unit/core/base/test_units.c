/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/units.h"
#include "lib/random.h"

typedef int (*parse_cb)(const char *text, uint64_t *number);

static void expect(parse_cb parse, const char *text, uint64_t number)
{
    uint64_t got = ~number;
    int rc = parse(text, &got);
    if (rc != 0 || got != number)
        fail_msg("'%s': %d, %llu", text, rc, (unsigned long long)got);
}

static void refuse(parse_cb parse, const char *text, int code)
{
    uint64_t got = 4711;
    int rc = parse(text, &got);
    if (rc != code)
        fail_msg("'%s': %d", text, rc);
    assert_int_equal(got, 4711);
}

static void test_count_is_decimal_digits(void **state)
{
    (void)state;
    expect(weft_parse_count, "0", 0);
    expect(weft_parse_count, "0012", 12);
    expect(weft_parse_count, "9223372036854775807", INT64_MAX);
}

static void test_count_refuses_anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x10", "1e3", "1.0", "a", "1KiB", "99999999999999999999x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(weft_parse_count, bad[i], -EINVAL);
}

static void test_count_over_63_bits_is_out_of_range(void **state)
{
    (void)state;
    refuse(weft_parse_count, "9223372036854775808", -ERANGE);
    refuse(weft_parse_count, "18446744073709551617", -ERANGE);
    refuse(weft_parse_count, "100000000000000000000000000000000", -ERANGE);
}

static void test_size_is_bytes_or_has_a_binary_unit(void **state)
{
    (void)state;
    expect(weft_parse_size, "4096", 4096);
    expect(weft_parse_size, "64KiB", 65536);
    expect(weft_parse_size, "8MiB", UINT64_C(8) << 20);
    expect(weft_parse_size, "1GiB", UINT64_C(1) << 30);
    expect(weft_parse_size, "0KiB", 0);
    expect(weft_parse_size, "64k", 65536);
    expect(weft_parse_size, "64K", 65536);
    expect(weft_parse_size, "100m", UINT64_C(100) << 20);
    expect(weft_parse_size, "1G", UINT64_C(1) << 30);
    expect(weft_parse_size, "8mib", UINT64_C(8) << 20);
}

static void test_size_refuses_any_other_unit(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "KiB",    "8MB",  "8KB", "8kb",   "8b",    "8 MiB",
        "8MiB ", "1.5MiB", "8TiB", "8Ki", "8KiBs", "-8MiB", "99999999999999999999MB"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(weft_parse_size, bad[i], -EINVAL);
}

static void test_size_over_63_bits_is_out_of_range(void **state)
{
    (void)state;
    expect(weft_parse_size, "8589934591GiB", UINT64_C(8589934591) << 30);
    refuse(weft_parse_size, "8589934592GiB", -ERANGE);
    refuse(weft_parse_size, "9223372036854775808", -ERANGE);
    refuse(weft_parse_size, "99999999999999999999KiB", -ERANGE);
}

static void test_seconds_may_have_a_fraction(void **state)
{
    (void)state;
    expect(weft_parse_seconds, "0", 0);
    expect(weft_parse_seconds, "30", UINT64_C(30000000000));
    expect(weft_parse_seconds, "0.25", 250000000);
    expect(weft_parse_seconds, "1.000000001", 1000000001);
    expect(weft_parse_seconds, "9223372036.854775807", INT64_MAX);
}

static void test_seconds_refuse_anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    ".5", "1.",  "1.2.3", "1e3", "-1", "1S",  "1 s",
        "1.s", "1M", "1ns", "1sec",  "0,5", " 1", "inf", "99999999999999999999."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(weft_parse_seconds, bad[i], -EINVAL);
}

static void test_seconds_may_be_given_in_another_unit(void **state)
{
    (void)state;
    expect(weft_parse_seconds, "10s", UINT64_C(10000000000));
    expect(weft_parse_seconds, "1.5s", 1500000000);
    expect(weft_parse_seconds, "250ms", 250000000);
    expect(weft_parse_seconds, "0.5ms", 500000);
    expect(weft_parse_seconds, "7us", 7000);
    expect(weft_parse_seconds, "5m", UINT64_C(300000000000));
    expect(weft_parse_seconds, "5min", UINT64_C(300000000000));
    expect(weft_parse_seconds, "1.5h", UINT64_C(5400000000000));
    expect(weft_parse_seconds, "2d", UINT64_C(172800000000000));
    expect(weft_parse_seconds, "9223372036854775us", INT64_MAX / 1000 * 1000);
    refuse(weft_parse_seconds, "9223372036854776us", -ERANGE);
    refuse(weft_parse_seconds, "106752d", -ERANGE);
}

static void test_seconds_finer_than_nanoseconds_are_refused(void **state)
{
    (void)state;
    refuse(weft_parse_seconds, "0.0000001ms", -EINVAL);
    refuse(weft_parse_seconds, "0.0005us", -EINVAL);
    refuse(weft_parse_seconds, "0.0000000001", -EINVAL);
}

static void test_seconds_over_63_bits_of_nanoseconds_are_out_of_range(void **state)
{
    (void)state;
    refuse(weft_parse_seconds, "9223372036.854775808", -ERANGE);
    refuse(weft_parse_seconds, "9223372037", -ERANGE);
    refuse(weft_parse_seconds, "99999999999999999999.5", -ERANGE);
}

static void test_size_is_formatted_in_its_largest_whole_unit(void **state)
{
    (void)state;
    char text[WEFT_UNITS_TEXT];
    assert_string_equal(weft_format_size(0, text), "0");
    assert_string_equal(weft_format_size(1500, text), "1500");
    assert_string_equal(weft_format_size(1024, text), "1KiB");
    assert_string_equal(weft_format_size(1536 << 10, text), "1536KiB");
    assert_string_equal(weft_format_size(8 << 20, text), "8MiB");
    assert_string_equal(weft_format_size(UINT64_C(2) << 30, text), "2GiB");
    assert_string_equal(weft_format_size(UINT64_MAX, text), "18446744073709551615");
}

static void test_seconds_are_formatted_without_trailing_zeros(void **state)
{
    (void)state;
    char text[WEFT_UNITS_TEXT];
    assert_string_equal(weft_format_seconds(0, text), "0");
    assert_string_equal(weft_format_seconds(UINT64_C(30000000000), text), "30");
    assert_string_equal(weft_format_seconds(500000000, text), "0.5");
    assert_string_equal(weft_format_seconds(1, text), "0.000000001");
    assert_string_equal(weft_format_seconds(1050000000, text), "1.05");
    assert_string_equal(weft_format_seconds(UINT64_MAX, text), "18446744073.709551615");
}

static void test_what_is_formatted_is_read_back(void **state)
{
    (void)state;
    struct test_random random = test_random_start(21);
    for (int i = 0; i < 10000; i++) {
        char text[WEFT_UNITS_TEXT];
        uint64_t number = test_random_next(&random) >> (1 + test_random_below(&random, 63));
        expect(weft_parse_size, weft_format_size(number, text), number);
        expect(weft_parse_seconds, weft_format_seconds(number, text), number);
        number = number >> 32 << 10 * test_random_below(&random, 4);
        expect(weft_parse_size, weft_format_size(number, text), number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_is_decimal_digits),
        cmocka_unit_test(test_count_refuses_anything_else),
        cmocka_unit_test(test_count_over_63_bits_is_out_of_range),
        cmocka_unit_test(test_size_is_bytes_or_has_a_binary_unit),
        cmocka_unit_test(test_size_refuses_any_other_unit),
        cmocka_unit_test(test_size_over_63_bits_is_out_of_range),
        cmocka_unit_test(test_seconds_may_have_a_fraction),
        cmocka_unit_test(test_seconds_refuse_anything_else),
        cmocka_unit_test(test_seconds_may_be_given_in_another_unit),
        cmocka_unit_test(test_seconds_finer_than_nanoseconds_are_refused),
        cmocka_unit_test(test_seconds_over_63_bits_of_nanoseconds_are_out_of_range),
        cmocka_unit_test(test_size_is_formatted_in_its_largest_whole_unit),
        cmocka_unit_test(test_seconds_are_formatted_without_trailing_zeros),
        cmocka_unit_test(test_what_is_formatted_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
