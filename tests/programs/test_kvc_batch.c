/* SPDX-License-Identifier: MIT
 *
 * Many commands from a file or a pipe: real kvc against a real kvs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"
#include "lib/listener.h"
#include "lib/wire.h"

static void test_batch_answers_each_command_with_a_line(void **state)
{
    (void)state;
    kvc_expect(url,
               WORDS("batch", write_file("batch", "hset b k 'a value'\n"
                                                  "\n"
                                                  "# a comment\n"
                                                  "hget b k\n"
                                                  "hmset b x \"say \\\"hi\\\"\" y int:2 # more\n"
                                                  "hmget b x y nothing\n"
                                                  "[\"hset\", \"b\", \"json\", 1.5]\n"
                                                  "hget b json\n"
                                                  "ping")),
               "\na value\n\t\nsay \"hi\"\tint:2\t\n\nfloat:1.5\npong\n");
}

/* The cursor of one answer is the next request's. */
static void test_batch_pages_through_a_table_in_json(void **state)
{
    (void)state;
    struct process kvc;
    char request[512];
    kvc_expect(url, WORDS("hmset", "pages", "a", "1", "b", "2"), "\n\n");
    assert_int_equal(
        kvc_run(&kvc, url,
                WORDS("--json", "batch", write_file("p1", "[\"hscan\", \"pages\", \"\", 1]\n"))),
        0);
    const char *cursor = strstr(kvc.out.text, "\"cursor\": \"");
    assert_non_null(cursor);
    cursor += strlen("\"cursor\": ");
    snprintf(request, sizeof request, "[\"hscan\", \"pages\", %.*s]\n", (int)strcspn(cursor, "}"),
             cursor);
    bool a_was_first = strstr(kvc.out.text, "\"a\"") != NULL;
    process_kill(&kvc);
    expect(WORDS("batch", write_file("p2", request)), 0, a_was_first ? "b\t2\n" : "a\t1\n", "");
    expect(WORDS("batch", write_file("p3", "hscan pages \"\" 1\n")), 0, "",
           "kvc: there is more: give hscan the cursor ");
    expect(WORDS("batch", write_file("p4", "[\"hscan\", \"t\", \"?\"]\n")), 2, "",
           "p4:1: cursor \"?\": not one that hscan has printed\n");
    expect(WORDS("batch", write_file("p5", "[\"hscan\", \"t\", \"\", -1]\n")), 2, "",
           "p5:1: hscan's limit is a number from 0 to 4294967295\n");
}

static void test_commands_that_are_piped_in_are_a_batch(void **state)
{
    (void)state;
    struct process kvc;
    process_start_piped(&kvc, WORDS(KVC_PATH, "--server", url));
    assert_int_equal(write(kvc.in, "hset piped k v\nhget piped k\n", 28), 28);
    close(kvc.in);
    kvc.in = -1;
    assert_int_equal(process_wait(&kvc), 0);
    assert_string_equal(kvc.out.text, "\nv\n");
    process_kill(&kvc);
}

static void test_batch_stops_at_what_fails_and_names_its_line(void **state)
{
    (void)state;
    expect(WORDS("batch", write_file("f1", "hset stop k 1\nhget stop none\n")), 1, "\n",
           "f1:2: 404 Not found for table: stop, key: none\n");
    expect(WORDS("batch", write_file("f2", "ping\nget t k\nping\n")), 2, "pong\n",
           "f2:2: unknown command \"get\"");
    expect(WORDS("batch", write_file("f3", "hset t k 'open\n")), 2, "",
           "f3:1: nothing closes the '\n");
    expect(WORDS("batch", write_file("f4", "hset t k \\")), 2, "", "f4:1: nothing follows the \\");
    expect(WORDS("batch", write_file("f5", "[\"hset\", \"t\", \"k\"]\n")), 2, "",
           "f5:1: wrong number of arguments; usage: kvc hset TABLE KEY VALUE\n");
    expect(WORDS("batch", write_file("f6", "[1]\n")), 2, "", "f6:1: a command is an array");
    expect(WORDS("batch", write_file("f7", "[\"hget\", \"t\", 1]\n")), 2, "",
           "f7:1: commands, tables, keys and cursors are strings\n");
    expect(WORDS("batch", write_file("f8", "[\"ping\"\n")), 2, "",
           "f8:1: not JSON: ']' expected near end of file, at byte 7\n");
    expect(WORDS("batch", write_file("f9", "[\"hset\", \"t\", \"k\", [1]]\n")), 2, "",
           "f9:1: an array is no value\n");
    expect(WORDS("batch", write_file("f10", "[\"hset\", \"t\", \"k\", {\"a\": 1}]\n")), 2, "",
           "f10:1: an object is no value but");
    expect(WORDS("batch", write_file("f11", "import t f\n")), 2, "",
           "f11:1: import is a command of kvc's command line only\n");
    expect(WORDS("batch", path_of("nowhere")), 2, "", "No such file or directory\n");
    expect(WORDS("batch", folder), 2, "", "Is a directory\n");
}

