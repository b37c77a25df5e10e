/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/payload/line/words.h"

/* Splits a copy that ends where memory ends, and compares the words, joined by '|'. */
static void expect(const char *text, const char *joined)
{
    size_t size = strlen(text), used = 0;
    uint8_t *copy = malloc(size ? size : 1), found[256];
    assert_non_null(copy);
    memcpy(copy, text, size);
    struct weft_view line = weft_view(copy, size);
    struct weft_line_word word;
    const char *why = NULL;
    int taken;
    while ((taken = weft_line_next_word(&line, &word, &why)) > 0) {
        assert_true(used + word.size + 1 < sizeof found);
        uint8_t *end = weft_line_put_word(found + used, &word);
        assert_ptr_equal(end, found + used + word.size);
        if (word.size == word.raw.size)
            assert_memory_equal(word.raw.data, found + used, word.size);
        used += word.size;
        found[used++] = '|';
    }
    found[used > 0 ? used - 1 : 0] = '\0';
    assert_string_equal(taken < 0 ? why : (const char *)found, joined);
    free(copy);
}

static void test_words_are_split_at_blanks(void **state)
{
    (void)state;
    expect("", "");
    expect(" \t\r ", "");
    expect("hget t k", "hget|t|k");
    expect("  hget\tt  k\r", "hget|t|k");
}

static void test_quoted_text_is_a_part_of_its_word(void **state)
{
    (void)state;
    expect("'a b' \"c d\"", "a b|c d");
    expect("a' 'b\" \"c", "a b c");
    expect("'' \"\"", "|");
    expect("'a\\b\"c'", "a\\b\"c");
    expect("\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d");
    expect("a\\ b \\'c \\\\", "a b|'c|\\");
}

static void test_comment_ends_the_words(void **state)
{
    (void)state;
    expect("# nothing", "");
    expect("a # b 'c", "a");
    expect("a#b '#c' \\#d", "a#b|#c|#d");
}

static void test_what_is_not_closed_is_named(void **state)
{
    (void)state;
    expect("a 'b", "nothing closes the '");
    expect("a \"b\\\"", "nothing closes the \"");
    expect("a b\\", "nothing follows the \\");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_split_at_blanks),
        cmocka_unit_test(test_quoted_text_is_a_part_of_its_word),
        cmocka_unit_test(test_comment_ends_the_words),
        cmocka_unit_test(test_what_is_not_closed_is_named),
    };
    return cmocka_run_group_tests_name("line: words", tests, NULL, NULL);
}
