/* SPDX-License-Identifier: MIT
 *
 * Programs and drivers of Redis against kvs. What is not installed was said when the build was configured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct kvs server;
static struct process program;
static char folder[256];
static const char *port;

static int start_server(void **state)
{
    (void)state;
    char socket[300];
    scratch_make(folder, sizeof folder);
    snprintf(socket, sizeof socket, "unix:%s/kvs.sock?codec=resp", folder);
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT "?codec=resp", "--listen", socket, "--listen",
                             KVS_ANY_PORT "?codec=auto"));
    port = strrchr(server.urls[0], ':') + 1;
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    process_kill(&program);
    kvs_end(&server);
    scratch_remove(folder);
    return 0;
}

/* Runs it: the exit code is 0. */
static void run(const char *const *words)
{
    int code = process_run(&program, words);
    if (code != 0)
        fail_msg("%s: exit code %d\n%s%s", words[0], code, program.out.text, program.err.text);
}

static void expect_cli(const char *const *words, const char *out)
{
    const char *all[PROCESS_WORDS_MAX] = {REDIS_CLI, "-p", port};
    size_t count = 3;
    for (size_t i = 0; words[i]; i++)
        all[count++] = words[i];
    run(all);
    assert_string_equal(program.out.text, out);
    process_kill(&program);
}

static void test_redis_cli_prints_what_it_prints_for_redis(void **state)
{
    (void)state;
    expect_cli(WORDS("PING"), "PONG\n");
    expect_cli(WORDS("SET", "a", "hello"), "OK\n");
    expect_cli(WORDS("GET", "a"), "hello\n");
    expect_cli(WORDS("--no-raw", "GET", "nosuch"), "(nil)\n");
    expect_cli(WORDS("--no-raw", "HSET", "h", "f", "1", "g", "2"), "(integer) 2\n");
    expect_cli(WORDS("--no-raw", "HMGET", "h", "g", "x"), "1) \"2\"\n2) (nil)\n");
    expect_cli(WORDS("-3", "--no-raw", "HGETALL", "nosuch"), "(empty hash)\n");
    expect_cli(WORDS("--no-raw", "SET", "b", "\xff"), "OK\n");
    expect_cli(WORDS("--no-raw", "GET", "b"), "\"\\xff\"\n");
    expect_cli(WORDS("--no-raw", "NOSUCH", "x"),
               "(error) ERR unknown command 'NOSUCH', with args beginning with: 'x' \n");
}

/* With a terminal or a pipe it asks for the documentation of all commands first. */
static void test_redis_cli_reads_commands_from_its_input(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof command,
             "printf 'SET a 1\\nGET a\\nHSET h f v\\nHGET h f\\n' | %s -p %s && "
             "printf 'SET b 2\\r\\nGET b\\r\\n' | %s -p %s --pipe",
             REDIS_CLI, port, REDIS_CLI, port);
    run(WORDS("/bin/sh", "-c", command));
    assert_non_null(strstr(program.out.text, "OK\n1\n1\nv\n"));
    assert_non_null(strstr(program.out.text, "errors: 0, replies: 2"));
}

static void test_redis_benchmark_runs_to_its_end(void **state)
{
    (void)state;
    run(WORDS(REDIS_BENCHMARK, "-p", port, "-n", "2000", "-P", "16", "-q", "-r", "100", "-t",
              "ping,set,get,hset,mset"));
    assert_non_null(strstr(program.out.text, "PING_INLINE"));
    assert_non_null(strstr(program.out.text, "HSET"));
    assert_null(strstr(program.err.text, "rror"));
    process_kill(&program);
    run(WORDS(REDIS_BENCHMARK, "-p", port, "-n", "2000", "-P", "16", "-q", "-r", "100", "HGET",
              "myhash", "element:__rand_int__"));
    assert_null(strstr(program.err.text, "rror"));
}

static void test_hiredis_is_served(void **state)
{
    (void)state;
    run(WORDS(HIREDIS_CLIENT, "127.0.0.1", port));
}

static void test_python_redis_is_served(void **state)
{
    (void)state;
    run(WORDS(PYTHON_PATH, "-B", REDIS_FOLDER "/client.py", "127.0.0.1", port));
}

#ifdef NODE_PATH
static void test_ioredis_is_served(void **state)
{
    (void)state;
    run(WORDS("/usr/bin/env", "NODE_PATH=" NODE_MODULES, NODE_PATH, REDIS_FOLDER "/client.js",
              "127.0.0.1", port));
}
#endif

static void start_redis(struct process *redis, char redis_socket[300], char kvs_socket[300])
{
    *redis = (struct process){0};
    snprintf(redis_socket, 300, "%s/redis.sock", folder);
    snprintf(kvs_socket, 300, "%s/kvs.sock", folder);
    process_start(redis, WORDS(REDIS_SERVER, "--port", "0", "--unixsocket", redis_socket, "--save",
                               "", "--appendonly", "no", "--dir", folder));
}

static void test_keyspace_events_are_those_of_redis(void **state)
{
    (void)state;
    char redis_socket[300], kvs_socket[300];
    struct process redis;
    start_redis(&redis, redis_socket, kvs_socket);
    int code = process_run(
        &program, WORDS(PYTHON_PATH, "-B", REDIS_FOLDER "/events.py", redis_socket, kvs_socket));
    process_kill(&redis);
    if (code != 0)
        fail_msg("%s%s", program.out.text, program.err.text);
}

static void test_answers_are_those_of_redis_but_for_what_the_page_lists(void **state)
{
    (void)state;
    char redis_socket[300], kvs_socket[300];
    struct process redis;
    start_redis(&redis, redis_socket, kvs_socket);
    int code = process_run(&program, WORDS(PYTHON_PATH, "-B", REDIS_FOLDER "/differences.py",
                                           REDIS_FOLDER "/commands.txt", REDIS_PAGE, redis_socket,
                                           kvs_socket));
    process_kill(&redis);
    if (code != 0)
        fail_msg("%s%s", program.out.text, program.err.text);
}

static void test_one_port_serves_clients_of_all_kinds(void **state)
{
    (void)state;
    port = strrchr(server.urls[2], ':') + 1;
    kvc_expect(server.urls[2], WORDS("hset", "t", "k", "v"), "\n");
    expect_cli(WORDS("HGET", "t", "k"), "v\n");
    expect_cli(WORDS("PING"), "PONG\n");
    kvc_expect(server.urls[2], WORDS("hget", "t", "k"), "v\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop_server)
        TEST(test_redis_cli_prints_what_it_prints_for_redis),
        TEST(test_redis_cli_reads_commands_from_its_input),
        TEST(test_redis_benchmark_runs_to_its_end),
        TEST(test_hiredis_is_served),
        TEST(test_python_redis_is_served),
#ifdef NODE_PATH
        TEST(test_ioredis_is_served),
#endif
        TEST(test_keyspace_events_are_those_of_redis),
        TEST(test_answers_are_those_of_redis_but_for_what_the_page_lists),
        TEST(test_one_port_serves_clients_of_all_kinds),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
