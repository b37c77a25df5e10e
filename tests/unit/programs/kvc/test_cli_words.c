/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/words.h"

/* The words, each in brackets: "[a][b c]". */
static void expect(const char *line, const char *expected)
{
    struct cli_words words;
    struct weft_error error;
    char text[256] = "";
    size_t used = 0;
    if (cli_words_split(&words, weft_view_str(line), &error) < 0)
        fail_msg("%s: %s", line, error.text);
    for (size_t i = 0; i < words.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "[%s]", words.list[i]);
    assert_string_equal(text, expected);
    assert_null(words.list[words.count]);
    cli_words_fini(&words);
}

static void expect_refused(struct weft_view line, const char *expected)
{
    struct cli_words words;
    struct weft_error error = {0};
    assert_int_equal(cli_words_split(&words, line, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static void test_words_stand_between_blanks(void **state)
{
    (void)state;
    expect("hget table key", "[hget][table][key]");
    expect("  a\t\tb \r", "[a][b]");
    expect("", "");
    expect(" \t", "");
    expect("a b c d e f", "[a][b][c][d][e][f]");
}

static void test_single_quotes_keep_all_as_it_is(void **state)
{
    (void)state;
    expect("'a b' 'c\"d' 'e\\f'", "[a b][c\"d][e\\f]");
    expect("''", "[]");
}

static void test_double_quotes_take_two_escapes(void **state)
{
    (void)state;
    expect("\"a b\" \"say \\\"hi\\\"\" \"back\\\\slash\" \"a\\nb\"",
           "[a b][say \"hi\"][back\\slash][a\\nb]");
}

static void test_a_backslash_outside_takes_what_follows(void **state)
{
    (void)state;
    expect("a\\ b \\'c \\\\d \\#e", "[a b]['c][\\d][#e]");
}

static void test_quoted_and_plain_pieces_are_one_word(void **state)
{
    (void)state;
    expect("a'b c'\"d e\"f", "[ab cd ef]");
}

static void test_a_word_that_begins_with_a_hash_ends_the_line(void **state)
{
    (void)state;
    expect("a b#c # d 'e", "[a][b#c]");
    expect("# all of it", "");
    expect("'#' a", "[#][a]");
}

static void test_what_is_not_closed_is_refused(void **state)
{
    (void)state;
    expect_refused(weft_view_str("a 'b"), "nothing closes the '");
    expect_refused(weft_view_str("a \"b"), "nothing closes the \"");
    expect_refused(weft_view_str("a \"b\\\""), "nothing closes the \"");
    expect_refused(weft_view_str("a \\"), "nothing follows the \\");
}

static void test_nul_is_refused(void **state)
{
    (void)state;
    expect_refused(weft_view("a\0b", 3), "a NUL, which no word can hold");
}

static void split_with_failures(void *arg)
{
    struct cli_words words;
    struct weft_error error;
    int err = cli_words_split(&words, weft_view_str(arg), &error);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    if (err == 0)
        cli_words_fini(&words);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    char line[] = "hset 't' \"k\" v";
    fault_each(split_with_failures, line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_stand_between_blanks),
        cmocka_unit_test(test_single_quotes_keep_all_as_it_is),
        cmocka_unit_test(test_double_quotes_take_two_escapes),
        cmocka_unit_test(test_a_backslash_outside_takes_what_follows),
        cmocka_unit_test(test_quoted_and_plain_pieces_are_one_word),
        cmocka_unit_test(test_a_word_that_begins_with_a_hash_ends_the_line),
        cmocka_unit_test(test_what_is_not_closed_is_refused),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
