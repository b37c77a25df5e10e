/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/histogram.h"

static struct weft_histogram one, other;

static int empty(void **state)
{
    (void)state;
    memset(&one, 0, sizeof one);
    memset(&other, 0, sizeof other);
    return 0;
}

/* At each end of a bucket, and one below. */
static void test_every_duration_is_in_the_bucket_that_ends_above_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS - 1; i++) {
        uint64_t end = weft_histogram_end(i);
        assert_int_equal(weft_histogram_bucket(end - 1), i);
        assert_int_equal(weft_histogram_bucket(end), i + 1);
    }
    assert_int_equal(weft_histogram_bucket(0), 0);
    assert_int_equal(weft_histogram_bucket(UINT64_MAX), WEFT_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(weft_histogram_end(WEFT_HISTOGRAM_BUCKETS - 1), 0);
}

static void test_quantile_is_at_most_an_eighth_too_high(void **state)
{
    (void)state;
    struct weft_histogram_sum sum = {.total = 0};
    for (uint64_t i = 1; i <= 10000; i++)
        weft_histogram_count(i % 2 ? &one : &other, i * 10000);
    weft_histogram_add(&sum, &one);
    weft_histogram_add(&sum, &other);
    assert_int_equal(sum.total, 10000);
    assert_int_equal(sum.sum, UINT64_C(10000) * 10001 / 2 * 10000);
    for (unsigned percent = 1; percent <= 99; percent += 7) {
        uint64_t exact = (uint64_t)percent * 1000000;
        assert_in_range(weft_histogram_quantile(&sum, percent / 100.0), exact,
                        exact + exact / 8 + 1);
    }
}

static void test_quantile_of_nothing_is_0_and_the_last_bucket_counts_as_its_begin(void **state)
{
    (void)state;
    struct weft_histogram_sum sum = {.total = 0};
    assert_int_equal(weft_histogram_quantile(&sum, 0.5), 0);
    weft_histogram_count(&one, UINT64_MAX / 2);
    weft_histogram_add(&sum, &one);
    assert_int_equal(weft_histogram_quantile(&sum, 0.5), UINT64_C(1) << WEFT_HISTOGRAM_LAST);
}

static struct weft_sample last;
static struct weft_bucket buckets[WEFT_HISTOGRAM_COARSE];

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    (void)samples;
    last = *sample;
    assert_int_equal(sample->bucket_count, WEFT_HISTOGRAM_COARSE);
    memcpy(buckets, sample->buckets, sizeof buckets);
}

static void test_sample_has_cumulative_buckets_and_the_sum_in_seconds(void **state)
{
    (void)state;
    static const struct weft_metric metric = {"weft_x_seconds", "seconds", "X", WEFT_HISTOGRAM};
    struct weft_samples samples = {take};
    struct weft_histogram_sum sum = {.total = 0};
    weft_histogram_count(&one, 1);
    weft_histogram_count(&one, 4095);
    weft_histogram_count(&one, 4096);
    weft_histogram_count(&one, UINT64_C(1) << 40);
    weft_histogram_add(&sum, &one);
    weft_samples_add_histogram(&samples, &metric, NULL, 0, &sum);
    assert_int_equal(buckets[0].count, 2);
    assert_true(buckets[0].upper > 4.0959e-6 && buckets[0].upper < 4.0961e-6);
    assert_int_equal(buckets[1].count, 3);
    assert_int_equal(buckets[WEFT_HISTOGRAM_COARSE - 2].count, 3);
    assert_int_equal(buckets[WEFT_HISTOGRAM_COARSE - 1].count, 4);
    assert_true(isinf(buckets[WEFT_HISTOGRAM_COARSE - 1].upper));
    assert_true(last.value > 1099.5 && last.value < 1099.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_duration_is_in_the_bucket_that_ends_above_it, empty),
        cmocka_unit_test_setup(test_quantile_is_at_most_an_eighth_too_high, empty),
        cmocka_unit_test_setup(
            test_quantile_of_nothing_is_0_and_the_last_bucket_counts_as_its_begin, empty),
        cmocka_unit_test_setup(test_sample_has_cumulative_buckets_and_the_sum_in_seconds, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
