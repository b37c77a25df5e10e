/* SPDX-License-Identifier: MIT
 *
 * nc(1) as a client of ?codec=line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

enum { ECHO };

static struct kvs server;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT "?codec=line&service=echo&max-line=16"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nc_gets_a_line_for_each_line),
        cmocka_unit_test(test_nc_need_not_end_the_last_line),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
