/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/scratch.h"
#include "programs/lib/password.h"

static char folder[128], path[160];

static int setup(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/password", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void write_file(const void *text, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_first_line_of_a_file_is_the_password(void **state)
{
    (void)state;
    static const struct {
        const char *text, *password;
    } rows[] = {{"sesame", "sesame"}, {"sesame\n", "sesame"}, {"a b\r\nmore\n", "a b"}};
    char password[CLI_PASSWORD_SIZE];
    struct weft_error error;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file(rows[i].text, strlen(rows[i].text), 0640);
        assert_int_equal(cli_password_read(password, path, &error), strlen(rows[i].password));
        assert_string_equal(password, rows[i].password);
    }
}

static void test_file_that_everybody_can_read_is_refused(void **state)
{
    (void)state;
    char password[CLI_PASSWORD_SIZE];
    struct weft_error error;
    write_file("sesame\n", 7, 0644);
    assert_int_equal(cli_password_read(password, path, &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "everybody can read this password; chmod 600 it"));
}

static void test_password_that_is_none_is_refused(void **state)
{
    (void)state;
    char password[CLI_PASSWORD_SIZE], large[CLI_PASSWORD_SIZE + 1];
    struct weft_error error;
    assert_int_equal(cli_password_read(password, path, &error), -ENOENT);
    assert_non_null(strstr(error.text, path));
    write_file("\n", 1, 0600);
    assert_int_equal(cli_password_read(password, path, &error), WEFT_ECONFIG);
    memset(large, 'x', sizeof large);
    write_file(large, CLI_PASSWORD_SIZE, 0600);
    assert_int_equal(cli_password_read(password, path, &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, ": a password has at most 511 bytes"));
    write_file(large, CLI_PASSWORD_SIZE - 1, 0600);
    assert_int_equal(cli_password_read(password, path, &error), CLI_PASSWORD_SIZE - 1);
}

static void test_first_line_of_a_pipe_is_the_password(void **state)
{
    (void)state;
    char password[CLI_PASSWORD_SIZE];
    struct weft_error error;
    int ends[2], before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "sesame\nrest", 11), 11);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(cli_password_ask(password, "? ", &error), 6);
    assert_string_equal(password, "sesame");
    assert_int_equal(read(STDIN_FILENO, password, 4), 4);
    assert_memory_equal(password, "rest", 4);
    if (before >= 0)
        (void)dup2(before, STDIN_FILENO);
    close(before);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_line_of_a_file_is_the_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_that_everybody_can_read_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_password_that_is_none_is_refused, setup, teardown),
        cmocka_unit_test(test_first_line_of_a_pipe_is_the_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
