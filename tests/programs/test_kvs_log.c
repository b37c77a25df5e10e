/* SPDX-License-Identifier: MIT
 *
 * Tests where the log of real kvs goes, in what form, and what a reload and logrotate make of it. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

static char folder[64], path[96], log_path[96];

static int set_up(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/kvs.conf", folder);
    snprintf(log_path, sizeof log_path, "%s/kvs.log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "listen tcp://127.0.0.1:0\n%s", text);
    assert_int_equal(fclose(file), 0);
}

/* Returns what the file at `name` holds; the next call overwrites it. */
static const char *text_of(const char *name)
{
    static char text[65536];
    FILE *file = fopen(name, "r");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[size] = '\0';
    if (file)
        fclose(file);
    return text;
}

static void reload(struct kvs *kvs)
{
    process_signal(&kvs->process, SIGHUP);
    /* A signal that came before a request is seen before it, or in its turn; the second one is answered later. */
    kvc_expect(kvs->urls[0], WORDS("hexist", "t", "k"), "false\n");
    kvc_expect(kvs->urls[0], WORDS("hexist", "t", "k"), "false\n");
}

static void test_log_file_is_appended_to_and_standard_error_is_empty(void **state)
{
    (void)state;
    struct kvs kvs;
    for (int i = 1; i <= 2; i++) {
        kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--log-file", log_path));
        assert_int_equal(kvs_stop(&kvs), 0);
        assert_string_equal(kvs.process.err.text, "");
        kvs_kill(&kvs);
    }
    const char *first = strstr(text_of(log_path), "event=start");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "event=start"));
    struct stat st;
    assert_int_equal(stat(log_path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
}

static void test_sighup_opens_the_file_that_was_moved_away_anew(void **state)
{
    (void)state;
    struct kvs kvs;
    char moved[128];
    snprintf(moved, sizeof moved, "%s.1", log_path);
    unlink(log_path);
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--log-file", log_path));
    assert_int_equal(rename(log_path, moved), 0);
    reload(&kvs);
    assert_non_null(strstr(text_of(log_path), "event=reload asked=SIGHUP changed=\"log-file\"\n"));
    assert_null(strstr(text_of(moved), "event=reload"));
    assert_non_null(strstr(text_of(moved), "event=start"));
    kvs_end(&kvs);
    assert_non_null(strstr(text_of(log_path), "event=drain"));
}

static void test_reload_changes_file_and_format_both_ways(void **state)
{
    (void)state;
    struct kvs kvs;
    char text[256];
    unlink(log_path);
    /* In the sandbox a file can be made only where the first one is. */
    snprintf(text, sizeof text, "log-file %s/first.log\n", folder);
    put(text);
    kvs_start(&kvs, WORDS("--config", path));
    snprintf(text, sizeof text, "log-file %s\nlog-format json\n", log_path);
    put(text);
    reload(&kvs);
    assert_non_null(strstr(text_of(log_path),
                           "\",\"level\":\"info\",\"event\":\"reload\",\"asked\":"
                           "\"SIGHUP\",\"changed\":\"log-file,log-format\"}\n"));
    put("log-rate 3\n");
    process_signal(&kvs.process, SIGHUP);
    process_wait_error(&kvs.process,
                       "event=reload asked=SIGHUP changed=\"log-file,log-format,log-rate\"\n");
    kvs_end(&kvs);
}

static void test_reload_to_a_file_that_cannot_be_opened_changes_nothing(void **state)
{
    (void)state;
    struct kvs kvs;
    put("");
    kvs_start(&kvs, WORDS("--config", path));
    put("log-file /nowhere/kvs.log\nlog-level debug\n");
    process_signal(&kvs.process, SIGHUP);
    process_wait_error(&kvs.process, "cause=\"--log-file: cannot open /nowhere/kvs.log: ");
    process_wait_error(&kvs.process, "changed=nothing\n");
    put("threads 0\nlog-file /dev/null\n");
    process_signal(&kvs.process, SIGHUP);
    process_wait_error(&kvs.process, "'0' is not a number");
    kvs_end(&kvs);
}

static void test_log_file_that_cannot_be_opened_is_refused_at_start(void **state)
{
    (void)state;
    struct process kvs;
    char long_path[5000] = "/";
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--log-file", "/nowhere/kvs.log")), 1);
    assert_one_line(kvs.err.text, "kvs: --log-file: cannot open /nowhere/kvs.log: ");
    process_kill(&kvs);
    memset(long_path + 1, 'x', sizeof long_path - 2);
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--log-file", long_path)), 2);
    assert_one_line(kvs.err.text, "kvs: --log-file: the path is too long");
    process_kill(&kvs);
}

static void test_check_opens_no_log_file(void **state)
{
    (void)state;
    struct process kvs;
    unlink(log_path);
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--log-file", log_path, "--check")), 0);
    assert_int_equal(access(log_path, F_OK), -1);
    process_kill(&kvs);
}

static void test_log_file_becomes_that_of_the_user(void **state)
{
    (void)state;
    struct kvs kvs;
    struct stat st;
    if (geteuid() == 0) {
        assert_int_equal(chmod(folder, 0777), 0);
        unlink(log_path);
        kvs_start(&kvs,
                  WORDS("--listen", KVS_ANY_PORT, "--user", "nobody", "--log-file", log_path));
        assert_int_equal(stat(log_path, &st), 0);
        assert_int_not_equal(st.st_uid, 0);
        assert_int_equal(rename(log_path, path), 0);
        reload(&kvs);
        assert_int_equal(stat(log_path, &st), 0);
        kvs_end(&kvs);
    }
}

/* A shell finds the device and the inode of the pipe that is its standard error, as systemd does for a unit. */
static void test_lines_have_priorities_where_standard_error_is_the_journal(void **state)
{
    (void)state;
    struct process kvs;
    char line[512];
    snprintf(line, sizeof line,
             "JOURNAL_STREAM=$(stat -L -c %%d:%%i /dev/stderr) exec %s --listen %s", KVS_PATH,
             KVS_ANY_PORT);
    process_start(&kvs, WORDS("/bin/sh", "-c", line));
    process_wait_error(&kvs, "event=start");
    assert_memory_equal(kvs.err.text, "<6>time=", 8);
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
    snprintf(line, sizeof line, "JOURNAL_STREAM=1:2 exec %s --listen %s", KVS_PATH, KVS_ANY_PORT);
    process_start(&kvs, WORDS("/bin/sh", "-c", line));
    process_wait_error(&kvs, "event=start");
    assert_memory_equal(kvs.err.text, "time=", 5);
    process_signal(&kvs, SIGTERM);
    assert_int_equal(process_wait(&kvs), 0);
    process_kill(&kvs);
}

/* Reads the file until it holds the text, which a thread writes there within moments. */
static void wait_for_text(const char *name, const char *text)
{
    while (!strstr(text_of(name), text))
        sched_yield();
}

static void test_access_log_has_a_line_per_request_and_is_opened_anew(void **state)
{
    (void)state;
    struct kvs kvs;
    char access_path[96], moved[128];
    snprintf(access_path, sizeof access_path, "%s/access.log", folder);
    snprintf(moved, sizeof moved, "%s.1", access_path);
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--access-log", access_path, "--access-format",
                          "$command $object $status"));
    kvc_expect(kvs.urls[0], WORDS("hset", "table1", "k", "v"), "\n");
    kvc_expect(kvs.urls[0], WORDS("hexist", "table2", "k"), "false\n");
    wait_for_text(access_path, "hset \"table1\" 200\n");
    wait_for_text(access_path, "hexist \"table2\" 200\n");
    assert_int_equal(rename(access_path, moved), 0);
    reload(&kvs);
    wait_for_text(access_path, "hexist \"t\" 200\n");
    kvs_end(&kvs);
    assert_null(strstr(text_of(access_path), "hset"));
}

static void test_access_log_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct process kvs;
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--access-log", "/nowhere/access")), 1);
    assert_one_line(kvs.err.text, "kvs: --access-log: access log: cannot open /nowhere/access: ");
    process_kill(&kvs);
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--access-log", "/nowhere/access",
                                             "--access-format", "$nothing", "--check")),
                     2);
    assert_one_line(kvs.err.text, "kvs: --access-format: the template has no '$nothing'");
    process_kill(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_file_is_appended_to_and_standard_error_is_empty),
        cmocka_unit_test(test_sighup_opens_the_file_that_was_moved_away_anew),
        cmocka_unit_test(test_reload_changes_file_and_format_both_ways),
        cmocka_unit_test(test_reload_to_a_file_that_cannot_be_opened_changes_nothing),
        cmocka_unit_test(test_log_file_that_cannot_be_opened_is_refused_at_start),
        cmocka_unit_test(test_check_opens_no_log_file),
        cmocka_unit_test(test_log_file_becomes_that_of_the_user),
        cmocka_unit_test(test_access_log_has_a_line_per_request_and_is_opened_anew),
        cmocka_unit_test(test_access_log_that_cannot_be_is_refused),
        cmocka_unit_test(test_lines_have_priorities_where_standard_error_is_the_journal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
