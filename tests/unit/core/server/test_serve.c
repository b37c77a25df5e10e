/* SPDX-License-Identifier: MIT
 *
 * A program that is weft_serve, from its command line to its exit code. Compiled with its path, SERVE_ECHO. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire.h"

static struct process server;
static char url[256];

/* Starts it and waits until it says where it listens, which stands in url then. */
static void start(const char *endpoint)
{
    char line[256];
    process_start(&server, WORDS(SERVE_ECHO, endpoint));
    process_wait_line(&server, 1, line, sizeof line);
    assert_int_equal(strncmp(line, "listening tcp://", strlen("listening tcp://")), 0);
    memcpy(url, line + strlen("listening "), sizeof url - strlen("listening "));
}

static int end_server(void **state)
{
    (void)state;
    process_kill(&server);
    return 0;
}

/* Returns a connection on which a message has come back. */
static int say(const void *message, size_t size, bool gzip)
{
    struct wire_bytes reply;
    const int fd = wire_connect(url);
    assert_true(fd >= 0);
    assert_int_equal(wire_send_frame(fd, message, size), 0);
    assert_int_equal(wire_receive(fd, gzip, &reply), 1);
    assert_int_equal(reply.size, size);
    assert_memory_equal(reply.data, message, size);
    wire_free(&reply);
    return fd;
}

static void test_serve_answers_with_the_first_codec_and_service_and_drains_at_sigterm(void **state)
{
    (void)state;
    start(KVS_ANY_PORT);
    assert_non_null(strstr(url, " codec=length-delimited-gzip service=echo"));
    const int fd = say("hello", 5, true);
    process_signal(&server, SIGTERM);
    assert_int_equal(process_wait(&server), 0);
    assert_string_equal(server.err.text, "");
    wire_shutdown(fd);
}

static void test_serve_drains_at_sigint(void **state)
{
    (void)state;
    start(KVS_ANY_PORT "?codec=raw");
    const int fd = say("hello", 5, false);
    process_signal(&server, SIGINT);
    assert_int_equal(process_wait(&server), 0);
    wire_shutdown(fd);
}

/* The connection has a stream that its peer does not read, so it cannot drain. */
static void test_second_signal_cuts_and_is_told(void **state)
{
    (void)state;
    start(KVS_ANY_PORT "?codec=raw&repeat=1000000");
    static const char message[4096];
    const int fd = say(message, sizeof message, false);
    process_signal(&server, SIGTERM);
    process_signal(&server, SIGINT);
    assert_int_equal(process_wait(&server), 1);
    assert_string_equal(server.err.text, "serve_echo: cut 1 connections that had not drained\n");
    wire_shutdown(fd);
}

static void test_program_without_a_url_says_what_to_name(void **state)
{
    (void)state;
    assert_int_equal(process_run(&server, WORDS(SERVE_ECHO)), 1);
    assert_string_equal(server.out.text, "");
    assert_string_equal(server.err.text,
                        "serve_echo: name the URLs to listen on, such as tcp://127.0.0.1:9527\n");
}

static void test_url_that_is_wrong_is_told_in_one_line(void **state)
{
    (void)state;
    assert_int_equal(process_run(&server, WORDS(SERVE_ECHO, KVS_ANY_PORT "?codec=no")), 1);
    assert_string_equal(server.out.text, "");
    assert_one_line(server.err.text, "serve_echo: ");
    assert_non_null(strstr(server.err.text, "unknown codec 'no'"));
}

static void test_address_that_is_taken_is_told_in_one_line(void **state)
{
    (void)state;
    struct process other = {.pid = 0};
    start(KVS_ANY_PORT);
    url[strcspn(url, " ")] = '\0';
    assert_int_equal(process_run(&other, WORDS(SERVE_ECHO, url)), 1);
    assert_one_line(other.err.text, "Address already in use");
    process_kill(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            test_serve_answers_with_the_first_codec_and_service_and_drains_at_sigterm, end_server),
        cmocka_unit_test_teardown(test_serve_drains_at_sigint, end_server),
        cmocka_unit_test_teardown(test_second_signal_cuts_and_is_told, end_server),
        cmocka_unit_test_teardown(test_program_without_a_url_says_what_to_name, end_server),
        cmocka_unit_test_teardown(test_url_that_is_wrong_is_told_in_one_line, end_server),
        cmocka_unit_test_teardown(test_address_that_is_taken_is_told_in_one_line, end_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
