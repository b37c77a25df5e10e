/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "lib/fault.h"

static void test_each_allocation_fails_alone_then_with_all_after_it(void **state)
{
    (void)state;
    fault_install();
    for (int mode = 0; mode < 2; mode++) {
        fault_arm(mode == 0 ? FAULT_ONE : FAULT_FROM, 1);
        void *a = weft_malloc(1), *b = weft_malloc(1), *c = weft_malloc(1);
        assert_non_null(a);
        assert_null(b);
        assert_int_equal(c == NULL, mode == 1);
        assert_int_equal(fault_allocations(), 3);
        assert_int_equal(fault_failed(), mode == 0 ? 1 : 2);
        weft_free(a);
        weft_free(c);
    }
    fault_remove();
}

static void test_live_counts_blocks_not_calls(void **state)
{
    (void)state;
    fault_install();
    void *p = weft_realloc(NULL, 10);
    p = weft_realloc(p, 1000);
    assert_non_null(p);
    assert_int_equal(fault_live(), 1);
    weft_free(p);
    weft_free(NULL);
    assert_int_equal(fault_live(), 0);
    fault_remove();
}

static void test_failed_realloc_keeps_the_block(void **state)
{
    (void)state;
    fault_install();
    char *p = weft_malloc(1);
    assert_non_null(p);
    *p = 'x';
    fault_arm(FAULT_FROM, 0);
    assert_null(weft_realloc(p, 1000));
    assert_int_equal(*p, 'x');
    assert_int_equal(fault_live(), 1);
    weft_free(p);
    fault_remove();
}

static void test_disarmed_fails_nothing(void **state)
{
    (void)state;
    fault_install();
    fault_arm(FAULT_FROM, 0);
    fault_disarm();
    void *p = weft_malloc(1);
    assert_non_null(p);
    weft_free(p);
    fault_remove();
}

static size_t random_failures(uint64_t seed)
{
    fault_arm_random(seed, 4);
    for (int i = 0; i < 1000; i++)
        weft_free(weft_malloc(1));
    return fault_failed();
}

static void test_random_failures_follow_from_the_seed(void **state)
{
    (void)state;
    fault_install();
    size_t failed = random_failures(7);
    assert_in_range(failed, 150, 350);
    assert_int_equal(random_failures(7), failed);
    fault_remove();
}

struct seen {
    size_t runs, clean;
};

static void two_allocations(void *arg)
{
    struct seen *seen = arg;
    void *a = weft_malloc(1);
    void *b = weft_malloc(1);
    seen->runs++;
    seen->clean += fault_failed() == 0;
    weft_free(a);
    weft_free(b);
}

static void test_each_runs_every_failure_in_both_modes(void **state)
{
    (void)state;
    struct seen seen = {0};
    fault_each(two_allocations, &seen);
    assert_int_equal(seen.runs, 1 + 3 + 3);
    assert_int_equal(seen.clean, 3);
}

static void leaks_where_memory_fails(void *arg)
{
    (void)arg;
    void *a = weft_malloc(1);
    void *b = weft_malloc(1);
    if (b)
        weft_free(a);
    weft_free(b);
}

static void leaks_always(void *arg)
{
    *(void **)arg = weft_malloc(1);
}

static void allocates_nothing(void *arg)
{
    (void)arg;
}

static void test_body_that_leaks_on_a_failure(void **state)
{
    (void)state;
    fault_each(leaks_where_memory_fails, NULL);
}

static void test_body_that_always_leaks(void **state)
{
    static void *leak;
    (void)state;
    fault_each(leaks_always, &leak);
}

static void test_body_that_allocates_nothing(void **state)
{
    (void)state;
    fault_each(allocates_nothing, NULL);
}

/* Whether a test fails when it is run for itself: in a child, whose output nobody wants to see. */
static bool fails(const struct CMUnitTest *test)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        const struct CMUnitTest tests[] = {*test};
        _exit(cmocka_run_group_tests(tests, NULL, NULL) == 1 ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

static void test_each_fails_a_body_that_leaks(void **state)
{
    (void)state;
    const struct CMUnitTest on_failure = cmocka_unit_test(test_body_that_leaks_on_a_failure);
    const struct CMUnitTest always = cmocka_unit_test(test_body_that_always_leaks);
    assert_true(fails(&on_failure));
    assert_true(fails(&always));
}

static void test_each_fails_a_body_that_allocates_nothing(void **state)
{
    (void)state;
    const struct CMUnitTest nothing = cmocka_unit_test(test_body_that_allocates_nothing);
    assert_true(fails(&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails_alone_then_with_all_after_it),
        cmocka_unit_test(test_live_counts_blocks_not_calls),
        cmocka_unit_test(test_failed_realloc_keeps_the_block),
        cmocka_unit_test(test_disarmed_fails_nothing),
        cmocka_unit_test(test_random_failures_follow_from_the_seed),
        cmocka_unit_test(test_each_runs_every_failure_in_both_modes),
        cmocka_unit_test(test_each_fails_a_body_that_leaks),
        cmocka_unit_test(test_each_fails_a_body_that_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
