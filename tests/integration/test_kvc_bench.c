/* SPDX-License-Identifier: MIT
 *
 * kvc bench against a real kvs: runs that end after so many requests, and what they count. */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct kvs server;
static char folder[64], gzip_socket[128], raw_socket[128];
static struct process kvc;
static json_t *json;

static int start_server(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(gzip_socket, sizeof gzip_socket, "unix:%s/gzip", folder);
    snprintf(raw_socket, sizeof raw_socket, "unix:%s/raw?codec=raw", folder);
    kvs_start(&server,
              WORDS("--threads", "2", "--listen", KVS_ANY_PORT, "--listen",
                    KVS_ANY_PORT "?codec=raw", "--listen", gzip_socket, "--listen", raw_socket));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    int code = kvs_stop(&server);
    kvs_kill(&server);
    scratch_remove(folder);
    return code;
}

static int end(void **state)
{
    (void)state;
    json_decref(json);
    json = NULL;
    process_kill(&kvc);
    return 0;
}

/* Runs `kvc bench --warmup 0 WORDS...`. */
static int run(const char *url, const char *const *words)
{
    const char *all[PROCESS_WORDS_MAX] = {"bench", "--warmup", "0"};
    for (size_t i = 0; words[i]; i++)
        all[3 + i] = words[i];
    process_kill(&kvc);
    return kvc_run(&kvc, url, all);
}

static void expect(const char *url, const char *const *words, int code, const char *out,
                   const char *err)
{
    int got = run(url, words);
    if (got != code || !strstr(kvc.out.text, out) || !strstr(kvc.err.text, err))
        fail_msg("code %d, out '%s', err '%s'", got, kvc.out.text, kvc.err.text);
}

/* The same with --json, which is the last of the words, into `json`. */
static void run_json(const char *url, int code, const char *const *words)
{
    json_error_t error;
    int got = run(url, words);
    json_decref(json);
    json = json_loads(kvc.out.text, 0, &error);
    if (got != code || !json)
        fail_msg("code %d, out '%s', err '%s'", got, kvc.out.text, kvc.err.text);
}

static json_int_t count(const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static json_int_t command_count(const char *command, const char *name)
{
    json_t *commands = json_object_get(json, "commands");
    return json_integer_value(json_object_get(json_object_get(commands, command), name));
}

static double ratio(const char *way)
{
    return json_number_value(json_object_get(json_object_get(json, way), "ratio"));
}

static json_int_t bytes(const char *way, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(json, way), name));
}

/* All was answered, and rightly; the sums are those of the parts. */
static void assert_whole(json_int_t requests)
{
    json_t *commands = json_object_get(json, "commands"), *command;
    json_int_t sum = 0;
    const char *name;
    json_object_foreach(commands, name, command)
    {
        sum += json_integer_value(json_object_get(command, "requests"));
    }
    assert_int_equal(sum, requests);
    assert_int_equal(count("requests"), requests);
    assert_int_equal(count("wrong") + count("missing") + count("refused"), 0);
    assert_int_equal(json_object_size(json_object_get(json, "statuses")), 0);
    assert_string_equal(kvc.err.text, "");
}

static void test_every_endpoint_answers_as_many_as_were_asked_for(void **state)
{
    (void)state;
    const char *const urls[] = {server.urls[0], server.urls[1], gzip_socket, raw_socket};
    const char *const codecs[] = {"length-delimited-gzip", "raw", "length-delimited-gzip", "raw"};
    for (size_t i = 0; i < 4; i++) {
        const char *codec = i == 1 ? "--codec=raw" : "--timeout=100";
        run_json(urls[i], 0,
                 WORDS("--clients=5", "--pipeline=7", "--threads=2", "--keys=100", "--requests",
                       "2001", "--mix", "hget=2,hset=1,hexist=1", codec, "--json"));
        assert_whole(2001);
        assert_true(command_count("hexist", "requests") > 0);
        assert_string_equal(json_string_value(json_object_get(json, "codec")), codecs[i]);
    }
}

static void test_few_clients_keys_and_requests_are_enough(void **state)
{
    (void)state;
    run_json(server.urls[0], 0,
             WORDS("--clients=1", "--keys=1", "--requests=1", "--value-size=0", "--json"));
    assert_whole(1);
    run_json(server.urls[0], 0,
             WORDS("--clients=7", "--threads=5", "--keys=2", "--requests=3", "--json"));
    assert_whole(3);
}

