/* SPDX-License-Identifier: MIT
 *
 * `kvc journal`: a real kvs leaves files, and kvc prints them, whole and damaged. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static char dir[128], journal_file[200];

static const char journal_name[] = "journal-00000000000000000000";

static const char whole[] = "# journal-00000000000000000000: the changes after number 0\n"
                            "1\tset\tusers\tann\tint:42\n"
                            "2\tset\tusers\tb\\tob\thi\n"
                            "3\tset\tusers\tdot\tx\t4102444800.000\n"
                            "4\tremove\tusers\tann\n"
                            "5\tdrop\tusers\n";

static void run_on(const char *server, const char *const *words)
{
    struct process kvc;
    assert_int_equal(kvc_run(&kvc, server, words), 0);
    process_kill(&kvc);
}

/* A directory of its own with the changes above. */
static int write_changes(void **state)
{
    struct kvs kvs;
    char store[200];
    (void)state;
    snprintf(dir, sizeof dir, "%s/kept", folder);
    snprintf(journal_file, sizeof journal_file, "%s/%s", dir, journal_name);
    snprintf(store, sizeof store, "memory:%s", dir);
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--store", store));
    const char *at = kvs.urls[0];
    run_on(at, WORDS("hset", "users", "ann", "int:42"));
    run_on(at, WORDS("hmset", "users", "b\tob", "hi"));
    run_on(at, WORDS("hset", "users", "dot", "x", "--expire-at", "4102444800"));
    run_on(at, WORDS("hdel", "users", "ann"));
    run_on(at, WORDS("drop", "users"));
    kvs_end(&kvs);
    return 0;
}

static int remove_changes(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

static off_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* Turns one byte at `offset` over. */
static void damage(off_t offset)
{
    uint8_t byte;
    int fd = open(journal_file, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte = (uint8_t)~byte;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void test_journal_prints_each_change_with_its_number(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("journal", dir), whole);
}

static void test_journal_prints_objects_with_types_and_times(void **state)
{
    (void)state;
    expect(WORDS("--json", "journal", dir), 0,
           "{\"file\": \"journal-00000000000000000000\", \"begins\": \"journal\", \"number\": 0}\n",
           "");
    expect(WORDS("--json", "journal", dir), 0,
           "\"number\": 1, \"change\": \"set\", \"table\": \"users\", \"key\": \"ann\", \"value\": "
           "42}\n",
           "");
    expect(WORDS("--json", "journal", dir), 0,
           "\"key\": \"dot\", \"value\": \"x\", \"expires\": 4102444800000}\n", "");
    expect(WORDS("--json", "journal", dir), 0,
           "\"number\": 5, \"change\": \"drop\", \"table\": \"users\"}\n", "");
}

static void test_end_that_was_cut_off_is_shown_and_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(truncate(journal_file, size_of(journal_file) - 3), 0);
    expect(WORDS("journal", dir), 0, "4\tremove\tusers\tann\n# journal-00000000000000000000: ", "");
    expect(WORDS("journal", dir), 0, " are no whole record: a crash cut them off", "");
    expect(WORDS("--json", "journal", dir), 0, "\"damage\": \"cut-off\"}\n", "");
}

static void test_damage_before_changes_that_were_on_disk_is_a_failure(void **state)
{
    (void)state;
    damage(90);
    expect(WORDS("journal", dir), 1, " are no whole record: damaged\n", "");
    expect(WORDS("--json", "journal", dir), 1, "\"damage\": \"damaged\"}\n", "");
}

static void test_files_are_as_they_were_afterwards(void **state)
{
    (void)state;
    assert_int_equal(chmod(journal_file, 0400), 0);
    off_t size = size_of(journal_file);
    kvc_expect(url, WORDS("journal", dir), whole);
    assert_int_equal(size_of(journal_file), size);
}

static void test_journals_after_a_gap_are_named(void **state)
{
    char later[260];
    (void)state;
    snprintf(later, sizeof later, "%s/journal-00000000000000000009", dir);
    int fd = open(later, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    expect(WORDS("journal", dir), 1,
           "does not begin where the one before it ends, after number 5\n", "");
}

static void test_directory_without_files_and_other_mistakes_are_explained(void **state)
{
    (void)state;
    expect(WORDS("journal", folder), 2, "", "there is no journal and no snapshot; DIR is that of");
    expect(WORDS("journal", "/nowhere"), 2, "",
           "cannot print /nowhere: No such file or directory\n");
    expect(WORDS("journal", journal_file), 2, "", "Not a directory\n");
    expect(WORDS("journal"), 2, "", "usage: kvc journal DIR\n");
    expect(WORDS("--raw", "journal", dir), 2, "", "--raw: journal answers more or less than one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_journal_prints_each_change_with_its_number,
                                        write_changes, remove_changes),
        cmocka_unit_test_setup_teardown(test_journal_prints_objects_with_types_and_times,
                                        write_changes, remove_changes),
        cmocka_unit_test_setup_teardown(test_end_that_was_cut_off_is_shown_and_is_no_failure,
                                        write_changes, remove_changes),
        cmocka_unit_test_setup_teardown(test_damage_before_changes_that_were_on_disk_is_a_failure,
                                        write_changes, remove_changes),
        cmocka_unit_test_setup_teardown(test_files_are_as_they_were_afterwards, write_changes,
                                        remove_changes),
        cmocka_unit_test_setup_teardown(test_journals_after_a_gap_are_named, write_changes,
                                        remove_changes),
        cmocka_unit_test_setup_teardown(
            test_directory_without_files_and_other_mistakes_are_explained, write_changes,
            remove_changes),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
