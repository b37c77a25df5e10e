/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/bench/tally.h"

/* Too large for a stack. */
static struct cli_bench_tally tally, other;

static int empty(void **state)
{
    (void)state;
    tally = (struct cli_bench_tally){0};
    other = (struct cli_bench_tally){0};
    return 0;
}

static void test_statuses_are_counted_apart(void **state)
{
    (void)state;
    cli_bench_tally_refused(&tally, 507);
    cli_bench_tally_refused(&tally, 404);
    cli_bench_tally_refused(&tally, 507);
    assert_int_equal(tally.statuses[0].status, 507);
    assert_int_equal(tally.statuses[0].count, 2);
    assert_int_equal(tally.statuses[1].status, 404);
    assert_int_equal(tally.statuses[1].count, 1);
    assert_int_equal(cli_bench_tally_refusals(&tally), 3);
}

static void test_statuses_that_find_no_room_are_counted_together(void **state)
{
    (void)state;
    for (uint32_t status = 0; status < 20; status++)
        cli_bench_tally_refused(&tally, status);
    assert_int_equal(tally.statuses[CLI_BENCH_STATUSES - 1].count, 20 - (CLI_BENCH_STATUSES - 1));
    assert_int_equal(cli_bench_tally_refusals(&tally), 20);
    cli_bench_tally_merge(&other, &tally);
    assert_memory_equal(other.statuses, tally.statuses, sizeof tally.statuses);
    cli_bench_tally_merge(&other, &tally);
    assert_int_equal(other.statuses[CLI_BENCH_STATUSES - 1].count, 26);
}

static void test_merge_adds_what_was_counted(void **state)
{
    (void)state;
    cli_histogram_record(&tally.latencies[CLI_BENCH_HGET], 5);
    cli_histogram_record(&other.latencies[CLI_BENCH_HGET], 6);
    cli_histogram_record(&other.latencies[CLI_BENCH_HDEL], 7);
    other.misses[CLI_BENCH_HDEL] = 1;
    tally.wire = (struct cli_bench_bytes){.sent = 1, .received = 2};
    other.wire = (struct cli_bench_bytes){.sent = 10, .received = 20};
    other.plain = (struct cli_bench_bytes){.sent = 100, .received = 200};
    other.behind = 3;
    other.cpu = 4;
    other.wrong = 5;
    other.missing = 6;
    cli_bench_tally_merge(&tally, &other);
    assert_int_equal(cli_bench_tally_requests(&tally), 3);
    assert_int_equal(tally.latencies[CLI_BENCH_HGET].total, 2);
    assert_int_equal(tally.misses[CLI_BENCH_HDEL], 1);
    assert_int_equal(tally.wire.sent, 11);
    assert_int_equal(tally.wire.received, 22);
    assert_int_equal(tally.plain.received, 200);
    assert_int_equal(tally.behind, 3);
    assert_int_equal(tally.cpu, 4);
    assert_int_equal(tally.wrong, 5);
    assert_int_equal(tally.missing, 6);
}

static void test_time_is_from_the_first_beginning_to_the_last_end(void **state)
{
    (void)state;
    static struct cli_bench_tally idle; /* a thread that has measured nothing */
    assert_int_equal(cli_bench_tally_elapsed(&tally), 0);
    tally.began = 100;
    tally.ended = 200;
    other.began = 90;
    other.ended = 150;
    cli_bench_tally_merge(&tally, &other);
    cli_bench_tally_merge(&tally, &idle);
    assert_int_equal(cli_bench_tally_elapsed(&tally), 110);
    cli_bench_tally_merge(&idle, &tally);
    assert_int_equal(cli_bench_tally_elapsed(&idle), 110);
}

static void test_first_words_stay(void **state)
{
    (void)state;
    strcpy(other.first.text, "second");
    cli_bench_tally_merge(&tally, &other);
    assert_string_equal(tally.first.text, "second");
    strcpy(tally.first.text, "first");
    cli_bench_tally_merge(&tally, &other);
    assert_string_equal(tally.first.text, "first");
}

static void test_restart_keeps_what_went_wrong_alone(void **state)
{
    (void)state;
    cli_histogram_record(&tally.latencies[CLI_BENCH_HSET], 5);
    tally.began = tally.ended = 7;
    tally.plain.sent = 1;
    tally.wrong = 2;
    cli_bench_tally_refused(&tally, 507);
    cli_bench_tally_restart(&tally);
    assert_int_equal(cli_bench_tally_requests(&tally), 0);
    assert_int_equal(tally.began, 0);
    assert_int_equal(tally.plain.sent, 0);
    assert_int_equal(tally.wrong, 2);
    assert_int_equal(cli_bench_tally_refusals(&tally), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_statuses_are_counted_apart, empty),
        cmocka_unit_test_setup(test_statuses_that_find_no_room_are_counted_together, empty),
        cmocka_unit_test_setup(test_merge_adds_what_was_counted, empty),
        cmocka_unit_test_setup(test_time_is_from_the_first_beginning_to_the_last_end, empty),
        cmocka_unit_test_setup(test_first_words_stay, empty),
        cmocka_unit_test_setup(test_restart_keeps_what_went_wrong_alone, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
