/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "programs/lib/options.h"
#include "programs/kvs/process.h"

enum { WORDS_MAX = 80 };

/* Parses "kvs" or "kvc" and words, ended by NULL; what getopt_long permutes is *argv. */
static int parse(struct cli_config *config, enum cli_program program, char **argv,
                 const char *const *words, struct weft_error *error)
{
    static char texts[WORDS_MAX][256];
    struct cli_table table;
    int argc = 0;
    for (; argc == 0 || words[argc - 1]; argc++) {
        strncpy(texts[argc], argc == 0 ? cli_program_name(program) : words[argc - 1],
                sizeof texts[argc] - 1);
        argv[argc] = texts[argc];
    }
    argv[argc] = NULL;
    cli_table_init(&table, program);
    return cli_parse(config, &table, argc, argv, error);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(enum cli_program program, const char *const *words, const char *expected)
{
    struct cli_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    assert_int_equal(parse(&config, program, argv, words, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static struct cli_config assert_taken(enum cli_program program, const char *const *words)
{
    static char *argv[WORDS_MAX + 1];
    struct cli_config config;
    struct weft_error error = {0};
    if (parse(&config, program, argv, words, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static void test_kvs_defaults(void **state)
{
    (void)state;
    struct cli_config config = assert_taken(CLI_KVS, (const char *const[]){NULL});
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:9527");
    assert_string_equal(config.codec, "length-delimited-gzip");
    assert_string_equal(config.store, "memory");
    assert_int_equal(config.threads, cli_cpu_count());
    assert_int_equal(config.log_level, WEFT_LOG_INFO);
    assert_int_equal(config.limits.max_frame, WEFT_MIB(8));
    assert_false(config.check || config.help || config.version);
}

static void test_kvs_takes_every_option(void **state)
{
    (void)state;
    struct cli_config config = assert_taken(
        CLI_KVS, WORDS("--listen", "tcp://127.0.0.1:1", "--listen=unix:/x", "--codec", "raw",
                       "--threads", "4", "--store", "memory", "--log-level", "debug", "--check"));
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:1");
    assert_string_equal(config.listen[1], "unix:/x");
    assert_string_equal(config.codec, "raw");
    assert_int_equal(config.threads, 4);
    assert_int_equal(config.log_level, WEFT_LOG_DEBUG);
    assert_true(config.check);
}

static void test_kvs_takes_every_limit(void **state)
{
    (void)state;
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        char option[64], text[WEFT_UNITS_TEXT];
        struct weft_limits defaults = weft_limits_default();
        snprintf(option, sizeof option, "--%s", limit->name);
        cli_limit_format(limit, &defaults, text);
        struct cli_config config = assert_taken(CLI_KVS, WORDS(option, text));
        assert_memory_equal(&config.limits, &defaults, sizeof defaults);
    }
}

static void test_kvs_sets_a_limit(void **state)
{
    (void)state;
    struct cli_config config =
        assert_taken(CLI_KVS, WORDS("--max-frame", "16MiB", "--frame-timeout", "0.5"));
    assert_int_equal(config.limits.max_frame, WEFT_MIB(16));
    assert_int_equal(config.limits.frame_timeout, 500000000);
}

static void test_kvs_refuses_arguments(void **state)
{
    (void)state;
    assert_refused(CLI_KVS, WORDS("here"),
                   "unexpected argument 'here': kvs takes options only, see --help");
}

static void test_kvs_refuses_bad_values(void **state)
{
    (void)state;
    assert_refused(CLI_KVS, WORDS("--threads", "0"),
                   "--threads: '0' is not a number from 1 to 256");
    assert_refused(CLI_KVS, WORDS("--threads", "257"),
                   "--threads: '257' is not a number from 1 to 256");
    assert_refused(CLI_KVS, WORDS("--threads", "x"),
                   "--threads: 'x' is not a number from 1 to 256");
    assert_refused(CLI_KVS, WORDS("--log-level", "loud"),
                   "--log-level: unknown level 'loud'; there are: error, warn, info, debug, trace");
    assert_refused(CLI_KVS, WORDS("--max-frame", "8MB"),
                   "--max-frame: '8MB' is not a size: bytes, or KiB, MiB, GiB (8MiB)");
}

static void test_kvs_refuses_limits_that_contradict(void **state)
{
    (void)state;
    struct cli_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    assert_int_equal(parse(&config, CLI_KVS, argv, WORDS("--output-low", "2MiB"), &error),
                     WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "output-low"));
    assert_non_null(strstr(error.text, "output-high"));
}

static void test_kvs_refuses_too_many_endpoints(void **state)
{
    (void)state;
    const char *words[CLI_LISTEN_MAX + 2] = {NULL};
    for (size_t i = 0; i <= CLI_LISTEN_MAX; i++)
        words[i] = "--listen=unix:/x";
    assert_refused(CLI_KVS, words, "--listen: more than 64 times");
}

static void test_kvs_names_an_unknown_option_and_what_there_is(void **state)
{
    (void)state;
    assert_refused(
        CLI_KVS, WORDS("--color=red"),
        "unknown option '--color'; there are: --listen, --codec, --threads, --store, "
        "--log-level, --user, --allow-remote, --core-dumps, --check, --version, --help, "
        "--help-all, --max-frame, --max-message, "
        "--decode-bytes, --decode-elements, --max-pending, --output-high, --output-low, "
        "--output-hard, --max-connections, --frame-timeout, --write-timeout, "
        "--idle-timeout, --drain-timeout, --frame-cache, --max-memory, --max-bad-frames");
}

static void test_names_the_option_that_may_be_meant(void **state)
{
    (void)state;
    assert_refused(CLI_KVS, WORDS("--lisen", "x"),
                   "unknown option '--lisen'; did you mean --listen?");
    assert_refused(CLI_KVC, WORDS("--tiemout=1"),
                   "unknown option '--tiemout'; did you mean --timeout?; put -- before values that "
                   "begin with '-'");
}

static void test_kvc_names_an_unknown_option_and_what_there_is(void **state)
{
    (void)state;
    assert_refused(
        CLI_KVC, WORDS("ping", "--listen", "x"),
        "unknown option '--listen'; there are: --server, --codec, --timeout, --json, "
        "--raw, --rows, --keep-going, --version, "
        "--help, --help-all, --max-frame, --max-message; put -- before values that begin with '-'");
}

static void test_kvc_names_a_negative_number_as_unknown_option(void **state)
{
    (void)state;
    assert_refused(CLI_KVC, WORDS("hset", "t", "k", "-3"),
                   "unknown option '-3'; see kvc --help; put -- before values that begin with '-'");
    assert_refused(CLI_KVS, WORDS("-x"), "unknown option '-x'; see kvs --help");
}

static void test_names_options_that_an_abbreviation_could_mean(void **state)
{
    (void)state;
    assert_refused(CLI_KVC, WORDS("--max", "1"),
                   "'--max' could be any of: --max-frame, --max-message");
}

static void test_refuses_missing_and_superfluous_values(void **state)
{
    (void)state;
    assert_refused(CLI_KVC, WORDS("--server"), "--server: needs a value: --server URL");
    assert_refused(CLI_KVS, WORDS("--check=yes"), "--check: takes no value");
}

static void test_kvc_defaults(void **state)
{
    (void)state;
    struct cli_config config = assert_taken(CLI_KVC, WORDS("ping"));
    assert_string_equal(config.server, "tcp://127.0.0.1:9527");
    assert_string_equal(config.codec, "length-delimited-gzip");
    assert_false(config.codec_is_explicit);
    assert_int_equal(config.timeout, WEFT_SECONDS(5));
    assert_int_equal(config.limits.max_frame, WEFT_MIB(32));
    assert_int_equal(config.limits.max_message, WEFT_MIB(128));
}

static void test_kvc_takes_options_before_and_after_the_command(void **state)
{
    (void)state;
    struct cli_config config =
        assert_taken(CLI_KVC, WORDS("--server", "unix:/x", "hget", "t", "--codec", "raw", "k",
                                    "--timeout=0.25", "--max-frame", "1MiB"));
    assert_string_equal(config.server, "unix:/x");
    assert_string_equal(config.codec, "raw");
    assert_true(config.codec_is_explicit);
    assert_int_equal(config.timeout, 250000000);
    assert_int_equal(config.limits.max_frame, WEFT_MIB(1));
    assert_int_equal(config.word_count, 3);
    assert_string_equal(config.words[0], "hget");
    assert_string_equal(config.words[1], "t");
    assert_string_equal(config.words[2], "k");
}

static void test_kvc_takes_what_follows_two_dashes_as_it_is(void **state)
{
    (void)state;
    struct cli_config config = assert_taken(CLI_KVC, WORDS("hset", "t", "--", "-k", "--help"));
    assert_int_equal(config.word_count, 4);
    assert_string_equal(config.words[2], "-k");
    assert_string_equal(config.words[3], "--help");
    assert_false(config.help);
}

static void test_kvc_refuses_bad_timeouts(void **state)
{
    (void)state;
    assert_refused(CLI_KVC, WORDS("--timeout", "0"),
                   "--timeout: '0' is not a time: seconds over 0, as 5 or 0.25");
    assert_refused(CLI_KVC, WORDS("--timeout", "5s"),
                   "--timeout: '5s' is not a time: seconds over 0, as 5 or 0.25");
}

static void test_help_and_version_end_the_parse(void **state)
{
    (void)state;
    assert_true(assert_taken(CLI_KVS, WORDS("-h", "--nonsense")).help);
    assert_true(assert_taken(CLI_KVS, WORDS("--help", "--nonsense")).help);
    assert_true(assert_taken(CLI_KVC, WORDS("--help-all", "--nonsense")).help_all);
    assert_true(assert_taken(CLI_KVC, WORDS("-V", "--nonsense")).version);
    assert_true(assert_taken(CLI_KVC, WORDS("--version", "--nonsense")).version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kvs_defaults),
        cmocka_unit_test(test_kvs_takes_every_option),
        cmocka_unit_test(test_kvs_takes_every_limit),
        cmocka_unit_test(test_kvs_sets_a_limit),
        cmocka_unit_test(test_kvs_refuses_arguments),
        cmocka_unit_test(test_kvs_refuses_bad_values),
        cmocka_unit_test(test_kvs_refuses_limits_that_contradict),
        cmocka_unit_test(test_kvs_refuses_too_many_endpoints),
        cmocka_unit_test(test_kvs_names_an_unknown_option_and_what_there_is),
        cmocka_unit_test(test_names_the_option_that_may_be_meant),
        cmocka_unit_test(test_kvc_names_an_unknown_option_and_what_there_is),
        cmocka_unit_test(test_kvc_names_a_negative_number_as_unknown_option),
        cmocka_unit_test(test_names_options_that_an_abbreviation_could_mean),
        cmocka_unit_test(test_refuses_missing_and_superfluous_values),
        cmocka_unit_test(test_kvc_defaults),
        cmocka_unit_test(test_kvc_takes_options_before_and_after_the_command),
        cmocka_unit_test(test_kvc_takes_what_follows_two_dashes_as_it_is),
        cmocka_unit_test(test_kvc_refuses_bad_timeouts),
        cmocka_unit_test(test_help_and_version_end_the_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
