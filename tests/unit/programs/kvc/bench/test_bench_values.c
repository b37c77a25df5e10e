/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/bench/values.h"

enum { SIZE = 16384 };

static struct cli_bench_values values;
static uint8_t bytes[2][SIZE];

static int end(void **state)
{
    (void)state;
    cli_bench_values_fini(&values);
    return 0;
}

static void begin(enum cli_bench_kind kind, size_t size, uint64_t seed)
{
    cli_bench_values_fini(&values);
    assert_int_equal(cli_bench_values_init(&values, kind, size, seed), 0);
}

/* The value of a key, in one of two buffers. */
static struct weft_view value_of(uint32_t number, int buffer)
{
    struct cli_bench_key key;
    cli_bench_key_set(&key, number);
    cli_bench_value_write(&values, &key, bytes[buffer]);
    return weft_view(bytes[buffer], values.size);
}

static bool is_value_of(uint32_t number, struct weft_view view)
{
    struct cli_bench_key key;
    cli_bench_key_set(&key, number);
    return cli_bench_value_is(&values, &key, view);
}

static void test_keys_have_ten_digits(void **state)
{
    (void)state;
    struct cli_bench_key key;
    cli_bench_key_set(&key, 0);
    assert_memory_equal(key.text, "key:0000000000", CLI_BENCH_KEY_SIZE);
    cli_bench_key_set(&key, UINT32_MAX);
    assert_memory_equal(key.text, "key:4294967295", CLI_BENCH_KEY_SIZE);
}

static void test_value_follows_from_key_and_seed(void **state)
{
    (void)state;
    begin(CLI_BENCH_JSON, 100, 5);
    (void)value_of(7, 0);
    begin(CLI_BENCH_JSON, 100, 5);
    (void)value_of(7, 1);
    assert_memory_equal(bytes[0], bytes[1], 100);
    begin(CLI_BENCH_JSON, 100, 6);
    (void)value_of(7, 1);
    assert_memory_not_equal(bytes[0], bytes[1], 100);
}

static void test_value_is_told_from_those_of_other_keys(void **state)
{
    (void)state;
    static const size_t sizes[] = {4, 10, 64, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        begin(CLI_BENCH_RANDOM, sizes[i], 1);
        for (uint32_t number = 0; number < 1000; number++) {
            struct weft_view view = value_of(number, 0);
            assert_true(is_value_of(number, view));
            assert_false(is_value_of(number + 1, view));
        }
    }
}

static void test_every_byte_of_a_value_counts(void **state)
{
    (void)state;
    begin(CLI_BENCH_JSON, 64, 1);
    struct weft_view view = value_of(42, 0);
    for (size_t i = 0; i < view.size; i++) {
        bytes[0][i] ^= 1;
        assert_false(is_value_of(42, view));
        bytes[0][i] ^= 1;
    }
    assert_true(is_value_of(42, view));
    assert_false(is_value_of(42, weft_view(view.data, view.size - 1)));
}

static void test_empty_values_are_right_if_they_are_empty(void **state)
{
    (void)state;
    begin(CLI_BENCH_JSON, 0, 1);
    assert_true(is_value_of(1, value_of(1, 0)));
    assert_true(is_value_of(1, weft_view(NULL, 0)));
    assert_false(is_value_of(1, weft_view("x", 1)));
}

static double ratio_of(struct weft_view view)
{
    static uint8_t deflated[2 * SIZE];
    uLongf size = sizeof deflated;
    assert_int_equal(compress(deflated, &size, view.data, view.size), Z_OK);
    return (double)view.size / (double)size;
}

static void test_json_is_text_that_compresses_and_random_is_not(void **state)
{
    (void)state;
    begin(CLI_BENCH_JSON, SIZE, 1);
    struct weft_view json = value_of(3, 0);
    assert_true(weft_utf8_valid(json));
    assert_int_equal(cli_bench_values_type(&values), WEFT_KV_STRING);
    assert_true(ratio_of(json) > 3);
    begin(CLI_BENCH_RANDOM, SIZE, 1);
    assert_true(ratio_of(value_of(3, 0)) < 1.01);
    assert_int_equal(cli_bench_values_type(&values), WEFT_KV_BINARY);
}

static void init_and_use(void *arg)
{
    (void)arg;
    int err = cli_bench_values_init(&values, CLI_BENCH_JSON, 10, 1);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    cli_bench_values_fini(&values);
}

static void test_init_survives_failing_allocations(void **state)
{
    (void)state;
    fault_each(init_and_use, NULL);
}

static void test_size_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_int_equal(cli_bench_values_init(&values, CLI_BENCH_JSON, SIZE_MAX, 1), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_keys_have_ten_digits, end),
        cmocka_unit_test_teardown(test_value_follows_from_key_and_seed, end),
        cmocka_unit_test_teardown(test_value_is_told_from_those_of_other_keys, end),
        cmocka_unit_test_teardown(test_every_byte_of_a_value_counts, end),
        cmocka_unit_test_teardown(test_empty_values_are_right_if_they_are_empty, end),
        cmocka_unit_test_teardown(test_json_is_text_that_compresses_and_random_is_not, end),
        cmocka_unit_test_teardown(test_init_survives_failing_allocations, end),
        cmocka_unit_test_teardown(test_size_that_cannot_be_is_refused, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
