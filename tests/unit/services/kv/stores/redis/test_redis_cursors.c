/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/kv/stores/redis/cursors.h"

static const struct kv_redis_walk walk = {.table = {(const uint8_t *)"users", 5}, .buckets = 256};

static bool is_good(const struct kv_cursor *cursor, const struct kv_redis_walk *of,
                    uint64_t process)
{
    struct kv_redis_place place;
    return kv_redis_read_cursor(cursor, of, &place) &&
           kv_redis_prove_cursor(cursor, of, &place, process);
}

static struct kv_cursor make(const struct kv_redis_place *place, uint64_t process, bool exact)
{
    struct kv_cursor cursor = {0};
    assert_true(kv_redis_write_cursor(&cursor, &walk, place, process, exact));
    return cursor;
}

static void test_cursor_reads_as_the_place_that_it_was_made_of(void **state)
{
    static const struct kv_redis_place places[] = {
        {.bucket = 1},
        {.bucket = 255},
        {.bucket = 0, .scan = 1},
        {.bucket = 254, .scan = (UINT64_C(1) << 31) - 1},
        {.bucket = 3, .scan = 5, .partial = true, .until = 9, .hash = UINT64_MAX},
        {.bucket = 255, .partial = true, .hash = 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (int exact = places[i].partial; exact < 2; exact++) {
            struct kv_cursor cursor = make(&places[i], 77, exact);
            struct kv_redis_place place;
            assert_int_equal(cursor.size == 8, !exact);
            assert_true(kv_redis_read_cursor(&cursor, &walk, &place));
            assert_int_equal(place.bucket, places[i].bucket);
            assert_int_equal(place.scan, places[i].scan);
            assert_int_equal(place.partial, places[i].partial);
            assert_int_equal(place.until, places[i].until);
            assert_int_equal(place.hash, places[i].hash);
            assert_true(kv_redis_prove_cursor(&cursor, &walk, &place, 77));
        }
    }
}

static void test_cursor_within_a_bucket_is_good_for_one_process_alone(void **state)
{
    static const struct kv_redis_place within[] = {
        {.bucket = 4, .scan = 12},
        {.bucket = 4, .partial = true, .until = 6, .hash = 3},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kv_cursor cursor = make(&within[i], 77, true);
        assert_true(is_good(&cursor, &walk, 77));
        assert_false(is_good(&cursor, &walk, 78));
    }
}

/* A bucket that came in one answer is in the order of our own hash. */
static void test_cursor_between_buckets_or_in_a_whole_one_is_good_for_all(void **state)
{
    static const struct kv_redis_place free_of_it[] = {
        {.bucket = 4},
        {.bucket = 4, .partial = true, .hash = 3},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_false(kv_redis_place_is_bound(&free_of_it[i]));
        struct kv_cursor cursor = make(&free_of_it[i], 77, true);
        assert_true(is_good(&cursor, &walk, 78));
    }
}

static void test_cursor_of_another_table_or_another_number_of_buckets_is_refused(void **state)
{
    static const struct kv_redis_walk others[] = {
        {.table = {(const uint8_t *)"user", 4}, .buckets = 256},
        {.table = {(const uint8_t *)"users", 5}, .buckets = 255},
        {.table = {(const uint8_t *)"users", 5}, .buckets = 256, .is_list = true},
    };
    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        struct kv_cursor cursor = make(&(struct kv_redis_place){.bucket = 9}, 0, exact);
        for (size_t i = 0; i < 3; i++)
            assert_false(is_good(&cursor, &others[i], 0));
    }
}

static void test_every_changed_bit_is_noticed(void **state)
{
    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        const struct kv_cursor cursor =
            make(&(struct kv_redis_place){.bucket = 9, .scan = 77}, 5, exact);
        for (size_t bit = 0; bit < (size_t)cursor.size * 8; bit++) {
            struct kv_cursor other = cursor;
            other.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(is_good(&other, &walk, 5));
        }
    }
}

static void test_place_that_eight_bytes_do_not_hold_is_refused(void **state)
{
    struct kv_cursor cursor;
    const struct kv_redis_place far = {.bucket = 1, .scan = UINT64_C(1) << 31};
    (void)state;
    assert_false(kv_redis_write_cursor(&cursor, &walk, &far, 1, false));
    assert_true(kv_redis_write_cursor(&cursor, &walk, &far, 1, true));
    const struct kv_redis_walk most = {.buckets = 16384}, one = {.buckets = 1};
    const struct kv_redis_place last = {.bucket = 16383, .scan = (1 << 25) - 1},
                                deep = {.scan = (UINT64_C(1) << 39) - 1};
    assert_true(kv_redis_write_cursor(&cursor, &most, &last, 1, false));
    assert_true(is_good(&cursor, &most, 1));
    assert_true(kv_redis_write_cursor(&cursor, &one, &deep, 1, false));
    assert_true(is_good(&cursor, &one, 1));
}

static void test_numbers_of_a_scan_count_with_their_bits_reversed(void **state)
{
    static const uint64_t order[] = {0, 4, 2, 6, 1, 5, 3, 7};
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        for (size_t k = 1; k < 8; k++)
            assert_int_equal(kv_redis_scan_is_before(order[i], order[k]), i < k);
        assert_true(kv_redis_scan_is_before(order[i], 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_reads_as_the_place_that_it_was_made_of),
        cmocka_unit_test(test_cursor_within_a_bucket_is_good_for_one_process_alone),
        cmocka_unit_test(test_cursor_between_buckets_or_in_a_whole_one_is_good_for_all),
        cmocka_unit_test(test_cursor_of_another_table_or_another_number_of_buckets_is_refused),
        cmocka_unit_test(test_every_changed_bit_is_noticed),
        cmocka_unit_test(test_place_that_eight_bytes_do_not_hold_is_refused),
        cmocka_unit_test(test_numbers_of_a_scan_count_with_their_bits_reversed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
