/* SPDX-License-Identifier: MIT
 *
 * Real kvc against a real kvs: what it takes, what it prints, what it refuses before it connects.
 * One server for all tests, a table for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static void test_hset_prints_the_old_value_and_hget_the_new(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hset", "one", "hello", "world"), "\n");
    kvc_expect(url, WORDS("hget", "one", "hello"), "world\n");
    kvc_expect(url, WORDS("hset", "one", "hello", "again"), "world\n");
}

static void test_hget_of_an_absent_key_says_so_and_exits_1(void **state)
{
    (void)state;
    kvc_expect_error(url, WORDS("hget", "absent", "k"), 1,
                     "kvc: 404 Not found for table: absent, key: k\n");
}

static void test_hgetall_prints_pairs_sorted_by_key(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hmset", "all", "b", "2", "a", "1", "c", "int:3"), "\n\n\n");
    kvc_expect(url, WORDS("hgetall", "all"), "a\t1\nb\t2\nc\tint:3\n");
    kvc_expect(url, WORDS("hgetall", "none"), "");
}

static void test_many_keys_answer_one_line_each_in_order(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hmset", "many", "a", "1", "b", "2"), "\n\n");
    kvc_expect(url, WORDS("hmget", "many", "b", "x", "a"), "2\n\n1\n");
    kvc_expect(url, WORDS("hmexist", "many", "b", "x", "a"), "true\nfalse\ntrue\n");
    kvc_expect(url, WORDS("hmdel", "many", "a", "x"), "1\n\n");
    kvc_expect(url, WORDS("hmget", "many", "a", "b"), "\n2\n");
}

static void test_hdel_prints_the_old_value(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hset", "del", "k", "v"), "\n");
    kvc_expect(url, WORDS("hdel", "del", "k"), "v\n");
    kvc_expect(url, WORDS("hdel", "del", "k"), "\n");
}

static void test_hexist_prints_a_bool_and_exits_0(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hset", "exist", "k", "v"), "\n");
    kvc_expect(url, WORDS("hexist", "exist", "k"), "true\n");
    kvc_expect(url, WORDS("hexist", "exist", "x"), "false\n");
}

static void test_values_of_every_type_come_back(void **state)
{
    (void)state;
    kvc_expect(url,
               WORDS("hmset", "types", "a", "int:-9223372036854775808", "b", "float:0.1", "c",
                     "bool:false", "d", "hex:00FF", "e", "base64:Zm9v", "f", "str:int:1", "g", "",
                     "h", "http://x", "i", "表"),
               "\n\n\n\n\n\n\n\n\n");
    kvc_expect(url, WORDS("hgetall", "types"),
               "a\tint:-9223372036854775808\nb\tfloat:0.1\nc\tbool:false\nd\thex:00ff\n"
               "e\thex:666f6f\nf\tstr:int:1\ng\tstr:\nh\thttp://x\ni\t表\n");
}

static void test_values_from_files_are_binary(void **state)
{
    (void)state;
    char value[192];
    snprintf(value, sizeof value, "file:%s", write_file("value", "a\n"));
    kvc_expect(url, WORDS("hset", "files", "k", value), "\n");
    kvc_expect(url, WORDS("hget", "files", "k"), "hex:610a\n");
}

static void test_arguments_that_begin_with_a_dash_follow_two_dashes(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hset", "dash", "--", "-k", "-3"), "\n");
    kvc_expect(url, WORDS("hget", "dash", "--", "-k"), "-3\n");
    kvc_expect(url, WORDS("hset", "dash", "k", "-3.5"), "\n");
    kvc_expect(url, WORDS("hget", "dash", "k"), "-3.5\n");
    kvc_expect_error(url, WORDS("hset", "dash", "k", "-x"), 2, "put -- before values that begin");
}

static void test_options_may_follow_the_command(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hexist", "t", "--timeout", "60", "k", "--max-frame=1MiB"), "false\n");
}

static void test_ping_prints_where_and_how_long(void **state)
{
    (void)state;
    struct process kvc;
    char wanted[160];
    snprintf(wanted, sizeof wanted, "pong from %s in ", url);
    assert_int_equal(kvc_run(&kvc, url, WORDS("ping")), 0);
    assert_one_line(kvc.out.text, wanted);
    assert_one_line(kvc.out.text, " ms\n");
    assert_string_equal(kvc.err.text, "");
    process_kill(&kvc);
}

static void test_mistakes_of_the_command_line_exit_2(void **state)
{
    (void)state;
    kvc_expect_error(url, WORDS("get", "t"), 2, "unknown command \"get\"; did you mean hget?\n");
    kvc_expect_error(url, WORDS("hget", "t"), 2, "usage: kvc hget TABLE KEY\n");
    kvc_expect_error(url, WORDS("hset", "t", "k", "int:x"), 2, "value \"int:x\": not an integer");
    kvc_expect_error(url, WORDS("hset", "t", "k", "hex:0"), 2, "an odd number of hex digits");
    kvc_expect_error(url, WORDS("hset", "t", "k", "base64:x"), 2, "not base64");
    kvc_expect_error(url, WORDS("hset", "t", "k", "float:x"), 2, "not a number");
    kvc_expect_error(url, WORDS("hset", "t", "k", "\xff"), 2, "not valid UTF-8");
    kvc_expect_error(url, WORDS("hget", "t", "\xff"), 2, "not valid UTF-8");
    kvc_expect_error(url, WORDS("hset", "t", "k", "file:/nowhere"), 2, "No such file");
    kvc_expect_error(url, WORDS("--colour", "ping"), 2, "unknown option '--colour'; there are: ");
    kvc_expect_error(url, WORDS("--timeout", "x", "ping"), 2, "--timeout: 'x' is not a time");
    kvc_expect_error(url, WORDS("--codec", "morse", "ping"), 2, "unknown codec");
    kvc_expect_error("udp://127.0.0.1:1", WORDS("ping"), 2, "udp");
    kvc_expect_error("nonsense", WORDS("ping"), 2, "nonsense");
}

/* No commands are no mistake, wherever they do not come from. */
static void test_no_command_on_standard_input_exits_0(void **state)
{
    (void)state;
    static const char *const inputs[] = {"< /dev/null", "< \"$0\"", "<&-"};
    char empty[] = "/tmp/weft-empty-XXXXXX", line[256];
    int fd = mkstemp(empty);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct process kvc;
        snprintf(line, sizeof line, "%s %s", KVC_PATH, inputs[i]);
        assert_int_equal(process_run(&kvc, WORDS("/bin/sh", "-c", line, empty)), 0);
        assert_string_equal(kvc.out.text, "");
        assert_string_equal(kvc.err.text, "");
        process_kill(&kvc);
    }
    unlink(empty);
}

