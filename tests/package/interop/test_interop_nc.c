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

/* Types `input` into nc, ends it, and looks at what nc prints. */
static void expect(size_t endpoint, const char *input, const char *output)
{
    struct process nc;
    const char *port = strrchr(server.urls[endpoint], ':') + 1;
    process_start_piped(&nc, WORDS(NC_PATH, "-N", "127.0.0.1", port));
    assert_int_equal(write(nc.in, input, strlen(input)), strlen(input));
    close(nc.in);
    nc.in = -1;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nc_gets_a_line_for_each_line),
        cmocka_unit_test(test_nc_need_not_end_the_last_line),
        cmocka_unit_test(test_nc_does_the_commands_of_kvc),
        cmocka_unit_test(test_nc_and_kvc_see_the_same_tables),
        cmocka_unit_test(test_line_that_is_too_long_is_answered_and_the_next_is_done),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
