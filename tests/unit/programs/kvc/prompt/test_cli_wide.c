/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "lib/fault.h"
#include "lib/random.h"
#include "programs/kvc/prompt/wide.h"

static void expect_decoded(const char *bytes, size_t size, size_t used, wchar_t expected)
{
    wchar_t character = 0;
    assert_int_equal(cli_wide_decode(weft_view(bytes, size), &character), used);
    if (used > 0)
        assert_int_equal(character, expected);
}

static void test_characters_of_every_length_are_decoded(void **state)
{
    (void)state;
    expect_decoded("a", 1, 1, 'a');
    expect_decoded("\0", 1, 1, 0);
    expect_decoded("\xc2\x80", 2, 2, 0x80);
    expect_decoded("\xef\xbf\xbf", 3, 3, 0xffff);
    expect_decoded("\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff);
}

static void test_incomplete_character_waits_for_its_rest(void **state)
{
    (void)state;
    expect_decoded("\xc3", 1, 0, 0);
    expect_decoded("\xe2\x82", 2, 0, 0);
    expect_decoded("\xf0\x9f\x98", 3, 0, 0);
}

static void test_bytes_that_are_no_utf_8_stand_for_themselves(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80\x80",         "\xc1\xbf",         "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xff",         "\xc3z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_decoded(bad[i], strlen(bad[i]), 1, cli_wide_of_byte((uint8_t)bad[i][0]));
}

static void test_any_bytes_come_back_as_they_were(void **state)
{
    (void)state;
    struct test_random random = test_random_start(1);
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[32];
        size_t size = test_random_below(&random, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] =
                (uint8_t)(test_random_below(&random, 2) ? 0xc0 + test_random_below(&random, 64)
                                                        : test_random_below(&random, 256));
        struct weft_buf back = {0};
        wchar_t *text = cli_wide_copy(weft_view(bytes, size));
        assert_non_null(text);
        assert_int_equal(cli_wide_encode(&back, text, wcslen(text)), 0);
        assert_int_equal(weft_buf_size(&back), size);
        if (size > 0)
            assert_memory_equal(weft_buf_view(&back).data, bytes, size);
        weft_buf_fini(&back);
        weft_free(text);
    }
}

static void convert_with_failures(void *arg)
{
    struct weft_buf back = {0};
    wchar_t *text = cli_wide_copy(weft_view_str(arg));
    int err = text ? cli_wide_encode(&back, text, wcslen(text)) : -1;
    assert_int_equal(err == 0, fault_failed() == 0);
    weft_buf_fini(&back);
    weft_free(text);
}

static void test_want_of_memory_is_told(void **state)
{
    (void)state;
    char text[] = "käse";
    fault_each(convert_with_failures, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters_of_every_length_are_decoded),
        cmocka_unit_test(test_incomplete_character_waits_for_its_rest),
        cmocka_unit_test(test_bytes_that_are_no_utf_8_stand_for_themselves),
        cmocka_unit_test(test_any_bytes_come_back_as_they_were),
        cmocka_unit_test(test_want_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
