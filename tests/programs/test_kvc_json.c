/* SPDX-License-Identifier: MIT
 *
 * --json as Python reads it, and --raw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static void test_every_answer_is_an_object_that_python_reads(void **state)
{
    (void)state;
    struct process python;
    int code = process_run(&python, WORDS(PYTHON_PATH, "-B", JSON_SCRIPT, KVC_PATH, url));
    if (code != 0)
        fail_msg("%s", python.err.text);
    process_kill(&python);
}

static void test_raw_prints_the_bytes_of_the_value_alone(void **state)
{
    (void)state;
    struct process kvc;
    kvc_expect(url, WORDS("hmset", "raw", "s", "text", "b", "hex:00610a", "i", "int:7"), "\n\n\n");
    kvc_expect(url, WORDS("--raw", "hget", "raw", "s"), "text");
    kvc_expect(url, WORDS("--raw", "hget", "raw", "i"), "7");
    assert_int_equal(kvc_run(&kvc, url, WORDS("--raw", "hget", "raw", "b")), 0);
    assert_int_equal(kvc.out.size, 3);
    assert_memory_equal(kvc.out.text, "\0a\n", 3);
    process_kill(&kvc);
}

static void test_raw_is_for_commands_of_one_value(void **state)
{
    (void)state;
    static const char text[] = "answers more or less than one value; --json tells them apart";
    kvc_expect_error(url, WORDS("--raw", "hgetall", "t"), 2, text);
    kvc_expect_error(url, WORDS("--raw", "hmget", "t", "k"), 2, text);
    kvc_expect_error(url, WORDS("--raw", "ping"), 2, text);
    kvc_expect_error(url, WORDS("--raw", "batch"), 2, text);
    expect(WORDS("--raw", "--json", "hget", "t", "k"), 2,
           "{\"error\": \"--json and --raw: choose one of them\", \"exit\": 2}\n", "");
}

static void test_dash_is_the_bytes_of_standard_input(void **state)
{
    (void)state;
    struct process kvc;
    process_start_piped(&kvc, WORDS(KVC_PATH, "--server", url, "hset", "stdin", "k", "-"));
    assert_int_equal(write(kvc.in, "a\0b", 3), 3);
    close(kvc.in);
    kvc.in = -1;
    assert_int_equal(process_wait(&kvc), 0);
    process_kill(&kvc);
    kvc_expect(url, WORDS("hget", "stdin", "k"), "hex:610062\n");
}

static void run_with(const char *variable, const char *value, const char *const *words,
                     struct process *kvc, int code)
{
    char setting[256];
    const char *all[PROCESS_WORDS_MAX] = {"/usr/bin/env", setting, KVC_PATH};
    snprintf(setting, sizeof setting, "%s=%s", variable, value);
    for (size_t count = 3; *words; words++)
        all[count++] = *words;
    assert_int_equal(process_run(kvc, all), code);
}

static void test_server_and_codec_may_come_from_the_environment(void **state)
{
    (void)state;
    struct process kvc;
    run_with("KVC_SERVER", url, WORDS("hexist", "t", "k"), &kvc, 0);
    assert_string_equal(kvc.out.text, "false\n");
    process_kill(&kvc);
    run_with("KVC_CODEC", "morse", WORDS("ping"), &kvc, 2);
    assert_one_line(kvc.err.text, "unknown codec 'morse'");
    process_kill(&kvc);
    /* The command line comes before the environment. */
    run_with("KVC_SERVER", "nonsense", WORDS("--server", url, "hexist", "t", "k"), &kvc, 0);
    process_kill(&kvc);
    run_with("KVC_CODEC", "length-delimited-gzip",
             WORDS("--server", url, "--codec", "raw", "hexist", "t", "k"), &kvc, 0);
    process_kill(&kvc);
}

static void test_hscan_prints_a_page_and_says_where_the_next_begins(void **state)
{
    (void)state;
    struct process kvc;
    kvc_expect(url, WORDS("hmset", "scan", "a", "1", "b", "2", "c", "3"), "\n\n\n");
    kvc_expect(url, WORDS("hscan", "none"), "");
    assert_int_equal(kvc_run(&kvc, url, WORDS("hscan", "scan", "", "2")), 0);
    assert_one_line(kvc.err.text, "kvc: there is more: give hscan the cursor ");
    process_kill(&kvc);
    kvc_expect_error(url, WORDS("hscan", "scan", "no/cursor"), 2, "not one that hscan has printed");
    kvc_expect_error(url, WORDS("hscan", "scan", "", "-1", "--"), 2, "");
    kvc_expect_error(url, WORDS("hscan", "scan", "", "x"), 2, "not a number");
    kvc_expect_error(url, WORDS("hscan", "scan", "AAAA"), 1,
                     "kvc: 410 cursor expired: start again\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_is_an_object_that_python_reads),
        cmocka_unit_test(test_raw_prints_the_bytes_of_the_value_alone),
        cmocka_unit_test(test_raw_is_for_commands_of_one_value),
        cmocka_unit_test(test_dash_is_the_bytes_of_standard_input),
        cmocka_unit_test(test_server_and_codec_may_come_from_the_environment),
        cmocka_unit_test(test_hscan_prints_a_page_and_says_where_the_next_begins),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
