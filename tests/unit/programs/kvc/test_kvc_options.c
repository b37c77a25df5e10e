/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/options.h"

enum { WORDS_MAX = 80 };

/* Parses the program's name and words, which end in NULL; getopt_long permutes *argv. */
static int parse(struct kvc_config *config, char **argv, const char *const *words,
                 struct weft_error *error)
{
    static char texts[WORDS_MAX][256];
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

static void assert_refused(const char *const *words, const char *expected)
{
    struct kvc_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    assert_int_equal(parse(&config, argv, words, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static struct kvc_config assert_taken(const char *const *words)
{
    static char *argv[WORDS_MAX + 1];
    struct kvc_config config;
    struct weft_error error = {0};
    if (parse(&config, argv, words, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static void test_kvc_names_an_unknown_option_and_what_there_is(void **state)
{
    (void)state;
    assert_refused(
        WORDS("ping", "--listen", "x"),
        "unknown option '--listen'; there are: --server, --codec, --timeout, --plugin, --json, "
        "--raw, --rows, --keep-going, --version, "
        "--help, --help-all, --max-frame, --max-message; put -- before values that begin with '-'");
}

static void test_kvc_names_a_negative_number_as_unknown_option(void **state)
{
    (void)state;
    assert_refused(WORDS("hset", "t", "k", "-3"),
                   "unknown option '-3'; see kvc --help; put -- before values that begin with '-'");
}

static void test_kvc_defaults(void **state)
{
    (void)state;
    struct kvc_config config = assert_taken(WORDS("ping"));
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
    struct kvc_config config =
        assert_taken(WORDS("--server", "unix:/x", "hget", "t", "--codec", "raw", "k",
                           "--timeout=0.25", "--max-frame", "1MiB"));
    assert_string_equal(config.server, "unix:/x");
    assert_string_equal(config.codec, "raw");
    assert_true(config.codec_is_explicit);
    assert_int_equal(config.timeout, 250000000);
    assert_int_equal(config.limits.max_frame, WEFT_MIB(1));
    assert_int_equal(config.common.word_count, 3);
    assert_string_equal(config.common.words[0], "hget");
    assert_string_equal(config.common.words[1], "t");
    assert_string_equal(config.common.words[2], "k");
}

static void test_kvc_takes_what_follows_two_dashes_as_it_is(void **state)
{
    (void)state;
    struct kvc_config config = assert_taken(WORDS("hset", "t", "--", "-k", "--help"));
    assert_int_equal(config.common.word_count, 4);
    assert_string_equal(config.common.words[2], "-k");
    assert_string_equal(config.common.words[3], "--help");
    assert_false(config.common.help);
}

static void test_kvc_refuses_bad_timeouts(void **state)
{
    (void)state;
    assert_refused(WORDS("--timeout", "0"),
                   "--timeout: '0' is not a time: seconds over 0, as 5 or 0.25");
    assert_refused(WORDS("--timeout", "5s"),
                   "--timeout: '5s' is not a time: seconds over 0, as 5 or 0.25");
}

static void test_names_options_that_an_abbreviation_could_mean(void **state)
{
    (void)state;
    assert_refused(WORDS("--max", "1"), "'--max' could be any of: --max-frame, --max-message");
}

static void test_kvc_names_the_option_that_may_be_meant(void **state)
{
    (void)state;
    assert_refused(WORDS("--tiemout=1"),
                   "unknown option '--tiemout'; did you mean --timeout?; put -- before values that "
                   "begin with '-'");
}

static void test_kvc_help_and_version_end_the_parse(void **state)
{
    (void)state;
    assert_true(assert_taken(WORDS("--help-all", "--nonsense")).common.help_all);
    assert_true(assert_taken(WORDS("-V", "--nonsense")).common.version);
    assert_true(assert_taken(WORDS("--version", "--nonsense")).common.version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kvc_names_an_unknown_option_and_what_there_is),
        cmocka_unit_test(test_kvc_names_a_negative_number_as_unknown_option),
        cmocka_unit_test(test_kvc_defaults),
        cmocka_unit_test(test_kvc_takes_options_before_and_after_the_command),
        cmocka_unit_test(test_kvc_takes_what_follows_two_dashes_as_it_is),
        cmocka_unit_test(test_kvc_refuses_bad_timeouts),
        cmocka_unit_test(test_names_options_that_an_abbreviation_could_mean),
        cmocka_unit_test(test_kvc_names_the_option_that_may_be_meant),
        cmocka_unit_test(test_kvc_help_and_version_end_the_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
