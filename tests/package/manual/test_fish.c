/* SPDX-License-Identifier: MIT
 *
 * Tests the completions in a real fish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct process fish;

static int end_fish(void **state)
{
    (void)state;
    process_kill(&fish);
    return 0;
}

/* Returns the words offered for a line's last word, a line each, with the help behind a tab. */
static const char *offers_for(const char *line)
{
    process_kill(&fish);
    const char *script = "source " MANUAL_FOLDER "/kvs.fish; source " MANUAL_FOLDER
                         "/kvc.fish; complete -C $argv[1]";
    assert_int_equal(process_run(&fish, WORDS(READER, "--no-config", "-c", script, line)), 0);
    assert_string_equal(fish.err.text, "");
    return fish.out.text;
}

static void expect_one_with_help(const char *line, const char *offer)
{
    const char *offers = offers_for(line);
    assert_int_equal(strncmp(offers, offer, strlen(offer)), 0);
    assert_int_equal(offers[strlen(offer)], '\t');
    assert_one_line(offers, offer);
}

static void test_an_option_completes_with_its_help(void **state)
{
    (void)state;
    expect_one_with_help("kvc --cod", "--codec");
}

static void test_a_value_of_an_option_completes(void **state)
{
    (void)state;
    assert_string_equal(offers_for("kvs --codec ra"), "raw\n");
}

static void test_a_command_completes_in_its_place_alone(void **state)
{
    (void)state;
    expect_one_with_help("kvc --codec raw pi", "ping");
    assert_string_equal(offers_for("kvc hget pi"), "");
    expect_one_with_help("kvc help pi", "ping");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_an_option_completes_with_its_help, end_fish),
        cmocka_unit_test_teardown(test_a_value_of_an_option_completes, end_fish),
        cmocka_unit_test_teardown(test_a_command_completes_in_its_place_alone, end_fish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
