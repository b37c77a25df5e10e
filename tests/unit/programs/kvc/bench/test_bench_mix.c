/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/bench/mix.h"

static struct cli_bench_mix parse(const char *text)
{
    struct cli_bench_mix mix;
    struct weft_error error = {0};
    if (cli_bench_mix_parse(&mix, text, &error) < 0)
        fail_msg("%s", error.text);
    return mix;
}

static void assert_refused(const char *text, const char *why)
{
    struct cli_bench_mix mix;
    struct weft_error error = {0};
    assert_int_equal(cli_bench_mix_parse(&mix, text, &error), WEFT_ECONFIG);
    if (!strstr(error.text, why))
        fail_msg("'%s' is not in: %s", why, error.text);
}

static void test_shares_are_read_in_any_order(void **state)
{
    (void)state;
    struct cli_bench_mix mix = parse("hset=10,hget=90");
    assert_int_equal(mix.shares[CLI_BENCH_HGET], 90);
    assert_int_equal(mix.shares[CLI_BENCH_HSET], 10);
    assert_int_equal(mix.shares[CLI_BENCH_HEXIST], 0);
    assert_int_equal(mix.total, 100);
    assert_int_equal(parse("hexist=1,hdel=1000000").total, 1000001);
}

static void test_what_is_wrong_is_named(void **state)
{
    (void)state;
    assert_refused("", "\"\": no share");
    assert_refused("hget", "\"hget\": no share");
    assert_refused("hget=1,", "\"\": no share");
    assert_refused("hget=1,,hset=1", "\"\": no share");
    assert_refused("hmget=1", "\"hmget=1\": no such command here");
    assert_refused("HGET=1", "no such command here");
    assert_refused("=1", "no such command here");
    assert_refused("hget=1,hget=2", "\"hget=2\": named twice");
    assert_refused("hget=0", "\"hget=0\": the share is not a number from 1 to 1000000");
    assert_refused("hget=1000001", "the share is not a number");
    assert_refused("hget=", "the share is not a number");
    assert_refused("hget=1 ", "the share is not a number");
    assert_refused("hget=00000000000000000001", "the share is not a number");
    assert_refused("hget=-1", "it is NAME=SHARE,... of hget, hset, hexist and hdel, as hget=90");
}

/* Over all values of the bits each command comes as often as its share says. */
static void test_each_command_is_picked_by_its_share(void **state)
{
    (void)state;
    struct cli_bench_mix mix = parse("hget=2,hset=1,hdel=1");
    unsigned counts[CLI_BENCH_COMMANDS] = {0};
    for (uint32_t i = 0; i < 4096; i++)
        counts[cli_bench_mix_pick(&mix, i << 20)]++;
    assert_int_equal(counts[CLI_BENCH_HGET], 2048);
    assert_int_equal(counts[CLI_BENCH_HSET], 1024);
    assert_int_equal(counts[CLI_BENCH_HEXIST], 0);
    assert_int_equal(counts[CLI_BENCH_HDEL], 1024);
    assert_int_equal(cli_bench_mix_pick(&mix, UINT32_MAX), CLI_BENCH_HDEL);
}

static void test_a_single_command_is_always_picked(void **state)
{
    (void)state;
    struct cli_bench_mix mix = parse("hexist=7");
    assert_int_equal(cli_bench_mix_pick(&mix, 0), CLI_BENCH_HEXIST);
    assert_int_equal(cli_bench_mix_pick(&mix, UINT32_MAX), CLI_BENCH_HEXIST);
}

static void test_format_prints_what_parse_reads(void **state)
{
    (void)state;
    char text[CLI_BENCH_MIX_TEXT];
    struct cli_bench_mix longest = parse("hdel=1000000,hget=1000000,hset=1000000,hexist=1000000");
    assert_string_equal(cli_bench_mix_format(&longest, text),
                        "hget=1000000,hset=1000000,hexist=1000000,hdel=1000000");
    struct cli_bench_mix again = parse(text);
    assert_memory_equal(&again, &longest, sizeof again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_are_read_in_any_order),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_each_command_is_picked_by_its_share),
        cmocka_unit_test(test_a_single_command_is_always_picked),
        cmocka_unit_test(test_format_prints_what_parse_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