static void test_wire_and_message_bytes_tell_the_compression(void **state)
{
    (void)state;
    const char *const words[] = {
        "--clients=2", "--keys=10", "--requests=50", "--mix=hget=1", "--value-size=16KiB",
        "--json",      NULL};
    run_json(gzip_socket, 0, words);
    assert_whole(50);
    assert_true(ratio("received") > 3);
    assert_true(ratio("sent") < 1); /* no request is compressed, and each has a header */
    run_json(raw_socket, 0, words);
    assert_whole(50);
    assert_int_equal(bytes("received", "bytes"), bytes("received", "message_bytes") + 50 * 4);
    assert_int_equal(bytes("sent", "bytes"), bytes("sent", "message_bytes") + 50 * 4);
    run_json(gzip_socket, 0,
             WORDS("--clients=2", "--keys=10", "--requests=50", "--mix=hset=1",
                   "--value-size=16KiB", "--json"));
    assert_true(ratio("sent") > 3);
}

static void test_random_values_do_not_compress(void **state)
{
    (void)state;
    run_json(gzip_socket, 0,
             WORDS("--clients=2", "--keys=10", "--requests=50", "--value-size=16KiB",
                   "--value-kind=random", "--json"));
    assert_whole(50);
    assert_true(ratio("received") < 1.01);
}

static void test_deleting_misses_and_is_right_all_the_same(void **state)
{
    (void)state;
    run_json(server.urls[0], 0,
             WORDS("--clients=3", "--pipeline=4", "--keys=5", "--requests=3000",
                   "--mix=hget=1,hset=1,hexist=1,hdel=1", "--json"));
    assert_whole(3000);
    assert_true(command_count("hget", "misses") > 0);
    assert_true(command_count("hset", "misses") > 0);
    assert_true(command_count("hexist", "misses") > 0);
    assert_true(command_count("hdel", "misses") > 0);
}

static void test_keys_are_left_with_values_of_their_own(void **state)
{
    (void)state;
    expect(server.urls[0],
           WORDS("--table=left", "--keys=1001", "--requests=1", "--value-size=30", "--threads=3"),
           0, "1001 keys of table left, json values of 30 bytes, seed 1\n", "");
    process_kill(&kvc);
    assert_int_equal(kvc_run(&kvc, server.urls[0], WORDS("hgetall", "left")), 0);
    size_t lines = 0;
    for (const char *line = kvc.out.text; *line; line = strchr(line, '\n') + 1, lines++)
        assert_memory_equal(line + 4, line + 15, 10); /* key:DIGITS and a value that begins so */
    assert_int_equal(lines, 1001);
}

static void test_what_another_program_has_stored_is_replaced(void **state)
{
    (void)state;
    kvc_expect(server.urls[0], WORDS("hset", "other", "key:0000000000", "int:5"), "\n");
    run_json(server.urls[0], 0, WORDS("--table=other", "--keys=1", "--requests=10", "--json"));
    assert_whole(10);
}

static void test_warm_up_is_not_counted(void **state)
{
    (void)state;
    process_kill(&kvc);
    assert_int_equal(
        kvc_run(&kvc, server.urls[0], WORDS("bench", "--warmup=0.05", "--requests=100", "--json")),
        0);
    json = json_loads(kvc.out.text, 0, NULL);
    assert_whole(100);
}

static void test_fixed_rate_sends_as_many_as_were_asked_for(void **state)
{
    (void)state;
    run_json(server.urls[0], 0,
             WORDS("--clients=4", "--threads=2", "--rate=20000", "--requests=501", "--json"));
    assert_whole(501);
    assert_int_equal(count("never_sent"), 0);
}

static void test_fixed_rate_ends_with_its_time(void **state)
{
    (void)state;
    run_json(server.urls[0], 0, WORDS("--clients=4", "--rate=1000", "--duration=0.1", "--json"));
    assert_int_equal(count("requests") + count("never_sent"), 100);
}

/* No server answers a hundred million a second. */
static void test_rate_that_is_not_kept_is_said_to_be_so(void **state)
{
    (void)state;
    expect(server.urls[0], WORDS("--clients=2", "--rate=100000000", "--duration=0.1"), 0,
           "rate    100000000 requests/s asked for, NOT KEPT: ", "");
}

static void test_keys_that_find_no_room_are_counted_by_status_and_end_it(void **state)
{
    (void)state;
    struct kvs small;
    kvs_start(&small, WORDS("--listen", KVS_ANY_PORT, "--max-memory", "1MiB"));
    expect(small.urls[0], WORDS("--keys=2000", "--value-size=1KiB", "--threads=2"), 1,
           "FAILED: 0 wrong, 0 missing, ", "kvc: the keys could not be set\n");
    assert_non_null(strstr(kvc.out.text, " refused (507: "));
    assert_non_null(strstr(kvc.out.text, ")\n  the first: hset key:"));
    assert_non_null(strstr(kvc.out.text, ": 507 Store is full: max-memory is 1MiB\n"));
    assert_non_null(strstr(kvc.out.text, "\nnothing was measured\n"));
    assert_int_equal(kvs_stop(&small), 0);
    kvs_kill(&small);
}