/* url with codec=NAME */
static const char *with_codec(const char *codec)
{
    static char text[256];
    snprintf(text, sizeof text, "%s?codec=%s", url, codec);
    return text;
}

static void test_codec_of_the_url_wins_and_contradictions_exit_2(void **state)
{
    (void)state;
    kvc_expect(with_codec("length-delimited-gzip"), WORDS("hexist", "t", "k"), "false\n");
    kvc_expect(with_codec("raw"), WORDS("hexist", "t", "k"), "false\n");
    kvc_expect(with_codec("raw"), WORDS("hexist", "t", "k", "--codec", "raw"), "false\n");
    kvc_expect_error(with_codec("raw"), WORDS("ping", "--codec", "length-delimited-gzip"), 2,
                     "raw");
}

static void test_request_over_the_clients_own_limit_exits_2(void **state)
{
    (void)state;
    kvc_expect_error(url, WORDS("hset", "t", "k", "0123456789", "--max-frame", "16"), 2,
                     "max-frame");
}

static void test_reply_over_the_clients_own_limit_exits_5(void **state)
{
    (void)state;
    char value[301];
    memset(value, 'x', 300);
    value[300] = '\0';
    kvc_expect(url, WORDS("hset", "limit", "k", value), "\n");
    kvc_expect_error(url, WORDS("hget", "limit", "k", "--max-frame", "100"), 5, "max-frame");
}

static void test_help_and_version(void **state)
{
    (void)state;
    struct process kvc;
    assert_int_equal(process_run(&kvc, WORDS(KVC_PATH, "--version")), 0);
    assert_string_equal(kvc.out.text, "kvc 0.1.0\n");
    process_kill(&kvc);
    assert_int_equal(process_run(&kvc, WORDS(KVC_PATH, "--help")), 0);
    assert_non_null(strstr(kvc.out.text, "Usage: kvc [OPTION]... [COMMAND"));
    assert_string_equal(kvc.err.text, "");
    process_kill(&kvc);
}

static void test_answer_that_cannot_be_printed_exits_1(void **state)
{
    (void)state;
    struct process kvc;
    char line[512];
    snprintf(line, sizeof line, "exec %s --server '%s' ping > /dev/full", KVC_PATH, url);
    assert_int_equal(process_run(&kvc, WORDS("/bin/sh", "-c", line)), 1);
    assert_one_line(kvc.err.text, "cannot print the answer: No space left on device");
    process_kill(&kvc);
}

/* The connection must not become standard output, and what is printed a request. */
static void test_standard_output_that_is_closed_exits_1(void **state)
{
    (void)state;
    struct process kvc;
    char line[512];
    snprintf(line, sizeof line, "exec %s --server '%s' ping >&-", KVC_PATH, url);
    assert_int_equal(process_run(&kvc, WORDS("/bin/sh", "-c", line)), 1);
    assert_one_line(kvc.err.text, "cannot print the answer: Bad file descriptor");
    process_kill(&kvc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hset_prints_the_old_value_and_hget_the_new),
        cmocka_unit_test(test_hget_of_an_absent_key_says_so_and_exits_1),
        cmocka_unit_test(test_hgetall_prints_pairs_sorted_by_key),
        cmocka_unit_test(test_many_keys_answer_one_line_each_in_order),
        cmocka_unit_test(test_hdel_prints_the_old_value),
        cmocka_unit_test(test_hexist_prints_a_bool_and_exits_0),
        cmocka_unit_test(test_values_of_every_type_come_back),
        cmocka_unit_test(test_values_from_files_are_binary),
        cmocka_unit_test(test_arguments_that_begin_with_a_dash_follow_two_dashes),
        cmocka_unit_test(test_options_may_follow_the_command),
        cmocka_unit_test(test_ping_prints_where_and_how_long),
        cmocka_unit_test(test_mistakes_of_the_command_line_exit_2),
        cmocka_unit_test(test_no_command_on_standard_input_exits_0),
        cmocka_unit_test(test_codec_of_the_url_wins_and_contradictions_exit_2),
        cmocka_unit_test(test_request_over_the_clients_own_limit_exits_2),
        cmocka_unit_test(test_reply_over_the_clients_own_limit_exits_5),
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_answer_that_cannot_be_printed_exits_1),
        cmocka_unit_test(test_standard_output_that_is_closed_exits_1),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
