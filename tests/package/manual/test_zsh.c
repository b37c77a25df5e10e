/* SPDX-License-Identifier: MIT
 *
 * Tests the completions in a real zsh, on a terminal of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct process zsh;
static char folder[256];

static int end_zsh(void **state)
{
    (void)state;
    process_kill(&zsh);
    return 0;
}

/* zsh finds a completion by its file's name. */
static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    for (size_t i = 0; i < 2; i++) {
        const char *program = i == 0 ? "kvs" : "kvc";
        char from[512], to[512];
        snprintf(from, sizeof from, MANUAL_FOLDER "/%s.zsh", program);
        snprintf(to, sizeof to, "%s/_%s", folder, program);
        if (symlink(from, to) < 0)
            return -1;
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* Expects the line as the tab key has completed it. */
static void expect(const char *line, const char *completed)
{
    char expected[256];
    snprintf(expected, sizeof expected, "%s\n", completed);
    int code = process_run(&zsh, WORDS(READER, "-f", SCRIPT_FOLDER "/complete.zsh", folder, line));
    assert_int_equal(code, 0);
    assert_string_equal(zsh.out.text, expected);
    process_kill(&zsh);
}

static void test_an_option_completes(void **state)
{
    (void)state;
    expect("kvc --cod", "kvc --codec=");
}

static void test_a_value_of_an_option_completes(void **state)
{
    (void)state;
    expect("kvs --listen tcp://a:1 --log-level w", "kvs --listen tcp://a:1 --log-level warn ");
}

static void test_a_command_completes_behind_options(void **state)
{
    (void)state;
    expect("kvc --codec raw pi", "kvc --codec raw ping ");
    expect("kvc help pi", "kvc help ping ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_an_option_completes, end_zsh),
        cmocka_unit_test_teardown(test_a_value_of_an_option_completes, end_zsh),
        cmocka_unit_test_teardown(test_a_command_completes_behind_options, end_zsh),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