static void test_clients_that_are_turned_away_are_told_why(void **state)
{
    (void)state;
    struct kvs small;
    kvs_start(&small, WORDS("--listen", KVS_ANY_PORT, "--max-connections", "3"));
    assert_true(run(small.urls[0], WORDS("--clients=5", "--keys=1", "--requests=1")) > 0);
    assert_non_null(strstr(kvc.out.text, " refused (503: "));
    assert_non_null(strstr(kvc.out.text, ")\n  the first: hset key:0000000000: 503 "));
    assert_int_equal(kvs_stop(&small), 0);
    kvs_kill(&small);
}

/* Stopped while it certainly runs: its keys are there. */
static void test_interrupted_reports_so_far_and_exits_130(void **state)
{
    (void)state;
    struct process look = {0};
    process_kill(&kvc);
    process_start(&kvc, WORDS(KVC_PATH, "--server", server.urls[0], "--timeout=100", "bench",
                              "--table=interrupted", "--duration=10000"));
    for (bool there = false; !there;) {
        assert_int_equal(
            kvc_run(&look, server.urls[0], WORDS("hexist", "interrupted", "key:0000009999")), 0);
        there = strcmp(look.out.text, "true\n") == 0;
        process_kill(&look);
    }
    process_signal(&kvc, SIGINT);
    assert_int_equal(process_wait(&kvc), 130);
    assert_non_null(strstr(kvc.out.text, "interrupted: "));
    assert_string_equal(kvc.err.text, "");
}

static void test_terminal_shows_progress_and_takes_ctrl_c(void **state)
{
    (void)state;
    process_kill(&kvc);
    int code =
        process_run(&kvc, WORDS(PYTHON_PATH, "-B", TERMINAL_SCRIPT, KVC_PATH, server.urls[0]));
    if (code != 0)
        fail_msg("%s", kvc.err.text);
}

static void test_what_cannot_be_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    expect(server.urls[0], WORDS("--clients=0"), 2, "", "--clients: '0' is not a number from 1");
    expect(server.urls[0], WORDS("--clients=2", "--threads=3"), 2, "", "each needs one\n");
    expect(server.urls[0], WORDS("t"), 2, "", "usage: kvc bench [OPTION]...\n");
    expect(server.urls[0], WORDS("--raw"), 2, "", "--raw: bench answers more or less");
    expect(server.urls[0], WORDS("--value-size=100000", "--value-kind=random", "--max-frame=65536"),
           2, "", "more than the 64KiB of max-frame\n");
    expect("unix:/nowhere/kvs.sock", WORDS("--requests=1"), 3, "", "unix:/nowhere/kvs.sock");
}

static void test_more_clients_than_open_files_are_refused(void **state)
{
    (void)state;
    process_kill(&kvc);
    char line[512];
    snprintf(line, sizeof line, "ulimit -n 100 && %s --server %s bench --clients 65", KVC_PATH,
             server.urls[0]);
    assert_int_equal(process_run(&kvc, WORDS("/bin/sh", "-c", line)), 2);
    assert_one_line(kvc.err.text, "kvc: --clients: 65 need 101 open files, and the system allows "
                                  "100; see ulimit -n\n");
}

static void test_report_that_cannot_be_printed_exits_1(void **state)
{
    (void)state;
    process_kill(&kvc);
    char line[512];
    snprintf(line, sizeof line, "%s --server %s bench --warmup 0 --requests 1 > /dev/full",
             KVC_PATH, server.urls[0]);
    assert_int_equal(process_run(&kvc, WORDS("/bin/sh", "-c", line)), 1);
    assert_one_line(kvc.err.text, "kvc: cannot print the report: No space left on device\n");
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_endpoint_answers_as_many_as_were_asked_for),
        TEST(test_few_clients_keys_and_requests_are_enough),
        TEST(test_wire_and_message_bytes_tell_the_compression),
        TEST(test_random_values_do_not_compress),
        TEST(test_deleting_misses_and_is_right_all_the_same),
        TEST(test_keys_are_left_with_values_of_their_own),
        TEST(test_what_another_program_has_stored_is_replaced),
        TEST(test_warm_up_is_not_counted),
        TEST(test_fixed_rate_sends_as_many_as_were_asked_for),
        TEST(test_fixed_rate_ends_with_its_time),
        TEST(test_rate_that_is_not_kept_is_said_to_be_so),
        TEST(test_keys_that_find_no_room_are_counted_by_status_and_end_it),
        TEST(test_clients_that_are_turned_away_are_told_why),
        TEST(test_interrupted_reports_so_far_and_exits_130),
        TEST(test_terminal_shows_progress_and_takes_ctrl_c),
        TEST(test_what_cannot_be_is_refused_before_anything_is_sent),
        TEST(test_more_clients_than_open_files_are_refused),
        TEST(test_report_that_cannot_be_printed_exits_1),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
