/* SPDX-License-Identifier: MIT
 *
 * A fixed rate on a clock that is told the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "programs/kvc/bench/histogram.h"
#include "programs/kvc/bench/schedule.h"

#define START  INT64_C(1000000000000)
#define SECOND INT64_C(1000000000)
#define MS     INT64_C(1000000)

static struct cli_histogram histogram;

static struct cli_bench_schedule schedule_of(uint64_t rate)
{
    return (struct cli_bench_schedule){.start = START, .rate = rate, .step = 1};
}

static void test_requests_are_meant_for_even_times(void **state)
{
    (void)state;
    struct cli_bench_schedule schedule = schedule_of(1000);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(cli_bench_schedule_time(&schedule), START + i * MS);
        cli_bench_schedule_advance(&schedule);
    }
}

/* Times that were added up one by one would be off by a third of a nanosecond each. */
static void test_times_do_not_drift(void **state)
{
    (void)state;
    struct cli_bench_schedule schedule = schedule_of(3);
    schedule.next = UINT64_C(3) * 86400 * 365;
    assert_int_equal(cli_bench_schedule_time(&schedule), START + 86400 * 365 * SECOND);
    schedule.next += 1;
    assert_int_equal(cli_bench_schedule_time(&schedule), START + 86400 * 365 * SECOND + SECOND / 3);
}

static void test_fastest_rate_does_not_overflow(void **state)
{
    (void)state;
    struct cli_bench_schedule schedule = schedule_of(100000000);
    schedule.next = UINT64_C(100000000) * 86400 * 30 + 99999999;
    assert_int_equal(cli_bench_schedule_time(&schedule), START + 86400 * 30 * SECOND + SECOND - 10);
}

static void test_several_share_a_rate_without_gap_or_overlap(void **state)
{
    (void)state;
    struct cli_bench_schedule all = schedule_of(7000), shares[3];
    for (uint64_t i = 0; i < 3; i++) {
        shares[i] = all;
        shares[i].next = i;
        shares[i].step = 3;
    }
    for (int i = 0; i < 300; i++) {
        assert_int_equal(cli_bench_schedule_time(&shares[i % 3]), cli_bench_schedule_time(&all));
        cli_bench_schedule_advance(&shares[i % 3]);
        cli_bench_schedule_advance(&all);
    }
}

/* By sending one after another until the time has come. */
static uint64_t count_behind(struct cli_bench_schedule schedule, int64_t time)
{
    uint64_t count = 0;
    for (; cli_bench_schedule_time(&schedule) < time; count++)
        cli_bench_schedule_advance(&schedule);
    return count;
}

static void test_behind_is_what_was_due_and_not_sent(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 3, 7, 1000, 999999};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct cli_bench_schedule schedule = schedule_of(rates[i]);
        assert_int_equal(cli_bench_schedule_behind(&schedule, START - 1), 0);
        assert_int_equal(cli_bench_schedule_behind(&schedule, START), 0);
        schedule.next = 2;
        schedule.step = 5;
        for (int64_t time = START; time < START + SECOND / 100; time += 333331)
            assert_int_equal(cli_bench_schedule_behind(&schedule, time),
                             count_behind(schedule, time));
        int64_t exact = cli_bench_schedule_time(&schedule);
        assert_int_equal(cli_bench_schedule_behind(&schedule, exact), 0);
        assert_int_equal(cli_bench_schedule_behind(&schedule, exact + 1), 1);
    }
}

/* A server that answers at once, but stands still from `from` to `to`: what is due meanwhile is sent
 * when it goes on. Counts from when it was meant to be sent, or from when it was. */
static void run_with_stall(int64_t from, int64_t to, bool from_meant)
{
    struct cli_bench_schedule schedule = schedule_of(1000);
    histogram = (struct cli_histogram){0};
    while (cli_bench_schedule_time(&schedule) < START + 10 * SECOND) {
        int64_t meant = cli_bench_schedule_time(&schedule);
        int64_t sent = meant >= from && meant < to ? to : meant;
        cli_bench_schedule_advance(&schedule);
        cli_histogram_record(&histogram, sent - (from_meant ? meant : sent));
    }
}

static void test_stall_shows_in_every_request_that_was_due_meanwhile(void **state)
{
    (void)state;
    run_with_stall(START + 2 * SECOND, START + 4 * SECOND, true);
    /* A fifth waited, evenly from 0 to 2 seconds. */
    assert_int_equal(histogram.total, 10000);
    assert_int_equal(cli_histogram_quantile(&histogram, 80000), 0);
    assert_in_range(cli_histogram_quantile(&histogram, 90000), 1000 * MS, 1016 * MS);
    assert_in_range(cli_histogram_quantile(&histogram, 99000), 1900 * MS, 1931 * MS);
    assert_int_equal(histogram.max, 2 * SECOND);
}

/* Counting from the time of sending would hide this. */
static void test_stall_would_not_show_if_it_counted_from_the_sending(void **state)
{
    (void)state;
    run_with_stall(START + 2 * SECOND, START + 4 * SECOND, false);
    assert_int_equal(histogram.max, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_meant_for_even_times),
        cmocka_unit_test(test_times_do_not_drift),
        cmocka_unit_test(test_fastest_rate_does_not_overflow),
        cmocka_unit_test(test_several_share_a_rate_without_gap_or_overlap),
        cmocka_unit_test(test_behind_is_what_was_due_and_not_sent),
        cmocka_unit_test(test_stall_shows_in_every_request_that_was_due_meanwhile),
        cmocka_unit_test(test_stall_would_not_show_if_it_counted_from_the_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