static void test_batch_keeps_going_where_it_is_told_to(void **state)
{
    (void)state;
    expect(WORDS("--keep-going", "batch", write_file("k1", "hget t none\nbad\nping\n")), 2,
           "pong\n", "k1:1: 404 Not found for table: t, key: none\n");
    expect(WORDS("--keep-going", "--json", "batch", write_file("k2", "hget t none\nping\n")), 1,
           "{\"line\": 1, \"status\": 404, \"message\": \"Not found for table: t, key: none\"}\n"
           "{\"line\": 2, \"status\": 200}\n",
           "");
}

/* A reader that waits for each result before the next command. */
static void test_batch_answers_a_line_before_the_next_comes(void **state)
{
    (void)state;
    struct process kvc;
    char line[64];
    process_start_piped(&kvc, WORDS(KVC_PATH, "--server", url, "batch"));
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(write(kvc.in, "ping\n", 5), 5);
        process_wait_line(&kvc, i, line, sizeof line);
        assert_string_equal(line, "pong");
    }
    close(kvc.in);
    kvc.in = -1;
    assert_int_equal(process_wait(&kvc), 0);
    process_kill(&kvc);
}

static void test_batch_that_is_interrupted_exits_130(void **state)
{
    (void)state;
    struct process kvc;
    char line[64];
    process_start_piped(&kvc, WORDS(KVC_PATH, "--server", url, "batch"));
    assert_int_equal(write(kvc.in, "ping\n", 5), 5);
    process_wait_line(&kvc, 1, line, sizeof line);
    process_signal(&kvc, SIGINT);
    process_wait_error(&kvc, "kvc: interrupted after 1 answers\n");
    assert_int_equal(process_wait(&kvc), 130);
    process_kill(&kvc);
}

static void test_batch_that_loses_its_server_exits_5_and_says_so_once(void **state)
{
    enum { COMMANDS = 3 };
    struct listener listener;
    struct process kvc;
    (void)state;
    listener_open(&listener);
    process_start(&kvc, WORDS(KVC_PATH, "--server", listener.url, "--timeout", "100", "batch",
                              write_file("lost", "ping\nping\nping\n")));
    int fd = listener_accept(&listener);
    for (int i = 0; i < COMMANDS; i++) {
        struct wire_bytes request;
        assert_int_equal(wire_receive(fd, true, &request), 1);
        wire_free(&request);
    }
    close(fd);
    assert_int_equal(process_wait(&kvc), 5);
    assert_string_equal(kvc.out.text, "");
    assert_non_null(strstr(kvc.err.text, "lost:1: "));
    assert_null(strstr(kvc.err.text, "lost:2: "));
    assert_non_null(strstr(kvc.err.text, "kvc: 3 commands were sent without an answer"));
    process_kill(&kvc);
    close(listener.fd);
}

/* Answers a ping, and ends our side. */
static void answer_once(int fd)
{
    struct wire_bytes request;
    assert_int_equal(wire_receive(fd, true, &request), 1);
    wire_free(&request);
    assert_int_equal(wire_send_frame(fd, "\x08\xc8\x01\x1a\x02\x28\x01", 7), 0);
    wire_shutdown(fd);
}

