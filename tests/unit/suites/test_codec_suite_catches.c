/* SPDX-License-Identifier: MIT
 *
 * The contract suite of codecs is itself under test: each mistake of varint_mutants must fail it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/process.h"

static int run(int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    const char *const words[] = {VARINT_MUTANTS, text, NULL};
    struct process process = {0};
    int code = process_run(&process, words);
    process_kill(&process);
    return code;
}

static int mutant_count(void)
{
    const char *const words[] = {VARINT_MUTANTS, NULL};
    struct process process = {0};
    assert_int_equal(process_run(&process, words), 0);
    int count = (int)strtol(process.out.text, NULL, 10);
    process_kill(&process);
    return count;
}

static void test_suite_passes_the_codec_without_a_mistake(void **state)
{
    (void)state;
    assert_int_equal(run(0), 0);
}

static void test_suite_catches_every_mistake(void **state)
{
    (void)state;
    int count = mutant_count(), survivors = 0;
    assert_true(count > 30);
    for (int number = 1; number < count; number++) {
        if (run(number) == 0) {
            print_error("mutant %d passes the suite\n", number);
            survivors++;
        }
    }
    assert_int_equal(survivors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suite_passes_the_codec_without_a_mistake),
        cmocka_unit_test(test_suite_catches_every_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
