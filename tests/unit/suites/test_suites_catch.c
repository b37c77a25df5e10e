/* SPDX-License-Identifier: MIT
 *
 * The contract suites are themselves under test: each mistake of a plugin that has them by number must
 * fail its suite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/process.h"

static int run(const char *program, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    const char *const words[] = {program, text, NULL};
    struct process process = {0};
    int code = process_run(&process, words);
    process_kill(&process);
    return code;
}

static int mutant_count(const char *program)
{
    const char *const words[] = {program, NULL};
    struct process process = {0};
    assert_int_equal(process_run(&process, words), 0);
    int count = (int)strtol(process.out.text, NULL, 10);
    process_kill(&process);
    return count;
}

static void assert_each_is_caught(const char *program, int at_least)
{
    int count = mutant_count(program), survivors = 0;
    assert_true(count > at_least);
    for (int number = 1; number < count; number++) {
        if (run(program, number) == 0) {
            print_error("mutant %d passes the suite\n", number);
            survivors++;
        }
    }
    assert_int_equal(survivors, 0);
}

static void test_suites_pass_what_has_no_mistake(void **state)
{
    (void)state;
    assert_int_equal(run(VARINT_MUTANTS, 0), 0);
    assert_int_equal(run(STREAM_MUTANTS, 0), 0);
    assert_int_equal(run(COUNTER_MUTANTS, 0), 0);
}

static void test_codec_suite_catches_every_mistake(void **state)
{
    (void)state;
    assert_each_is_caught(VARINT_MUTANTS, 50);
}

static void test_codec_suite_catches_every_mistake_with_streams(void **state)
{
    (void)state;
    assert_each_is_caught(STREAM_MUTANTS, 50);
}

static void test_service_suite_catches_every_mistake(void **state)
{
    (void)state;
    assert_each_is_caught(COUNTER_MUTANTS, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suites_pass_what_has_no_mistake),
        cmocka_unit_test(test_codec_suite_catches_every_mistake),
        cmocka_unit_test(test_codec_suite_catches_every_mistake_with_streams),
        cmocka_unit_test(test_service_suite_catches_every_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
