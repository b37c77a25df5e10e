/* SPDX-License-Identifier: MIT
 *
 * A file that is written whole or not at all, where memory or the system fails. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/bulk/target.h"

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weft-target-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else is left in it */
    return 0;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_content(const char *content)
{
    char text[64];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, content);
}

static void test_file_is_replaced_when_it_is_committed(void **state)
{
    (void)state;
    struct cli_target target;
    struct weft_error error;
    put("old");
    assert_int_equal(cli_target_open(&target, path, stdout, &error), 0);
    fputs("new", target.file);
    fflush(target.file);
    expect_content("old");
    assert_int_equal(cli_target_commit(&target), 0);
    expect_content("new");
    cli_target_drop(&target);
}

static void test_dropped_file_leaves_the_old_one(void **state)
{
    (void)state;
    struct cli_target target;
    struct weft_error error;
    put("old");
    assert_int_equal(cli_target_open(&target, path, stdout, &error), 0);
    fputs("new", target.file);
    cli_target_drop(&target);
    expect_content("old");
}

static void test_new_file_has_the_mode_that_the_umask_allows(void **state)
{
    (void)state;
    struct cli_target target;
    struct weft_error error;
    struct stat status;
    unlink(path);
    mode_t before = umask(027);
    assert_int_equal(cli_target_open(&target, path, stdout, &error), 0);
    assert_int_equal(cli_target_commit(&target), 0);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

static void test_name_of_the_file_beside_it_may_be_taken(void **state)
{
    (void)state;
    struct cli_target first, second;
    struct weft_error error;
    assert_int_equal(cli_target_open(&first, path, stdout, &error), 0);
    assert_int_equal(cli_target_open(&second, path, stdout, &error), 0);
    fputs("2", second.file);
    assert_int_equal(cli_target_commit(&second), 0);
    cli_target_drop(&first);
    expect_content("2");
}

static void expect_refusal(const char *what, const char *text)
{
    struct cli_target target;
    struct weft_error error;
    assert_int_equal(cli_target_open(&target, what, stdout, &error), WEFT_ECONFIG);
    if (!strstr(error.text, text))
        fail_msg("'%s' without '%s'", error.text, text);
    cli_target_drop(&target);
}

static void test_path_that_cannot_be_written_is_refused_with_words(void **state)
{
    (void)state;
    char link[160], long_path[5000];
    expect_refusal("/nowhere/file", "cannot write /nowhere/file: No such file or directory");
    expect_refusal("", "cannot write : No such file or directory");
    expect_refusal("/tmp", "cannot write /tmp: Is a directory");
    /* Not even root may make a file there. */
    expect_refusal("/sys/kvc-test",
                   "cannot write /sys/kvc-test, which needs a new file in its folder: ");
    expect_refusal("/proc/self/fd/999", "cannot write /proc/self/fd/999: Bad file descriptor");
    expect_refusal("/proc/kvc-test", "cannot write /proc/kvc-test: No such file or directory");
    snprintf(link, sizeof link, "%s/loop", folder);
    assert_int_equal(symlink("loop", link), 0);
    expect_refusal(link, "Too many levels of symbolic links");
    unlink(link);
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    expect_refusal(long_path, "cannot write aaaa"); /* the text is cut */
}

static void open_and_commit(void *arg)
{
    struct cli_target target;
    struct weft_error error;
    (void)arg;
    put("old");
    int err = cli_target_open(&target, path, stdout, &error);
    if (err == 0) {
        fputs("new", target.file);
        assert_int_equal(cli_target_commit(&target), 0);
    }
    expect_content(err == 0 ? "new" : "old");
}

static void test_file_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(open_and_commit, NULL);
}

static void test_write_that_fails_leaves_the_old_file(void **state)
{
    (void)state;
    struct cli_target target;
    struct weft_error error;
    put("old");
    assert_int_equal(cli_target_open(&target, path, stdout, &error), 0);
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_true(dup2(full, fileno(target.file)) >= 0);
    close(full);
    fputs("new", target.file);
    assert_int_equal(cli_target_commit(&target), -ENOSPC);
    expect_content("old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_is_replaced_when_it_is_committed),
        cmocka_unit_test(test_dropped_file_leaves_the_old_one),
        cmocka_unit_test(test_new_file_has_the_mode_that_the_umask_allows),
        cmocka_unit_test(test_name_of_the_file_beside_it_may_be_taken),
        cmocka_unit_test(test_path_that_cannot_be_written_is_refused_with_words),
        cmocka_unit_test(test_file_survives_every_failing_allocation),
        cmocka_unit_test(test_write_that_fails_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
