/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/settings.h"
#include "core/base/units.h"

static void expect_words(const struct weft_error *error, const char *words)
{
    assert_int_equal(error->code, WEFT_ECONFIG);
    if (!strstr(error->text, words))
        fail_msg("'%s' is not in: %s", words, error->text);
    assert_null(strchr(error->text, '\n'));
}

static void refuse(const char *name, const char *text, const char *words)
{
    struct weft_limits limits = weft_limits_default();
    const struct weft_limits before = limits;
    struct weft_error error = {0};
    assert_int_equal(weft_limits_set(&limits, name, text, &error), WEFT_ECONFIG);
    expect_words(&error, words);
    assert_memory_equal(&limits, &before, sizeof limits);
}

static void set(struct weft_limits *limits, const char *name, const char *text)
{
    struct weft_error error = {0};
    if (weft_limits_set(limits, name, text, &error) != 0)
        fail_msg("%s", error.text);
}

static void expect_check_refuses(const struct weft_limits *limits, const char *words)
{
    struct weft_error error = {0};
    assert_int_equal(weft_limits_check(limits, &error), WEFT_ECONFIG);
    expect_words(&error, words);
}

static void expect_check_takes(const struct weft_limits *limits)
{
    struct weft_error error = {0};
    if (weft_limits_check(limits, &error) != 0)
        fail_msg("%s", error.text);
}

static void test_table_describes_every_field_once(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    size_t count = 0;
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++, count++) {
        uint64_t value;
        memcpy(&value, (const char *)&limits + limit->offset, sizeof value);
        assert_int_equal(value, limit->value);
        assert_int_equal(limit->offset, count * sizeof(uint64_t));
        assert_true(strlen(limit->help) > 0);
    }
    assert_int_equal(count, sizeof limits / sizeof(uint64_t));
}

static void test_defaults_can_be_set_by_name_and_stay(void **state)
{
    (void)state;
    struct weft_limits limits = {0};
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        char text[WEFT_UNITS_TEXT];
        if (limit->unit == WEFT_LIMIT_TIME)
            weft_format_seconds(limit->value, text);
        else
            weft_format_size(limit->value, text);
        if (limit->unit == WEFT_LIMIT_COUNT && strstr(text, "iB"))
            continue;
        set(&limits, limit->name, text);
    }
    set(&limits, "max-detached", "1024");
    set(&limits, "max-pending", "1024");
    set(&limits, "max-detached", "1024");
    struct weft_limits defaults = weft_limits_default();
    assert_memory_equal(&limits, &defaults, sizeof limits);
}

static void test_set_reads_each_unit(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    set(&limits, "max-frame", "16MiB");
    set(&limits, "max-pending", "7");
    set(&limits, "frame-timeout", "0.5");
    assert_int_equal(limits.max_frame, 16 << 20);
    assert_int_equal(limits.max_pending, 7);
    assert_int_equal(limits.frame_timeout, 500000000);
}

static void test_set_takes_zero_only_where_it_means_off(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        if (limit->zero_is_off)
            set(&limits, limit->name, "0");
        else
            refuse(limit->name, "0", "must be more than 0");
    }
}

static void test_set_says_which_form_each_unit_has(void **state)
{
    (void)state;
    refuse("max-frame", "8MB", "max-frame: '8MB' is not a size: bytes, or with K, M, G");
    refuse("max-pending", "1KiB", "max-pending: '1KiB' is not a number: decimal digits");
    refuse("idle-timeout", "1w", "idle-timeout: '1w' is not a time: seconds");
}

static void test_set_refuses_what_is_too_large(void **state)
{
    (void)state;
    refuse("max-frame", "9999999999GiB", "max-frame: must be at most 1048576GiB");
    refuse("max-pending", "9223372036854775808", "max-pending: must be at most 1099511627776");
    refuse("frame-cache", "1048577G", "frame-cache: must be at most 1048576GiB");
    refuse("idle-timeout", "99999999999", "idle-timeout: must be at most 315360000");
    refuse("idle-timeout", "9223372036", "idle-timeout: must be at most 315360000");
}

