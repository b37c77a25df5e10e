/* SPDX-License-Identifier: MIT
 *
 * How a run of kvc bench ends: with its time, before it began, by Ctrl-C. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench_fixture.h"

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
    kvc_expect(server.urls[0], WORDS("hgetall", "interrupted"), ""); /* cleaned up all the same */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_fixed_rate_sends_as_many_as_were_asked_for),
        BENCH_TEST(test_fixed_rate_ends_with_its_time),
        BENCH_TEST(test_rate_that_is_not_kept_is_said_to_be_so),
        BENCH_TEST(test_keys_that_find_no_room_are_counted_by_status_and_end_it),
        BENCH_TEST(test_clients_that_are_turned_away_are_told_why),
        BENCH_TEST(test_interrupted_reports_so_far_and_exits_130),
        BENCH_TEST(test_terminal_shows_progress_and_takes_ctrl_c),
        BENCH_TEST(test_what_cannot_be_is_refused_before_anything_is_sent),
        BENCH_TEST(test_more_clients_than_open_files_are_refused),
        BENCH_TEST(test_report_that_cannot_be_printed_exits_1),
    };
    return cmocka_run_group_tests(tests, bench_start_server, bench_stop_server);
}
