/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvs/options.h"
#include "programs/kvs/process.h"

/* A plugin with limits of its own. */
struct plugin_limits {
    uint64_t max_rows, rest;
};

static const struct weft_limit plugin_limits[] = {
    {.name = "max-rows",
     .help = "rows of an answer",
     .unit = WEFT_LIMIT_COUNT,
     .value = 10,
     .offset = offsetof(struct plugin_limits, max_rows)},
    {.name = "rest",
     .help = "time between answers",
     .unit = WEFT_LIMIT_TIME,
     .zero_is_off = true,
     .value = WEFT_SECONDS(2),
     .offset = offsetof(struct plugin_limits, rest)},
    {.name = NULL},
};

static const struct weft_limit *const owners[] = {plugin_limits, NULL};

enum { WORDS_MAX = 80 };

/* Parses the program's name and words, which end in NULL. The words that are no options are then
 * the first of *argv. */
static int parse(struct kvs_config *config, char **argv, const char *const *words,
                 struct weft_error *error)
{
    static char texts[WORDS_MAX][256];
    struct cli_table table;
    int argc = 0;
    for (; argc == 0 || words[argc - 1]; argc++) {
        strncpy(texts[argc], argc == 0 ? "kvs" : words[argc - 1], sizeof texts[argc] - 1);
        argv[argc] = texts[argc];
    }
    argv[argc] = NULL;
    kvs_table_init(&table, owners);
    int err = kvs_parse(config, &table, owners, argc, argv, error);
    if (err == 0)
        kvs_config_free(config); /* the values are borrowed from argv */
    return err;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(const char *const *words, const char *expected)
{
    struct kvs_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    assert_int_equal(parse(&config, argv, words, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static struct kvs_config assert_taken(const char *const *words)
{
    static char *argv[WORDS_MAX + 1];
    struct kvs_config config;
    struct weft_error error = {0};
    if (parse(&config, argv, words, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static void test_kvs_defaults(void **state)
{
    (void)state;
    struct kvs_config config = assert_taken((const char *const[]){NULL});
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:9527");
    assert_string_equal(config.codec, "length-delimited-gzip");
    assert_string_equal(config.store, "memory");
    assert_int_equal(config.threads, cli_cpu_count());
    assert_int_equal(config.log_level, WEFT_LOG_INFO);
    assert_int_equal(config.limits.max_frame, WEFT_MIB(8));
    assert_false(config.check || config.common.help || config.common.version);
}

static void test_kvs_takes_every_option(void **state)
{
    (void)state;
    struct kvs_config config = assert_taken(
        WORDS("--listen", "tcp://127.0.0.1:1", "--listen=unix:/x", "--codec", "raw", "--threads",
              "4", "--store", "memory", "--log-level", "debug", "--check"));
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:1");
    assert_string_equal(config.listen[1], "unix:/x");
    assert_string_equal(config.codec, "raw");
    assert_int_equal(config.threads, 4);
    assert_int_equal(config.log_level, WEFT_LOG_DEBUG);
    assert_true(config.check);
}

static void test_kvs_adds_a_variant_to_the_endpoint_before_or_the_default_one(void **state)
{
    (void)state;
    struct kvs_config config = assert_taken(
        WORDS("--listen", "?codec=auto", "--listen", "unix:/x", "--listen=?codec=raw"));
    assert_int_equal(config.listen_count, 4);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:9527");
    assert_string_equal(config.listen[1], "?codec=auto");
    assert_string_equal(config.listen[2], "unix:/x");
    assert_string_equal(config.listen[3], "?codec=raw");
}

static void test_kvs_takes_every_limit(void **state)
{
    (void)state;
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        char option[64], text[WEFT_UNITS_TEXT];
        struct weft_limits defaults = weft_limits_default();
        snprintf(option, sizeof option, "--%s", limit->name);
        cli_limit_format(limit, &defaults, text);
        struct kvs_config config = assert_taken(WORDS(option, text));
        assert_memory_equal(&config.limits, &defaults, sizeof defaults);
    }
}

static void test_limits_of_a_plugin_are_options_like_others(void **state)
{
    (void)state;
    struct kvs_config config = assert_taken(WORDS("--threads", "1"));
    const struct plugin_limits *limits = kvs_limits_of(&config, 0);
    assert_int_equal(limits->max_rows, 10);
    assert_int_equal(limits->rest, WEFT_SECONDS(2));
    config = assert_taken(WORDS("--max-rows", "7", "--rest", "0.5"));
    limits = kvs_limits_of(&config, 0);
    assert_int_equal(limits->max_rows, 7);
    assert_int_equal(limits->rest, 500000000);
    assert_refused(WORDS("--max-rows", "0"), "--max-rows: must be more than 0");
}

static void test_kvs_sets_a_limit(void **state)
{
    (void)state;
    struct kvs_config config =
        assert_taken(WORDS("--max-frame", "16MiB", "--frame-timeout", "0.5"));
    assert_int_equal(config.limits.max_frame, WEFT_MIB(16));
    assert_int_equal(config.limits.frame_timeout, 500000000);
}

static void test_kvs_refuses_arguments(void **state)
{
    (void)state;
    assert_refused(WORDS("here"), "unexpected argument 'here': kvs takes options only, see --help");
}

static void test_kvs_refuses_bad_values(void **state)
{
    (void)state;
    assert_refused(WORDS("--log-format", "xml"), "--log-format: 'xml' is neither text nor json");
    assert_refused(WORDS("--log-rate", "-1"), "--log-rate: '-1' is not a number");
    assert_refused(WORDS("--access-log", ""), "--access-log: the name of a file is missing");
    assert_refused(WORDS("--handover", ""), "--handover: the path of a socket is missing");
    assert_refused(WORDS("--log-file", ""), "--log-file: the name of a file is missing");
    assert_refused(WORDS("--threads", "0"), "--threads: '0' is not a number from 1 to 256");
    assert_refused(WORDS("--threads", "257"), "--threads: '257' is not a number from 1 to 256");
    assert_refused(WORDS("--threads", "x"), "--threads: 'x' is not a number from 1 to 256");
    assert_refused(WORDS("--log-level", "loud"),
                   "--log-level: unknown level 'loud'; there are: error, warn, info, debug, trace");
    assert_refused(WORDS("--admin", "?codec=raw"),
                   "--admin: '?codec=raw' is no URL with an address");
    assert_refused(WORDS("--slowlog", "soon"),
                   "--slowlog: 'soon' is no time; it takes seconds, or as 10ms; 0 for none");
    assert_refused(WORDS("--make-certificate", ""),
                   "--make-certificate: the name of a folder is missing");
    assert_refused(WORDS("--users", ""), "--users: the name of a file is missing");
    assert_refused(WORDS("--repair", "maybe"), "--repair: 'maybe' is neither show nor drop");
    assert_refused(
        WORDS("--max-frame", "8MB"),
        "--max-frame: '8MB' is not a size: bytes, or with K, M, G or KiB, MiB, GiB (8MiB)");
}

static void test_kvs_refuses_limits_that_contradict(void **state)
{
    (void)state;
    struct kvs_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    assert_int_equal(parse(&config, argv, WORDS("--output-low", "2MiB"), &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "output-low"));
    assert_non_null(strstr(error.text, "output-high"));
}

static void test_kvs_refuses_too_many_endpoints(void **state)
{
    (void)state;
    const char *words[KVS_LISTEN_MAX + 2] = {NULL};
    for (size_t i = 0; i <= KVS_LISTEN_MAX; i++)
        words[i] = "--listen=unix:/x";
    assert_refused(words, "--listen: more than 64 times");
}

static void test_kvs_names_an_unknown_option_and_what_there_is(void **state)
{
    (void)state;
    static const char expected[] = "unknown option '--color'; there are: --config, --listen, "
                                   "--codec, --threads, --store, --log-level, ";
    struct kvs_config config;
    struct weft_error error = {0};
    char *argv[WORDS_MAX + 1];
    assert_int_equal(parse(&config, argv, WORDS("--color=red"), &error), WEFT_ECONFIG);
    assert_memory_equal(error.text, expected, sizeof expected - 1);
}

static void test_kvs_refuses_one_address_twice(void **state)
{
    (void)state;
    assert_refused(WORDS("--listen", "tcp://127.0.0.1:1", "--listen", "unix:/x", "--listen",
                         "127.0.0.1:1?codec=raw"),
                   "--listen 127.0.0.1:1?codec=raw: an address that --listen tcp://127.0.0.1:1 has "
                   "already");
    assert_refused(WORDS("--listen", "unix:/x", "--listen", "unix:///x"),
                   "--listen unix:///x: an address that --listen unix:/x has already");
    assert_int_equal(assert_taken(WORDS("--listen", "tcp://127.0.0.1:0", "--listen",
                                        "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:1"))
                         .listen_count,
                     3);
}

static void test_kvs_names_the_option_that_may_be_meant(void **state)
{
    (void)state;
    assert_refused(WORDS("--lisen", "x"), "unknown option '--lisen'; did you mean --listen?");
    assert_refused(WORDS("-x"), "unknown option '-x'; see kvs --help");
}

static void test_kvs_help_and_version_end_the_parse(void **state)
{
    (void)state;
    assert_true(assert_taken(WORDS("-h", "--nonsense")).common.help);
    assert_true(assert_taken(WORDS("--help", "--nonsense")).common.help);
}

enum { SCREEN_LINES = 24, SCREEN_COLUMNS = 80 };

/* Returns the text that print writes; the caller frees it. */
static char *printed_by(void (*print)(const struct cli_table *table, FILE *out))
{
    struct cli_table table;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    kvs_table_init(&table, owners);
    print(&table, out);
    fclose(out);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; lines++) {
        size_t length = strcspn(text, "\n");
        if (length > SCREEN_COLUMNS)
            fail_msg("too wide: %.*s", (int)length, text);
        text += length + 1;
    }
    return lines;
}

static void test_help_of_kvs_fits_a_screen(void **state)
{
    (void)state;
    char *brief = printed_by(kvs_help_print);
    char *all = printed_by(kvs_help_print_all);
    assert_in_range(count_lines(brief), 10, SCREEN_LINES);
    assert_true(count_lines(all) > 10);
    free(brief);
    free(all);
}

/* Each option begins a line of --help-all, and --help names it unless it is a limit or only one command takes it. */
static void test_every_option_of_kvs_is_named_and_explained(void **state)
{
    (void)state;
    struct cli_table table;
    char *brief = printed_by(kvs_help_print);
    char *all = printed_by(kvs_help_print_all);
    kvs_table_init(&table, owners);
    for (size_t i = 0; i < table.count; i++) {
        char name[64], line[128];
        snprintf(name, sizeof name, "--%s", table.options[i].name);
        snprintf(line, sizeof line, "\n  %s", name);
        if ((!table.options[i].command && !table.options[i].limit && !strstr(brief, name)) ||
            !strstr(all, line))
            fail_msg("%s is not there", name);
    }
    free(brief);
    free(all);
}

static void test_help_all_of_kvs_names_every_limit_with_its_default(void **state)
{
    (void)state;
    char *help = printed_by(kvs_help_print_all);
    struct weft_limits defaults = weft_limits_default();
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        char option[64], value[WEFT_UNITS_TEXT], shown[WEFT_UNITS_TEXT + 2];
        snprintf(option, sizeof option, "--%s ", limit->name);
        snprintf(shown, sizeof shown, "[%s]", cli_limit_format(limit, &defaults, value));
        const char *line = strstr(help, option);
        assert_non_null(line);
        const char *end = strchr(line, '\n'), *found = strstr(line, shown);
        assert_true(found && found < end);
    }
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kvs_defaults),
        cmocka_unit_test(test_kvs_takes_every_option),
        cmocka_unit_test(test_kvs_adds_a_variant_to_the_endpoint_before_or_the_default_one),
        cmocka_unit_test(test_kvs_takes_every_limit),
        cmocka_unit_test(test_limits_of_a_plugin_are_options_like_others),
        cmocka_unit_test(test_kvs_sets_a_limit),
        cmocka_unit_test(test_kvs_refuses_arguments),
        cmocka_unit_test(test_kvs_refuses_bad_values),
        cmocka_unit_test(test_kvs_refuses_limits_that_contradict),
        cmocka_unit_test(test_kvs_refuses_too_many_endpoints),
        cmocka_unit_test(test_kvs_names_an_unknown_option_and_what_there_is),
        cmocka_unit_test(test_kvs_refuses_one_address_twice),
        cmocka_unit_test(test_kvs_names_the_option_that_may_be_meant),
        cmocka_unit_test(test_kvs_help_and_version_end_the_parse),
        cmocka_unit_test(test_help_of_kvs_fits_a_screen),
        cmocka_unit_test(test_every_option_of_kvs_is_named_and_explained),
        cmocka_unit_test(test_help_all_of_kvs_names_every_limit_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
