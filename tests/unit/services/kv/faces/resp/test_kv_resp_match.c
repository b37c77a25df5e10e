/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "services/kv/faces/resp/task.h"

static bool matches(const char *pattern, const char *text)
{
    return resp_matches(weft_view_str(pattern), weft_view_str(text));
}

static void test_patterns_match_as_in_redis(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"*", "abc", true},
        {"a*c", "abbbc", true},
        {"a*c", "abbb", false},
        {"a**c", "ac", true},
        {"?", "a", true},
        {"?", "", false},
        {"a?c", "abc", true},
        {"[ab]", "b", true},
        {"[ab]", "c", false},
        {"[a-c]", "b", true},
        {"[c-a]", "b", true},
        {"[^a]", "b", true},
        {"[^a]", "a", false},
        {"[^a-c]x", "dx", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"[\\]]", "]", true},
        {"[", "a", false},
        {"[a", "a", true},
        {"[a", "b", false},
        {"a\\", "a\\", true},
        {"*a*b*c*", "xaybzc", true},
        {"*a*b*c*", "xcybza", false},
        {"h[a-b]llo", "hallo", true},
        {"[a-]", "a", true},
        {"[]a", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (matches(rows[i].pattern, rows[i].text) != rows[i].matches)
            fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
}

/* Counted in no clock: a power of the stars would not come to an end at all. */
static void test_many_stars_cost_no_power_of_their_number(void **state)
{
    enum { SIZE = 4000 };
    (void)state;
    uint8_t *text = malloc(SIZE), *pattern = malloc(SIZE);
    assert_non_null(text);
    assert_non_null(pattern);
    memset(text, 'a', SIZE);
    for (size_t i = 0; i < SIZE; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[SIZE - 1] = 'b';
    assert_false(resp_matches(weft_view(pattern, SIZE), weft_view(text, SIZE)));
    free(text);
    free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_as_in_redis),
        cmocka_unit_test(test_many_stars_cost_no_power_of_their_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
