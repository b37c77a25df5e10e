/* SPDX-License-Identifier: MIT
 *
 * The ends of commands, which must be those that words.c sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/random.h"
#include "programs/kvc/prompt/quotes.h"
#include "programs/kvc/words.h"

static void expect(const char *text, const char *command, bool open)
{
    bool is_open = !open;
    size_t size = cli_quotes_command(weft_view_str(text), &is_open);
    assert_int_equal(size, strlen(command));
    assert_memory_equal(text, command, size);
    assert_int_equal(is_open, open);
}

static void test_command_ends_at_a_line_end_that_is_not_quoted(void **state)
{
    (void)state;
    expect("hset a b\nping", "hset a b", false);
    expect("hset 'a\nb'\nping", "hset 'a\nb'", false);
    expect("hset \"a\\\"\nb\"\nping", "hset \"a\\\"\nb\"", false);
    expect("hset a\\\nb\nping", "hset a\\\nb", false);
    expect("\nping", "", false);
    expect("", "", false);
}

static void test_quotes_in_a_comment_quote_nothing(void **state)
{
    (void)state;
    expect("ping # don't\nping", "ping # don't", false);
    expect("hset a#'b\n'\nping", "hset a#'b\n'", false);
}

static void test_open_quotes_are_told(void **state)
{
    (void)state;
    expect("hset 'a\nb", "hset 'a\nb", true);
    expect("hset \"a\\\"", "hset \"a\\\"", true);
    assert_true(cli_quotes_are_open(weft_view_str("ping\nhset '")));
    assert_false(cli_quotes_are_open(weft_view_str("hset 'a'\n# '\n")));
}

/* A command that has its quotes closed is split into words; one that has not is refused. */
static void test_words_and_quotes_agree_on_any_text(void **state)
{
    (void)state;
    static const char letters[] = "ab \t\n'\"\\#";
    struct test_random random = test_random_start(5);
    for (int round = 0; round < 20000; round++) {
        char text[13];
        size_t size = test_random_below(&random, sizeof text);
        for (size_t i = 0; i < size; i++)
            text[i] = letters[test_random_below(&random, sizeof letters - 1)];
        struct cli_words words;
        struct weft_error error = {0};
        bool open;
        size_t command = cli_quotes_command(weft_view(text, size), &open);
        int err = cli_words_split(&words, weft_view(text, command), &error);
        assert_int_equal(open, err < 0 && strstr(error.text, "nothing closes") != NULL);
        if (err == 0)
            cli_words_fini(&words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_ends_at_a_line_end_that_is_not_quoted),
        cmocka_unit_test(test_quotes_in_a_comment_quote_nothing),
        cmocka_unit_test(test_open_quotes_are_told),
        cmocka_unit_test(test_words_and_quotes_agree_on_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
