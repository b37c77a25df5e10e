/* SPDX-License-Identifier: MIT
 *
 * The options of bench, one by one as a command line has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/bench/options.h"
#include "programs/kvc/options.h"

enum { WORDS_MAX = 40 };

static int parse(struct kvc_config *config, const char *const *words, struct weft_error *error)
{
    static char texts[WORDS_MAX][128];
    static char *argv[WORDS_MAX + 1];
    struct cli_table table;
    int argc = 0;
    for (; argc == 0 || words[argc - 1]; argc++) {
        strncpy(texts[argc], argc == 0 ? "kvc" : words[argc - 1], sizeof texts[argc] - 1);
        argv[argc] = texts[argc];
    }
    argv[argc] = NULL;
    kvc_table_init(&table);
    return kvc_parse(config, &table, argc, argv, error);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct cli_bench_config assert_taken(const char *const *words)
{
    struct kvc_config config;
    struct weft_error error = {0};
    if (parse(&config, words, &error) < 0)
        fail_msg("%s", error.text);
    return config.bench;
}

static void assert_refused(const char *const *words, const char *expected)
{
    struct kvc_config config;
    struct weft_error error = {0};
    assert_int_equal(parse(&config, words, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static void test_defaults_are_those_that_help_names(void **state)
{
    (void)state;
    struct kvc_config config;
    struct weft_error error;
    struct cli_bench_config defaults = assert_taken(WORDS("bench"));
    struct kvc_config named = {.bench = defaults};
    for (const struct cli_option *option = cli_bench_options(); option->name; option++) {
        if (!option->fallback)
            continue;
        assert_int_equal(option->set(&named, option->fallback, &error), 0);
    }
    assert_int_equal(named.bench.duration, CLI_BENCH_DURATION);
    named.bench.duration = 0; /* --requests may take its place */
    config = (struct kvc_config){.bench = defaults};
    assert_string_equal(named.bench.table, config.bench.table);
    named.bench.table = config.bench.table;
    assert_memory_equal(&named.bench, &config.bench, sizeof named.bench);
}

static void test_every_option_is_taken(void **state)
{
    (void)state;
    struct cli_bench_config config = assert_taken(WORDS(
        "bench", "--clients", "8", "--pipeline=16", "--threads", "2", "--duration", "0.5",
        "--requests", "1000", "--warmup", "0", "--rate", "5000", "--mix", "hdel=1", "--table", "t",
        "--keys", "100", "--value-size", "16KiB", "--value-kind", "random", "--seed", "9"));
    assert_int_equal(config.clients, 8);
    assert_int_equal(config.pipeline, 16);
    assert_int_equal(config.threads, 2);
    assert_int_equal(config.duration, 500000000);
    assert_int_equal(config.requests, 1000);
    assert_int_equal(config.warmup, 0);
    assert_int_equal(config.rate, 5000);
    assert_int_equal(config.mix.shares[CLI_BENCH_HDEL], 1);
    assert_string_equal(config.table, "t");
    assert_int_equal(config.keys, 100);
    assert_int_equal(config.value_size, 16384);
    assert_int_equal(config.value_kind, CLI_BENCH_RANDOM);
    assert_int_equal(config.seed, 9);
}

static void test_bad_values_are_refused_with_what_is_taken(void **state)
{
    (void)state;
    assert_refused(WORDS("bench", "--clients", "0"),
                   "--clients: '0' is not a number from 1 to 100000");
    assert_refused(WORDS("bench", "--pipeline", "x"),
                   "--pipeline: 'x' is not a number from 1 to 100000");
    assert_refused(WORDS("bench", "--threads", "257"),
                   "--threads: '257' is not a number from 1 to 256");
    assert_refused(WORDS("bench", "--duration", "0"),
                   "--duration: '0' is not a time: seconds over 0, as 5 or 0.25");
    assert_refused(WORDS("bench", "--duration", "99999999"),
                   "--duration: '99999999' is not a time: seconds over 0, as 5 or 0.25");
    assert_refused(WORDS("bench", "--warmup", "1x"),
                   "--warmup: '1x' is not a time: seconds, as 5 or 0.25");
    assert_refused(WORDS("bench", "--requests", "0"),
                   "--requests: '0' is not a number from 1 to 1000000000000");
    assert_refused(WORDS("bench", "--rate", "0"),
                   "--rate: '0' is not a number from 1 to 100000000");
    assert_refused(WORDS("bench", "--keys", "1000000001"),
                   "--keys: '1000000001' is not a number from 1 to 1000000000");
    assert_refused(WORDS("bench", "--table", "\xff"), "--table: '\xff' is not valid UTF-8");
    assert_refused(WORDS("bench", "--value-size", "5GiB"),
                   "--value-size: '5GiB' is not a size: bytes, or KiB, MiB, GiB (16KiB)");
    assert_refused(WORDS("bench", "--value-kind", "xml"),
                   "--value-kind: unknown kind 'xml'; there are: json, random");
    assert_refused(WORDS("bench", "--seed", "-1"),
                   "--seed: '-1' is not a number from 0 to 9223372036854775807");
}

static void test_threads_need_a_client_each(void **state)
{
    (void)state;
    struct weft_error error;
    struct cli_bench_config config = assert_taken(WORDS("bench", "--clients=3", "--threads=4"));
    assert_int_equal(cli_bench_config_check(&config, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "--threads: 4 threads share 3 clients: each needs one");
    config.threads = 3;
    assert_int_equal(cli_bench_config_check(&config, &error), 0);
}

static void test_they_are_options_of_bench_alone(void **state)
{
    (void)state;
    assert_refused(WORDS("hget", "t", "k", "--clients", "8"),
                   "--clients: an option of bench alone");
    assert_refused(WORDS("--seed", "8"), "--seed: an option of bench alone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_that_help_names),
        cmocka_unit_test(test_every_option_is_taken),
        cmocka_unit_test(test_bad_values_are_refused_with_what_is_taken),
        cmocka_unit_test(test_threads_need_a_client_each),
        cmocka_unit_test(test_they_are_options_of_bench_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
