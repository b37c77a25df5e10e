/* SPDX-License-Identifier: MIT
 *
 * nc(1) as a client of ?codec=line: of echo, and of kv beside a client of another language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

enum { ECHO, LINES, FRAMES };

static struct kvs server;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server,
              WORDS("--listen", KVS_ANY_PORT "?codec=line&service=echo&max-line=16", "--listen",
                    KVS_ANY_PORT "?codec=line&max-line=64KiB", "--listen", KVS_ANY_PORT));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    return 0;
}

static void type(const struct process *nc, const char *input)
{
    assert_int_equal(write(nc->in, input, strlen(input)), strlen(input));
}

static void start(struct process *nc, const char *url, const char *input)
{
    process_start_piped(nc, WORDS(NC_PATH, "-N", "127.0.0.1", strrchr(url, ':') + 1));
    type(nc, input);
}

static void end_input(struct process *nc)
{
    close(nc->in);
    nc->in = -1;
}

/* Waits until nc has printed so many lines, and looks at the last of them. */
static void expect_line(struct process *nc, size_t number, const char *text)
{
    char line[256];
    process_wait_line(nc, number, line, sizeof line);
    assert_string_equal(line, text);
}

/* Types `input` into nc, ends it, and looks at what nc prints. */
static void expect(size_t endpoint, const char *input, const char *output)
{
    struct process nc;
    start(&nc, server.urls[endpoint], input);
    end_input(&nc);
    assert_int_equal(process_wait(&nc), 0);
    assert_string_equal(nc.out.text, output);
    process_kill(&nc);
}

static void test_nc_gets_a_line_for_each_line(void **state)
{
    (void)state;
    expect(ECHO, "one\ntwo\n\n", "one\ntwo\n\n");
}

static void test_nc_need_not_end_the_last_line(void **state)
{
    (void)state;
    expect(ECHO, "one\r\ntwo", "one\ntwo\n");
}

static void test_nc_does_the_commands_of_kvc(void **state)
{
    (void)state;
    expect(LINES,
           "hset t k 'two words'\nhget t k\nhget t x\nhmset t a int:1 b hex:00ff\n"
           "hmget t a x b\nhincr t n 5\nhexpire t n never\nhttl t n\ncount t\nping\n\n",
           "200\t\n200\ttwo words\n404\tNot found for table: t, key: x\n200\t\t\n"
           "200\tint:1\t\thex:00ff\n200\t5\n200\ttrue\n200\tnever\n200\t4\n200\n"
           "400\tno command; help lists them\n");
}

static void test_nc_and_kvc_see_the_same_tables(void **state)
{
    (void)state;
    kvc_expect(server.urls[FRAMES], WORDS("hset", "both", "k", "a\nb"), "\n");
    expect(LINES, "hget both k\nhset both k plain\n", "200\ta\\nb\n200\ta\\nb\n");
    kvc_expect(server.urls[FRAMES], WORDS("hget", "both", "k"), "plain\n");
}

static void test_line_that_is_too_long_is_answered_and_the_next_is_done(void **state)
{
    static char input[70000];
    (void)state;
    memset(input, 'x', sizeof input - 1);
    memcpy(input + sizeof input - 7, "\nping\n", 6);
    expect(LINES, input, "413\tRequest is too big: 65537 bytes, max-line is 65536\n200\n");
}

/* Lines that begin with a number are replies, and others are not. */
static void test_nc_subscribes_and_publishes(void **state)
{
    struct process nc;
    (void)state;
    start(&nc, server.urls[LINES], "subscribe 'news-*' --pattern\nsubscribe a b\n");
    expect_line(&nc, 2, "200\t2");
    kvc_expect(server.urls[FRAMES], WORDS("publish", "news-x", "int:1", "a\tb"), "1\n");
    expect_line(&nc, 3, "message\tnews-x\tint:1");
    expect_line(&nc, 4, "message\tnews-x\ta\\tb");
    type(&nc, "unsubscribe 1\n");
    expect_line(&nc, 5, "200\t1");
    kvc_expect(server.urls[FRAMES], WORDS("publish", "news-x", "late"), "0\n");
    expect(LINES, "publish b one two\n", "200\t1\n");
    expect_line(&nc, 7, "message\tb\ttwo");
    type(&nc, "unsubscribe 2\n");
    end_input(&nc);
    assert_int_equal(process_wait(&nc), 0);
    assert_string_equal(nc.out.text,
                        "200\t1\n200\t2\nmessage\tnews-x\tint:1\nmessage\tnews-x\ta\\tb\n"
                        "200\t1\nmessage\tb\tone\nmessage\tb\ttwo\n200\t1\n");
    process_kill(&nc);
}

/* `echo subscribe t | nc -N` only ends its own direction. */
static void test_nc_that_only_reads_gets_messages_and_the_end(void **state)
{
    struct kvs kvs;
    struct process nc;
    (void)state;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT "?codec=line"));
    start(&nc, kvs.urls[0], "subscribe t\n");
    end_input(&nc);
    expect_line(&nc, 1, "200\t1");
    struct process other;
    start(&other, kvs.urls[0], "publish t x\n");
    expect_line(&other, 1, "200\t1");
    expect_line(&nc, 2, "message\tt\tx");
    process_kill(&other);
    assert_int_equal(kvs_stop(&kvs), 0);
    expect_line(&nc, 3, "end\t1\t503\tThe subscription ends: the server is shutting down");
    assert_int_equal(process_wait(&nc), 0);
    process_kill(&nc);
    kvs_kill(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nc_gets_a_line_for_each_line),
        cmocka_unit_test(test_nc_need_not_end_the_last_line),
        cmocka_unit_test(test_nc_does_the_commands_of_kvc),
        cmocka_unit_test(test_nc_and_kvc_see_the_same_tables),
        cmocka_unit_test(test_line_that_is_too_long_is_answered_and_the_next_is_done),
        cmocka_unit_test(test_nc_subscribes_and_publishes),
        cmocka_unit_test(test_nc_that_only_reads_gets_messages_and_the_end),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
