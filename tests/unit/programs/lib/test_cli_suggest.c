/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "programs/lib/suggest.h"

static void expect(const char *typed, const char *meant)
{
    static const char *const names[] = {"hget", "hset", "hgetall", "hexist", "ping", NULL};
    struct cli_suggestion suggestion;
    cli_suggestion_init(&suggestion, weft_view_str(typed));
    for (const char *const *name = names; *name; name++)
        cli_suggestion_offer(&suggestion, *name);
    if (meant)
        assert_string_equal(suggestion.name, meant);
    else
        assert_null(suggestion.name);
}

static void test_a_byte_lost_added_changed_or_two_swapped_are_near(void **state)
{
    (void)state;
    expect("get", "hget");
    expect("hsett", "hset");
    expect("pimg", "ping");
    expect("hegt", "hget");
}

static void test_longer_words_may_differ_more(void **state)
{
    (void)state;
    expect("exists", "hexist");
    expect("getalll", "hgetall");
}

static void test_of_equally_near_names_the_first_is_meant(void **state)
{
    (void)state;
    expect("het", "hget");
}

static void test_nothing_is_meant_by_another_word(void **state)
{
    (void)state;
    expect("", NULL);
    expect("foo", NULL);
    expect("select", NULL);
    expect("a word that is longer than any name there is", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_byte_lost_added_changed_or_two_swapped_are_near),
        cmocka_unit_test(test_longer_words_may_differ_more),
        cmocka_unit_test(test_of_equally_near_names_the_first_is_meant),
        cmocka_unit_test(test_nothing_is_meant_by_another_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
