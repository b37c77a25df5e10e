/* SPDX-License-Identifier: MIT
 *
 * kvc and a server that is not there, says nothing, or says something else. The server is
 * this program, a line at a time. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/listener.h"
#include "lib/wire.h"

/* Starts kvc with words and takes its connection. */
static int accept_kvc(const struct listener *listener, struct process *kvc,
                      const char *const *words)
{
    const char *all[PROCESS_WORDS_MAX] = {KVC_PATH, "--server", listener->url, "--timeout", "100"};
    size_t count = 5;
    while (*words)
        all[count++] = *words++;
    process_start(kvc, all);
    return listener_accept(listener);
}

/* Takes kvc's request, answers with size bytes, closes, and expects exit code 5 and the fragment. */
static void answer(const char *const *words, const void *bytes, size_t size, const char *fragment)
{
    struct listener listener;
    struct process kvc;
    struct wire_bytes request;
    listener_open(&listener);
    int fd = accept_kvc(&listener, &kvc, words);
    assert_int_equal(wire_receive(fd, true, &request), 1);
    wire_free(&request);
    assert_int_equal(wire_send(fd, bytes, size), 0);
    close(fd);
    assert_int_equal(process_wait(&kvc), 5);
    assert_one_line(kvc.err.text, fragment);
    assert_string_equal(kvc.out.text, "");
    process_kill(&kvc);
    close(listener.fd);
}

static void test_nobody_listens_exits_3_and_says_what_to_try(void **state)
{
    (void)state;
    struct listener listener;
    listener_open(&listener);
    close(listener.fd); /* the port is free again, and refuses */
    kvc_expect_error(listener.url, WORDS("ping"), 3, listener.url);
    kvc_expect_error(
        listener.url, WORDS("ping"), 3,
        "Connection refused; is a server listening there? Start one with: kvs --listen ");
}

static void test_socket_that_is_not_there_exits_3(void **state)
{
    (void)state;
    kvc_expect_error("unix:/nowhere/kvs.sock", WORDS("ping"), 3,
                     "is the path right? Start one with: kvs --listen unix:/nowhere/kvs.sock\n");
}

static void test_connection_that_is_not_taken_exits_3_in_time(void **state)
{
    (void)state;
    struct listener listener;
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int waiting[8];
    listener_open(&listener);
    assert_int_equal(listen(listener.fd, 0), 0);
    assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&address, &size), 0);
    /* A full backlog drops whoever else comes. */
    for (size_t i = 0; i < 8; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(waiting[i] >= 0);
        (void)!connect(waiting[i], (struct sockaddr *)&address, size);
    }
    kvc_expect_error(listener.url, WORDS("ping", "--timeout", "0.2"), 3,
                     " within 0.2 s; --timeout SECONDS waits longer\n");
    for (size_t i = 0; i < 8; i++)
        close(waiting[i]);
    close(listener.fd);
}

static void test_name_that_is_not_resolved_exits_3_in_time(void **state)
{
    (void)state;
    struct process kvc;
    assert_int_equal(
        process_run(&kvc, WORDS("/usr/bin/env", "LD_PRELOAD=" SLOW_RESOLVER,
                                "ASAN_OPTIONS=verify_asan_link_order=0", KVC_PATH, "--server",
                                "tcp://somewhere:1", "--timeout", "0.2", "ping")),
        3);
    assert_one_line(kvc.err.text, "kvc: cannot resolve tcp://somewhere:1 within 0.2 s; "
                                  "--timeout SECONDS waits longer\n");
    process_kill(&kvc);
}

static void expect_timeout(const char *const *words, bool may_have_taken_effect)
{
    struct listener listener;
    struct process kvc;
    listener_open(&listener);
    int fd = accept_kvc(&listener, &kvc, words);
    assert_int_equal(process_wait(&kvc), 4);
    assert_one_line(kvc.err.text, "within 0.2 s");
    assert_int_equal(strstr(kvc.err.text, "may have taken effect") != NULL, may_have_taken_effect);
    process_kill(&kvc);
    close(fd);
    close(listener.fd);
}

static void test_read_without_answer_exits_4(void **state)
{
    (void)state;
    expect_timeout(WORDS("hget", "t", "k", "--timeout", "0.2"), false);
}

static void test_write_without_answer_may_have_taken_effect(void **state)
{
    (void)state;
    expect_timeout(WORDS("hset", "t", "k", "v", "--timeout", "0.2"), true);
    expect_timeout(WORDS("hmdel", "t", "k", "--timeout", "0.2"), true);
}

static void test_connection_closed_before_the_answer_exits_5(void **state)
{
    (void)state;
    answer(WORDS("hget", "t", "k"), "", 0, "closed the connection\n");
    answer(WORDS("hset", "t", "k", "v"), "", 0, "; the command may have taken effect\n");
}

static void test_connection_closed_inside_the_answer_exits_5(void **state)
{
    (void)state;
    answer(WORDS("ping"), "\0\0\0\x09\x08", 5, "inside a reply");
}

static void test_answer_in_http_exits_5_and_says_so(void **state)
{
    (void)state;
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    answer(
        WORDS("ping"), http, sizeof http - 1,
        "the server answered in HTTP, not in codec 'length-delimited-gzip': is tcp://127.0.0.1:");
}

