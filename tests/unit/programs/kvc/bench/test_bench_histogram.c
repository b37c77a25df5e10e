/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/random.h"
#include "programs/kvc/bench/histogram.h"

/* Too large for a stack. */
static struct cli_histogram histogram, other;

static int empty(void **state)
{
    (void)state;
    histogram = (struct cli_histogram){0};
    other = (struct cli_histogram){0};
    return 0;
}

static void test_an_empty_one_answers_0(void **state)
{
    (void)state;
    assert_int_equal(cli_histogram_quantile(&histogram, 50000), 0);
    assert_int_equal(cli_histogram_quantile(&histogram, 100000), 0);
    assert_true(cli_histogram_mean(&histogram) < 0.5);
}

static void test_below_128_ns_it_is_exact(void **state)
{
    (void)state;
    for (int64_t time = 0; time < 128; time++) {
        histogram = (struct cli_histogram){0};
        cli_histogram_record(&histogram, time);
        cli_histogram_record(&histogram, 1000);
        assert_int_equal(cli_histogram_quantile(&histogram, 50000), time);
    }
}

/* A quantile is no less than what was recorded, and at most 1/64 more. */
static void assert_bounds(uint64_t time)
{
    histogram = (struct cli_histogram){0};
    cli_histogram_record(&histogram, (int64_t)time);
    cli_histogram_record(&histogram, INT64_C(1) << 39);
    uint64_t told = cli_histogram_quantile(&histogram, 50000);
    if (told < time || told - time > time / 64)
        fail_msg("%llu is told as %llu", (unsigned long long)time, (unsigned long long)told);
}

static void test_error_is_at_most_a_64th_and_upwards(void **state)
{
    (void)state;
    struct test_random random = test_random_start(1);
    for (unsigned bits = 7; bits < 39; bits++) {
        uint64_t power = UINT64_C(1) << bits;
        assert_bounds(power - 1);
        assert_bounds(power);
        assert_bounds(power + 1);
        for (int i = 0; i < 50; i++)
            assert_bounds(power + test_random_next(&random) % power);
    }
}

static void test_buckets_do_not_overlap_nor_leave_gaps(void **state)
{
    (void)state;
    size_t last = 0;
    for (uint64_t time = 1; time < 1 << 16; time++) {
        size_t bucket = cli_histogram_bucket(time);
        assert_true(bucket == last || bucket == last + 1);
        last = bucket;
    }
}

static void test_quantiles_of_numbers_in_a_row(void **state)
{
    (void)state;
    for (int64_t time = 1; time <= 100000; time++)
        cli_histogram_record(&histogram, time);
    assert_in_range(cli_histogram_quantile(&histogram, 50000), 50000, 50000 + 50000 / 64);
    assert_in_range(cli_histogram_quantile(&histogram, 99000), 99000, 100000);
    assert_in_range(cli_histogram_quantile(&histogram, 99990), 99990, 100000);
    assert_int_equal(cli_histogram_quantile(&histogram, 100000), 100000);
    assert_int_equal(cli_histogram_quantile(&histogram, 1), 1);
    assert_true(cli_histogram_mean(&histogram) > 50000.4 &&
                cli_histogram_mean(&histogram) < 50000.6);
}

static void test_no_quantile_is_over_the_maximum(void **state)
{
    (void)state;
    cli_histogram_record(&histogram, 1000001);
    assert_int_equal(cli_histogram_quantile(&histogram, 50000), 1000001);
}

static void test_one_of_many_shows_only_beyond_its_rank(void **state)
{
    (void)state;
    for (int i = 0; i < 9999; i++)
        cli_histogram_record(&histogram, 100);
    cli_histogram_record(&histogram, 1000000);
    assert_int_equal(cli_histogram_quantile(&histogram, 99990), 100);
    assert_int_equal(cli_histogram_quantile(&histogram, 99991), 1000000);
}

static void test_longest_times_fall_into_the_last_bucket(void **state)
{
    (void)state;
    cli_histogram_record(&histogram, INT64_MAX);
    cli_histogram_record(&histogram, INT64_C(1) << 40);
    assert_int_equal(histogram.counts[CLI_HISTOGRAM_BUCKETS - 1], 2);
    assert_int_equal(cli_histogram_quantile(&histogram, 50000), INT64_MAX);
}

/* A clock may be read a little early. */
static void test_time_below_0_counts_as_0(void **state)
{
    (void)state;
    cli_histogram_record(&histogram, -5);
    assert_int_equal(histogram.counts[0], 1);
    assert_int_equal(histogram.sum, 0);
}

static void test_merged_is_as_if_recorded_in_one(void **state)
{
    (void)state;
    struct test_random random = test_random_start(2);
    static struct cli_histogram both;
    both = (struct cli_histogram){0};
    for (int i = 0; i < 1000; i++) {
        int64_t time = (int64_t)(test_random_next(&random) >> 30);
        cli_histogram_record(i % 3 ? &histogram : &other, time);
        cli_histogram_record(&both, time);
    }
    cli_histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &both, sizeof both);
}

static void test_ranks_do_not_overflow(void **state)
{
    (void)state;
    histogram.counts[10] = UINT64_C(1) << 60;
    histogram.counts[20] = UINT64_C(1) << 60;
    histogram.total = UINT64_C(1) << 61;
    histogram.max = 20;
    assert_int_equal(cli_histogram_quantile(&histogram, 50000), 10);
    assert_int_equal(cli_histogram_quantile(&histogram, 50001), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_an_empty_one_answers_0, empty),
        cmocka_unit_test_setup(test_below_128_ns_it_is_exact, empty),
        cmocka_unit_test_setup(test_error_is_at_most_a_64th_and_upwards, empty),
        cmocka_unit_test(test_buckets_do_not_overlap_nor_leave_gaps),
        cmocka_unit_test_setup(test_quantiles_of_numbers_in_a_row, empty),
        cmocka_unit_test_setup(test_no_quantile_is_over_the_maximum, empty),
        cmocka_unit_test_setup(test_one_of_many_shows_only_beyond_its_rank, empty),
        cmocka_unit_test_setup(test_longest_times_fall_into_the_last_bucket, empty),
        cmocka_unit_test_setup(test_time_below_0_counts_as_0, empty),
        cmocka_unit_test_setup(test_merged_is_as_if_recorded_in_one, empty),
        cmocka_unit_test_setup(test_ranks_do_not_overflow, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
