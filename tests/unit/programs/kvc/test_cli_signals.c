/* SPDX-License-Identifier: MIT
 *
 * kvc as PID 1, where the kernel ignores the default actions of signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvc/signals.h"

/* Runs `body` in a child, which exits with 0 where it returns; waits for how the child ended. */
static int run_child(void (*body)(int number), int number)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(number);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void end_as_first(int number)
{
    cli_signals_end_process();
    raise(number);
}

static void end_after_a_loop(int number)
{
    cli_signals_end_process();
    signal(number, SIG_DFL); /* as a loop leaves it */
    cli_signals_restore(number);
    raise(number);
}

static void end_as_another(int number)
{
    cli_signals_init(); /* a child of a test is never PID 1 */
    cli_signals_restore(number);
    raise(number);
}

static void test_first_process_ends_with_128_and_the_signal(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLI_ENDINGS; i++) {
        int status = run_child(end_as_first, cli_endings[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 128 + cli_endings[i]);
        status = run_child(end_after_a_loop, cli_endings[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 128 + cli_endings[i]);
    }
}

static void test_other_processes_keep_the_default_action(void **state)
{
    (void)state;
    int status = run_child(end_as_another, SIGTERM);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_process_ends_with_128_and_the_signal),
        cmocka_unit_test(test_other_processes_keep_the_default_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
