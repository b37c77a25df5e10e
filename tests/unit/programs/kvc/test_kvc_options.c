/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/options.h"

enum { WORDS_MAX = 80 };

/* Parses the program's name and words, which end in NULL. The words that are no options are then
 * the first of *argv. */
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
        "unknown option '--listen'; there are: --server, --host, --port, --codec, --user, "
        "--password-file, --timeout, "
        "--plugin, --json, "
        "--raw, --rows, --keep-going, --version, "
        "--help, --help-all, --max-frame, --max-message; put -- before values that begin with '-'");
}

static void test_kvc_takes_a_negative_number_for_a_word(void **state)
{
    (void)state;
    struct kvc_config config =
        assert_taken(WORDS("hmset", "t", "a", "-3", "--json", "b", "-.5", "-"));
    assert_int_equal(config.common.word_count, 7);
    assert_string_equal(config.common.words[3], "-3");
    assert_string_equal(config.common.words[5], "-.5");
    assert_string_equal(config.common.words[6], "-");
    assert_int_equal(config.format, CLI_JSON);
    assert_refused(WORDS("hset", "t", "k", "-x"),
                   "unknown option '-x'; see kvc --help; put -- before values that begin with '-'");
}

static void assert_server(const char *const *words, const char *server)
{
    struct kvc_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    if (parse(&config, argv, words, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(config.server, server);
    assert_false(config.common.help);
}

static void test_kvc_takes_host_and_port(void **state)
{
    (void)state;
    assert_server(WORDS("-h", "10.0.0.5", "-p", "7000", "ping"), "tcp://10.0.0.5:7000");
    assert_server(WORDS("-h", "localhost"), "tcp://localhost:9527");
    assert_server(WORDS("-h", "store", "hget", "t", "k"), "tcp://store:9527");
    assert_server(WORDS("-h", "::1", "-p7000"), "tcp://[::1]:7000");
    assert_server(WORDS("ping", "--port", "7000"), "tcp://127.0.0.1:7000");
    assert_server(WORDS("--host=help"), "tcp://help:9527");
    assert_refused(WORDS("-p", "0"), "--port: '0' is not a number from 1 to 65535");
    assert_refused(WORDS("-p", "7000", "--server", "unix:/x"),
                   "--server and --port: choose one of them; a URL has host and port");
    char long_host[240];
    memset(long_host, 'h', sizeof long_host);
    memcpy(long_host, "--host=", 7);
    long_host[sizeof long_host - 1] = '\0';
    assert_server(WORDS(long_host, "-h", "a.b"), "tcp://a.b:9527");
}

static void test_host_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct kvc_config config = kvc_config_default();
    struct cli_table table;
    struct weft_error error = {0};
    char program[] = "kvc", option[400];
    memset(option, 'h', sizeof option);
    memcpy(option, "--host=", 7);
    option[sizeof option - 1] = '\0';
    char *argv[] = {program, option, NULL};
    kvc_table_init(&table);
    assert_int_equal(kvc_parse(&config, &table, 2, argv, &error), WEFT_ECONFIG);
    assert_string_equal(error.text,
                        "--host: 'hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh...' is too long for a host");
}

static void test_h_asks_for_help_where_no_host_follows(void **state)
{
    (void)state;
    assert_true(assert_taken(WORDS("-h")).common.help);
    assert_true(assert_taken(WORDS("-h", "hget")).common.help);
    assert_true(assert_taken(WORDS("-h", "hgte")).common.help);
    assert_true(assert_taken(WORDS("-h", "--raw")).common.help);
    assert_true(assert_taken(WORDS("hget", "-h")).common.help);
    assert_true(assert_taken(WORDS("-Vh", "10.0.0.5")).common.version);
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
    assert_refused(WORDS("--timeout", "5x"),
                   "--timeout: '5x' is not a time: seconds over 0, as 5 or 0.25");
    assert_refused(WORDS("--timeout", "9223372036"),
                   "--timeout: '9223372036' is too long: at most 3650d");
    assert_refused(WORDS("--timeout", "9999999999999"),
                   "--timeout: '9999999999999' is too long: at most 3650d");
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
        cmocka_unit_test(test_kvc_takes_a_negative_number_for_a_word),
        cmocka_unit_test(test_kvc_takes_host_and_port),
        cmocka_unit_test(test_host_that_is_too_long_is_refused),
        cmocka_unit_test(test_h_asks_for_help_where_no_host_follows),
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
