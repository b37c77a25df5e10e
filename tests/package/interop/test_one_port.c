/* SPDX-License-Identifier: MIT
 *
 * One address for every client there is: kvc, redis-cli, curl and nc(1) see the same tables there, each in
 * its own protocol and with nothing to choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct kvs server;
static const char *port;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT, "--listen", "?codec=auto"));
    port = strrchr(server.urls[0], ':') + 1;
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    return 0;
}

static void expect_kvc(const char *const *words, const char *output)
{
    kvc_expect(server.urls[0], words, output);
}

static void expect_output(const char *const *words, const char *output)
{
    struct process process;
    assert_int_equal(process_run(&process, words), 0);
    assert_string_equal(process.out.text, output);
    process_kill(&process);
}

static void expect_curl(const char *path, const char *output)
{
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%s%s", port, path);
    expect_output(WORDS(CURL_PATH, "-sS", url), output);
}

/* Types `input` into nc, ends it, and looks at what nc prints. */
static void expect_nc(const char *input, const char *output)
{
    struct process nc;
    process_start_piped(&nc, WORDS(NC_PATH, "-N", "127.0.0.1", port));
    assert_int_equal(write(nc.in, input, strlen(input)), strlen(input));
    close(nc.in);
    nc.in = -1;
    assert_int_equal(process_wait(&nc), 0);
    assert_string_equal(nc.out.text, output);
    process_kill(&nc);
}

static void test_four_clients_read_what_one_has_written(void **state)
{
    (void)state;
    expect_kvc(WORDS("hset", "table1", "hello", "world"), "\n");
    expect_kvc(WORDS("hget", "table1", "hello"), "world\n");
    expect_output(WORDS(REDIS_CLI_PATH, "-p", port, "HGET", "table1", "hello"), "world\n");
    expect_curl("/v1/tables/table1/keys/hello", "world");
    expect_nc("hget table1 hello\n", "200\tworld\n");
}

static void test_one_client_reads_what_each_has_written(void **state)
{
    char url[256];
    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%s/v1/tables/mixed/keys/curl", port);
    expect_output(WORDS(REDIS_CLI_PATH, "-p", port, "HSET", "mixed", "redis", "1"), "1\n");
    expect_output(WORDS(CURL_PATH, "-sS", "-o", "/dev/null", "-X", "PUT", "-H",
                        "Content-Type: text/plain", "--data-binary", "2", url),
                  "");
    expect_nc("hset mixed nc 3\n", "200\t\n");
    expect_kvc(WORDS("hset", "mixed", "kvc", "4"), "\n");
    expect_kvc(WORDS("hmget", "mixed", "redis", "curl", "nc", "kvc"), "1\n2\n3\n4\n");
}

static void test_each_codec_of_the_address_has_its_line(void **state)
{
    struct process kvs;
    (void)state;
    assert_int_equal(process_run(&kvs, WORDS(KVS_PATH, "--check", "--listen",
                                             "tcp://127.0.0.1:9527?codec=auto:resp,http,line")),
                     0);
    assert_ptr_equal(strstr(kvs.out.text,
                            "endpoint tcp://127.0.0.1:9527 codec=resp service=kv speaks=resp\n"
                            "endpoint tcp://127.0.0.1:9527 codec=http service=kv speaks=http\n"
                            "endpoint tcp://127.0.0.1:9527 codec=line service=kv speaks=line\n"),
                     kvs.out.text);
    process_kill(&kvs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_clients_read_what_one_has_written),
        cmocka_unit_test(test_one_client_reads_what_each_has_written),
        cmocka_unit_test(test_each_codec_of_the_address_has_its_line),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