static void test_answer_that_is_no_gzip_exits_5(void **state)
{
    (void)state;
    answer(WORDS("ping"), "\x80\0\0\x14this is no gzip \x05\0\0\0", 24,
           "the reply is malformed: not a gzip member\n");
    answer(WORDS("ping"), "\x80\0\0\x02\x1f\x8b", 6, "too short for a gzip member\n");
    answer(WORDS("ping"), "\x80\0\0\x14\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\xff\xff\xff\0",
           24, "gzip that cannot be as large as it says\n");
}

static void test_answer_that_is_no_message_exits_5(void **state)
{
    (void)state;
    answer(WORDS("ping"), "\0\0\0\x02\x0a\x7f", 6, "malformed");
}

static void test_answer_with_too_few_values_exits_5(void **state)
{
    (void)state;
    answer(WORDS("hget", "t", "k"), "\0\0\0\x03\x08\xc8\x01", 7,
           "the server answered 0 values for 1 keys\n");
}

static void test_answer_of_another_type_exits_5(void **state)
{
    (void)state;
    answer(WORDS("hexist", "t", "k"), "\0\0\0\x07\x08\xc8\x01\x1a\x02\x18\x01", 11,
           "kvc: the server did not answer true or false\n");
}

/* Takes a request whose first byte is a field's tag, and answers it. */
static void take_and_answer(int fd, const void *tag, size_t tag_size, const void *reply,
                            size_t size)
{
    struct wire_bytes request;
    assert_int_equal(wire_receive(fd, true, &request), 1);
    assert_true(request.size >= tag_size);
    assert_memory_equal(request.data, tag, tag_size);
    wire_free(&request);
    assert_int_equal(wire_send(fd, reply, size), 0);
}

static void test_server_without_hscan_is_asked_for_hgetall(void **state)
{
    (void)state;
    struct listener listener;
    struct process kvc;
    listener_open(&listener);
    int fd = accept_kvc(&listener, &kvc, WORDS("export", "t"));
    take_and_answer(fd, "\x82\x01", 2, "\0\0\0\x03\x08\xf5\x03", 7);
    take_and_answer(fd, "\x12", 1, "\0\0\0\x0d\x08\xc8\x01\x22\x08\x0a\x01k\x12\x03\x0a\x01v", 17);
    assert_int_equal(process_wait(&kvc), 0);
    assert_string_equal(kvc.out.text, "{\"key\": \"k\", \"value\": \"v\"}\n");
    process_kill(&kvc);
    close(fd);
    close(listener.fd);
}

/* Nothing that is printed is lost in silence. */
static void test_full_disk_behind_standard_output_is_an_error(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--help",
        "--help-all",
        "--version",
        "help",
        "help hset",
        "hset --help",
        "batch",
        "--json batch",
        "--json import t /dev/null",
        "import t /dev/null",
        "hexist t k",
        "--json ping",
        "export t -",
        "hgetall t",
        "bench --requests 1 --warmup 0 --keys 1 --clients 1",
        "--json bench --requests 1 --warmup 0 --keys 1 --clients 1",
    };
    struct kvs server;
    char line[512];
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT));
    kvc_expect(server.urls[0], WORDS("hset", "t", "k", "v"), "\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct process shell;
        snprintf(line, sizeof line, "echo ping | %s --server '%s' %s > /dev/full", KVC_PATH,
                 server.urls[0], lines[i]);
        int code = process_run(&shell, WORDS("/bin/sh", "-c", line));
        if (code != 1 || !strstr(shell.err.text, "No space left on device"))
            fail_msg("kvc %s: code %d, %s", lines[i], code, shell.err.text);
        process_kill(&shell);
    }
    kvc_expect(server.urls[0], WORDS("hget", "t", "k"), "v\n");
    struct process shell;
    snprintf(line, sizeof line, "%s --version > /dev/full", KVC_PATH);
    assert_int_equal(process_run(&shell, WORDS("/bin/sh", "-c", line)), 1);
    assert_one_line(shell.err.text,
                    "kvc: cannot write to standard output: No space left on device");
    process_kill(&shell);
    kvs_end(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_disk_behind_standard_output_is_an_error),
        cmocka_unit_test(test_nobody_listens_exits_3_and_says_what_to_try),
        cmocka_unit_test(test_socket_that_is_not_there_exits_3),
        cmocka_unit_test(test_connection_that_is_not_taken_exits_3_in_time),
        cmocka_unit_test(test_name_that_is_not_resolved_exits_3_in_time),
        cmocka_unit_test(test_server_without_hscan_is_asked_for_hgetall),
        cmocka_unit_test(test_read_without_answer_exits_4),
        cmocka_unit_test(test_write_without_answer_may_have_taken_effect),
        cmocka_unit_test(test_connection_closed_before_the_answer_exits_5),
        cmocka_unit_test(test_connection_closed_inside_the_answer_exits_5),
        cmocka_unit_test(test_answer_in_http_exits_5_and_says_so),
        cmocka_unit_test(test_answer_that_is_no_gzip_exits_5),
        cmocka_unit_test(test_answer_that_is_no_message_exits_5),
        cmocka_unit_test(test_answer_with_too_few_values_exits_5),
        cmocka_unit_test(test_answer_of_another_type_exits_5),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