/* A server ends connections that are idle: where nothing was in flight nothing is lost. */
static void test_batch_connects_again_when_an_idle_connection_has_ended(void **state)
{
    (void)state;
    struct listener listener;
    struct process kvc;
    char line[64], byte;
    listener_open(&listener);
    process_start_piped(&kvc, WORDS(KVC_PATH, "--server", listener.url, "batch"));
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(write(kvc.in, "ping\n", 5), 5);
        int fd = listener_accept(&listener);
        answer_once(fd);
        process_wait_line(&kvc, i, line, sizeof line);
        assert_string_equal(line, "pong");
        assert_int_equal(read(fd, &byte, 1), 0); /* kvc has seen it */
        close(fd);
    }
    close(kvc.in);
    kvc.in = -1;
    assert_int_equal(process_wait(&kvc), 0);
    assert_string_equal(kvc.err.text, "");
    process_kill(&kvc);
    close(listener.fd);
}

static void test_failures_are_objects_too(void **state)
{
    (void)state;
    expect(WORDS("--json", "--keep-going", "batch", write_file("j1", "bad\nping\n")), 2,
           "{\"line\": 1, \"error\": \"unknown command \\\"bad\\\"; there are: ", "");
    expect(WORDS("--json", "batch", "/nowhere"), 2, "{\"error\": \"cannot read /nowhere: ", "");
}

static void test_value_whose_type_is_mistyped_is_warned_of(void **state)
{
    (void)state;
    static const char warning[] = "warning: \"Int:1\" is taken as a string; did you mean int:?";
    expect(WORDS("hset", "typo", "k", "Int:1"), 0, "\n", warning);
    kvc_expect(url, WORDS("hset", "typo", "k", "str:Int:1"), "Int:1\n");
    kvc_expect(url, WORDS("hget", "typo", "k"), "Int:1\n");
    expect(WORDS("batch", write_file("t1", "ping\nhset typo k double:3\n")), 0, "pong\nInt:1\n",
           "t1:2: warning: \"double:3\" is taken as a string; did you mean float:?");
    expect(WORDS("import", "typo", write_file("t2.csv", "a,1\nb,Int:1\nc,Int:2\n")), 0,
           "3 rows stored",
           "t2.csv:2: warning: \"Int:1\" is taken as a string; did you mean int:?");
    kvc_expect(url, WORDS("batch", write_file("t3", "[\"hset\", \"typo\", \"k\", \"Int:1\"]\n")),
               "double:3\n");
}

static void test_batch_names_the_line_of_a_request_over_a_limit(void **state)
{
    char line[2100];
    (void)state;
    (void)snprintf(line, sizeof line, "ping\nhset t k %02000d\n", 1);
    expect(
        WORDS("--max-frame", "1KiB", "--max-message", "1KiB", "batch", write_file("large", line)),
        2, "pong\n", "large:2: ");
}

static void test_batch_without_a_server_exits_3(void **state)
{
    (void)state;
    const char *all = url;
    url = "unix:/nowhere/kvs.sock";
    expect(WORDS("batch", write_file("n", "ping\n")), 3, "", "unix:/nowhere/kvs.sock");
    url = all;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_answers_each_command_with_a_line),
        cmocka_unit_test(test_batch_pages_through_a_table_in_json),
        cmocka_unit_test(test_commands_that_are_piped_in_are_a_batch),
        cmocka_unit_test(test_batch_stops_at_what_fails_and_names_its_line),
        cmocka_unit_test(test_batch_keeps_going_where_it_is_told_to),
        cmocka_unit_test(test_batch_answers_a_line_before_the_next_comes),
        cmocka_unit_test(test_batch_that_is_interrupted_exits_130),
        cmocka_unit_test(test_batch_that_loses_its_server_exits_5_and_says_so_once),
        cmocka_unit_test(test_batch_connects_again_when_an_idle_connection_has_ended),
        cmocka_unit_test(test_failures_are_objects_too),
        cmocka_unit_test(test_value_whose_type_is_mistyped_is_warned_of),
        cmocka_unit_test(test_batch_names_the_line_of_a_request_over_a_limit),
        cmocka_unit_test(test_batch_without_a_server_exits_3),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
