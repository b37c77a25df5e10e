/* SPDX-License-Identifier: MIT
 *
 * Filters: the keys that a page of a walk shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "services/kv/filter.h"

static bool matches(const char *pattern, const char *text)
{
    size_t steps = 0;
    return kv_pattern_matches(weft_view_str(pattern), weft_view_str(text), &steps);
}

static void test_pattern_without_signs_matches_itself_alone(void **state)
{
    (void)state;
    assert_true(matches("abc", "abc"));
    assert_false(matches("abc", "ab"));
    assert_false(matches("abc", "abcd"));
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
}

static void test_star_takes_any_text(void **state)
{
    (void)state;
    assert_true(matches("*", ""));
    assert_true(matches("user:*", "user:"));
    assert_true(matches("user:*:name", "user:1:2:name"));
    assert_true(matches("*b*b", "abbb"));
    assert_true(matches("**a**", "xax"));
    assert_false(matches("user:*", "users"));
    assert_false(matches("a*b", "abc"));
}

static void test_question_mark_takes_one_character_of_any_size(void **state)
{
    (void)state;
    assert_true(matches("?", "a"));
    assert_true(matches("h?llo", "h\xC3\xA9llo"));
    assert_true(matches("?", "\xE8\xA1\xA8"));
    assert_true(matches("?", "\xF0\x9F\x92\xA1"));
    assert_false(matches("?", ""));
    assert_false(matches("?", "ab"));
    assert_false(matches("??", "\xC3\xA9"));
}

static void test_set_takes_one_of_its_characters(void **state)
{
    (void)state;
    assert_true(matches("[abc]", "b"));
    assert_true(matches("[a-c]x", "cx"));
    assert_false(matches("[a-c]", "d"));
    assert_false(matches("[a-c]", ""));
    assert_true(matches("[!a-c]", "d"));
    assert_true(matches("[^a-c]", "d"));
    assert_false(matches("[!a-c]", "b"));
    assert_true(matches("[]]", "]"));
    assert_true(matches("[a-]", "-"));
    assert_true(matches("[\\]a]", "]"));
    assert_true(matches("[\xC3\xA0-\xC3\xBF]", "\xC3\xA9"));
}

static void test_what_nothing_closes_stands_for_itself(void **state)
{
    (void)state;
    assert_true(matches("[ab", "[ab"));
    assert_false(matches("[ab", "a"));
    assert_true(matches("a\\", "a\\"));
}

static void test_backslash_takes_the_next_character_as_it_is(void **state)
{
    (void)state;
    assert_true(matches("\\*", "*"));
    assert_false(matches("\\*", "a"));
    assert_true(matches("\\[a]", "[a]"));
    assert_true(matches("\\\\", "\\"));
}

static void test_text_that_is_no_utf_8_is_matched_within_its_bounds(void **state)
{
    (void)state;
    assert_true(matches("?", "\xF0"));
    assert_true(matches("*", "\xC3"));
    assert_false(matches("a", "\xC3"));
}

/* Each star is tried from where the last one stood, not from all places of all stars. */
static void test_pattern_of_many_stars_takes_time_that_grows_with_its_length_alone(void **state)
{
    enum { SIZE = 2000 };
    char text[SIZE + 1], pattern[KV_PATTERN_MAX + 1];
    size_t steps = 0;
    (void)state;
    memset(text, 'a', SIZE);
    text[SIZE] = '\0';
    for (size_t i = 0; i < KV_PATTERN_MAX; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[KV_PATTERN_MAX - 1] = 'b';
    pattern[KV_PATTERN_MAX] = '\0';
    assert_false(kv_pattern_matches(weft_view_str(pattern), weft_view_str(text), &steps));
    assert_true(steps <= (size_t)SIZE * KV_PATTERN_MAX);
}

static void test_filter_asks_for_prefix_and_pattern(void **state)
{
    size_t steps = 0;
    const struct kv_filter all = {.keys_only = true};
    const struct kv_filter some = {.prefix = weft_view_str("ab"), .match = weft_view_str("*z")};
    (void)state;
    assert_true(kv_filter_shows(&all, weft_view(NULL, 0), &steps));
    assert_int_equal(steps, 0);
    assert_true(kv_filter_shows(&some, weft_view_str("abz"), &steps));
    assert_false(kv_filter_shows(&some, weft_view_str("aaz"), &steps));
    assert_false(kv_filter_shows(&some, weft_view_str("a"), &steps));
    assert_false(kv_filter_shows(&some, weft_view_str("aby"), &steps));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_without_signs_matches_itself_alone),
        cmocka_unit_test(test_star_takes_any_text),
        cmocka_unit_test(test_question_mark_takes_one_character_of_any_size),
        cmocka_unit_test(test_set_takes_one_of_its_characters),
        cmocka_unit_test(test_what_nothing_closes_stands_for_itself),
        cmocka_unit_test(test_backslash_takes_the_next_character_as_it_is),
        cmocka_unit_test(test_text_that_is_no_utf_8_is_matched_within_its_bounds),
        cmocka_unit_test(test_pattern_of_many_stars_takes_time_that_grows_with_its_length_alone),
        cmocka_unit_test(test_filter_asks_for_prefix_and_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
