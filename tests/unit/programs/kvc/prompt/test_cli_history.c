/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvc/prompt/history.h"

static char folder[64], path[96];

static int make_home(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weft-history-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/.kvc_history", folder);
    return setenv("HOME", folder, 1);
}

static int remove_home(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

/* The newest line is the first; NULL: there is none. */
static const char *line_at(struct cli_history *history_, int index)
{
    HistEvent event;
    int err = history(history_->list, &event, H_FIRST);
    while (err >= 0 && index-- > 0)
        err = history(history_->list, &event, H_NEXT);
    return err < 0 ? NULL : event.str;
}

static void test_lines_come_back_as_they_were(void **state)
{
    (void)state;
    static const char line[] = "hset t 'two\nlines'\t\\x schl\xc3\xbcssel \x01\x7f";
    struct cli_history first, second;
    assert_int_equal(cli_history_init(&first), 0);
    cli_history_add(&first, "ping");
    cli_history_add(&first, line);
    assert_int_equal(cli_history_init(&second), 0);
    assert_int_equal(strncmp(line_at(&second, 0), line, sizeof line - 1), 0);
    assert_int_equal(strncmp(line_at(&second, 1), "ping", 4), 0);
    cli_history_fini(&first);
    cli_history_fini(&second);
}

static void test_lines_of_prompts_side_by_side_stay(void **state)
{
    (void)state;
    struct cli_history first, second, third;
    assert_int_equal(cli_history_init(&first), 0);
    assert_int_equal(cli_history_init(&second), 0);
    cli_history_add(&first, "hget a 1");
    cli_history_add(&second, "hget b 2");
    cli_history_add(&first, "hget c 3");
    cli_history_fini(&first);
    cli_history_fini(&second);
    assert_int_equal(cli_history_init(&third), 0);
    assert_int_equal(strncmp(line_at(&third, 0), "hget c 3", 8), 0);
    assert_int_equal(strncmp(line_at(&third, 1), "hget b 2", 8), 0);
    assert_int_equal(strncmp(line_at(&third, 2), "hget a 1", 8), 0);
    cli_history_fini(&third);
}

static void test_blank_lines_are_not_kept(void **state)
{
    (void)state;
    struct cli_history lines;
    assert_int_equal(cli_history_init(&lines), 0);
    cli_history_add(&lines, " \t\n");
    assert_null(line_at(&lines, 0));
    assert_int_not_equal(access(path, F_OK), 0);
    cli_history_fini(&lines);
}

static void test_file_is_the_users_alone(void **state)
{
    (void)state;
    struct cli_history lines;
    struct stat status;
    mode_t mask = umask(0);
    assert_int_equal(cli_history_init(&lines), 0);
    cli_history_add(&lines, "ping");
    umask(mask);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    cli_history_fini(&lines);
}

static size_t count_file_lines(void)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t lines = 0;
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static void test_file_that_has_grown_is_shortened_to_its_last_lines(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("_HiStOrY_V2_\n", file);
    for (int i = 0; i <= 2 * CLI_HISTORY_SIZE; i++)
        fprintf(file, "hget\\040t\\040%d\\012\n", i);
    fclose(file);
    struct cli_history lines;
    char last[32];
    assert_int_equal(cli_history_init(&lines), 0);
    snprintf(last, sizeof last, "hget t %d\n", 2 * CLI_HISTORY_SIZE);
    assert_string_equal(line_at(&lines, 0), last);
    assert_int_equal(count_file_lines(), CLI_HISTORY_SIZE + 1);
    cli_history_fini(&lines);
}

static void test_lock_of_somebody_else_delays_a_line_and_loses_none(void **state)
{
    (void)state;
    struct cli_history lines;
    assert_int_equal(cli_history_init(&lines), 0);
    cli_history_add(&lines, "ping");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(flock(fileno(file), LOCK_EX), 0);
    cli_history_add(&lines, "hget t k");
    assert_int_equal(count_file_lines(), 3);
    fclose(file);
    cli_history_fini(&lines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_come_back_as_they_were),
        TEST(test_lines_of_prompts_side_by_side_stay),
        TEST(test_blank_lines_are_not_kept),
        TEST(test_file_is_the_users_alone),
        TEST(test_file_that_has_grown_is_shortened_to_its_last_lines),
        TEST(test_lock_of_somebody_else_delays_a_line_and_loses_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
