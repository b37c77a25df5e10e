/* SPDX-License-Identifier: MIT
 *
 * Tests the completions in a real bash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct process bash;

static int end_bash(void **state)
{
    (void)state;
    process_kill(&bash);
    return 0;
}

/* Returns the words offered for the last word, each with a space behind it. */
static void expect(const char *const *line, const char *offers)
{
    char path[512];
    const char *words[PROCESS_WORDS_MAX] = {READER, "--norc", SCRIPT_FOLDER "/complete.bash", path};
    snprintf(path, sizeof path, MANUAL_FOLDER "/%s.bash", line[0]);
    for (size_t i = 0; line[i]; i++)
        words[i + 4] = line[i];
    assert_int_equal(process_run(&bash, words), 0);
    assert_string_equal(bash.err.text, "");
    assert_string_equal(bash.out.text, offers);
    process_kill(&bash);
}

static void test_options_complete(void **state)
{
    (void)state;
    expect(WORDS("kvc", "--cod"), "--codec ");
    expect(WORDS("kvs", "--output-h"), "--output-high --output-hard ");
}

static void test_values_of_options_complete(void **state)
{
    (void)state;
    expect(WORDS("kvs", "--codec", "le"), "length-delimited-gzip length-field ");
    expect(WORDS("kvs", "--codec", "=", "ra"), "raw ");
    expect(WORDS("kvs", "--log-level", "="), "error warn info debug trace ");
}

static void test_a_command_completes_in_its_place_alone(void **state)
{
    (void)state;
    expect(WORDS("kvc", "hgeta"), "hgetall ");
    expect(WORDS("kvc", "--codec", "raw", "pi"), "ping ");
    expect(WORDS("kvc", "--codec", "=", "raw", "pi"), "ping ");
    expect(WORDS("kvc", "hget", "pi"), " ");
    expect(WORDS("kvc", "help", "pi"), "ping ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_options_complete, end_bash),
        cmocka_unit_test_teardown(test_values_of_options_complete, end_bash),
        cmocka_unit_test_teardown(test_a_command_completes_in_its_place_alone, end_bash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