static void test_set_of_an_unknown_name_lists_them_all(void **state)
{
    (void)state;
    refuse("max-fram", "1", "unknown limit 'max-fram'; there are: max-frame, max-message");
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++)
        refuse("x\n", "1", limit->name);
}

static void test_check_takes_the_defaults(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    expect_check_takes(&limits);
}

static void test_check_takes_common_settings_alone(void **state)
{
    (void)state;
    static const char *const alone[][2] = {
        {"max-frame", "16MiB"},   {"max-frame", "64KiB"},    {"max-frame", "1"},
        {"max-message", "16MiB"}, {"output-high", "256KiB"}, {"output-low", "1MiB"},
    };
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) {
        struct weft_limits limits = weft_limits_default();
        set(&limits, alone[i][0], alone[i][1]);
        expect_check_takes(&limits);
    }
}

static void test_check_refuses_a_zero_that_is_not_off(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    limits.max_pending = 0;
    expect_check_refuses(&limits, "max-pending: must be more than 0");
}

static void test_check_refuses_a_message_below_a_frame(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    limits.max_message = limits.max_frame;
    expect_check_takes(&limits);
    limits.max_message--;
    expect_check_refuses(&limits, "max-message (8388607) is below max-frame (8MiB)");
}

static void test_check_refuses_low_above_high(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    limits.output_low = limits.output_high + 1;
    expect_check_refuses(&limits, "output-low (1048577) is above output-high (1MiB)");
}

static void test_check_refuses_high_above_hard(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    limits.output_high = limits.output_hard + 1;
    expect_check_refuses(&limits, "output-high (67108865) is above output-hard (64MiB)");
}

static void test_check_refuses_hard_without_room_for_a_frame_above_high(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    limits.output_hard = limits.output_high + limits.max_frame;
    expect_check_takes(&limits);
    limits.output_hard--;
    expect_check_refuses(&limits, "is below output-high and one max-frame (1MiB + 8MiB)");
}

static void test_error_may_be_null(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    assert_int_equal(weft_limits_set(&limits, "max-frame", "x", NULL), WEFT_ECONFIG);
    limits.output_low = UINT64_MAX;
    assert_int_equal(weft_limits_check(&limits, NULL), WEFT_ECONFIG);
}

static const struct weft_option_value values[] = {{"codec", "raw"}, {"level", ""}, {"LEVEL", "9"}};
static const struct weft_option_set given = {values, sizeof values / sizeof *values};

static void test_get_finds_the_value_by_its_exact_name(void **state)
{
    (void)state;
    assert_string_equal(weft_option_get(&given, "codec"), "raw");
    assert_string_equal(weft_option_get(&given, "LEVEL"), "9");
}

static void test_get_tells_an_empty_value_from_none(void **state)
{
    (void)state;
    assert_string_equal(weft_option_get(&given, "level"), "");
    assert_null(weft_option_get(&given, "lev"));
    assert_null(weft_option_get(&given, "levels"));
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
        cmocka_unit_test(test_table_describes_every_field_once),
        cmocka_unit_test(test_defaults_can_be_set_by_name_and_stay),
        cmocka_unit_test(test_set_reads_each_unit),
        cmocka_unit_test(test_set_takes_zero_only_where_it_means_off),
        cmocka_unit_test(test_set_says_which_form_each_unit_has),
        cmocka_unit_test(test_set_refuses_what_is_too_large),
        cmocka_unit_test(test_set_of_an_unknown_name_lists_them_all),
        cmocka_unit_test(test_check_takes_the_defaults),
        cmocka_unit_test(test_check_takes_common_settings_alone),
        cmocka_unit_test(test_check_refuses_a_zero_that_is_not_off),
        cmocka_unit_test(test_check_refuses_a_message_below_a_frame),
        cmocka_unit_test(test_check_refuses_low_above_high),
        cmocka_unit_test(test_check_refuses_high_above_hard),
        cmocka_unit_test(test_check_refuses_hard_without_room_for_a_frame_above_high),
        cmocka_unit_test(test_error_may_be_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
