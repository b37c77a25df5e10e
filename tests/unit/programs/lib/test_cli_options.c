/* SPDX-License-Identifier: MIT
 *
 * The parser with a program of its own, whose limits belong to two owners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/lib/help.h"

enum { WORDS_MAX = 16 };

struct engine_limits {
    uint64_t heat, speed;
};

struct brake_limits {
    uint64_t wear;
};

struct car_config {
    struct cli_common common;
    const char *colour;
    bool loud;
    struct engine_limits engine;
    struct brake_limits brake;
};

static const struct weft_limit engine_table[] = {
    {.name = "heat",
     .help = "how hot it gets",
     .unit = WEFT_LIMIT_BYTES,
     .offset = offsetof(struct engine_limits, heat)},
    {.name = "speed",
     .help = "how fast it gets",
     .unit = WEFT_LIMIT_COUNT,
     .offset = offsetof(struct engine_limits, speed)},
    {.name = NULL},
};

static const struct weft_limit brake_table[] = {
    {.name = "wear",
     .help = "how long it lasts",
     .unit = WEFT_LIMIT_TIME,
     .zero_is_off = true,
     .offset = offsetof(struct brake_limits, wear)},
    {.name = NULL},
};

static int set_colour(void *into, const char *text, struct weft_error *error)
{
    struct car_config *config = into;
    if (strcmp(text, "pink") == 0)
        return weft_error_set(error, WEFT_ECONFIG, "--colour: not pink");
    config->colour = text;
    return 0;
}

static const struct cli_option car_options[] = {
    {.name = "colour",
     .argument = "NAME",
     .variable = "TEST_CAR_COLOUR",
     .help = "paint",
     .set = set_colour},
    {.name = "loud",
     .letter = 'l',
     .help = "no silencer",
     .rare = true,
     .at = offsetof(struct car_config, loud)},
    {.name = NULL},
};

static const struct cli_option race_options[] = {
    {.name = "lane", .argument = "N", .help = "which", .command = "race", .set = set_colour},
    {.name = NULL},
};

static void table_init(struct cli_table *table, const char *const *only)
{
    static const struct cli_program car = {.name = "car", .takes_words = true};
    static const struct car_config defaults = {.engine = {.heat = 1024, .speed = 9}};
    const struct cli_option *const options[] = {car_options, race_options, NULL};
    const struct cli_limits limits[] = {
        {.table = engine_table, .at = offsetof(struct car_config, engine), .only = only},
        {.table = brake_table, .at = offsetof(struct car_config, brake), .common = "wear"},
        {.table = NULL},
    };
    cli_table_init(table, &car, options, limits, &defaults);
}

static int parse(struct car_config *config, const char *const *words, struct weft_error *error)
{
    static char texts[WORDS_MAX][64];
    static char *argv[WORDS_MAX + 1];
    struct cli_table table;
    int argc = 0;
    for (; argc == 0 || words[argc - 1]; argc++) {
        strncpy(texts[argc], argc == 0 ? "car" : words[argc - 1], sizeof texts[argc] - 1);
        argv[argc] = texts[argc];
    }
    argv[argc] = NULL;
    *config = (struct car_config){0};
    table_init(&table, NULL);
    return cli_parse(config, &table, argc, argv, error);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(const char *const *words, const char *expected)
{
    struct car_config config;
    struct weft_error error = {0};
    assert_int_equal(parse(&config, words, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static struct car_config assert_taken(const char *const *words)
{
    struct car_config config;
    struct weft_error error = {0};
    if (parse(&config, words, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

static void test_limits_of_each_owner_are_set_in_its_own_struct(void **state)
{
    (void)state;
    struct car_config config =
        assert_taken(WORDS("--heat", "2KiB", "--wear=0.5", "--speed", "7", "--heat", "3KiB"));
    assert_int_equal(config.engine.heat, 3072);
    assert_int_equal(config.engine.speed, 7);
    assert_int_equal(config.brake.wear, 500000000);
}

static void test_a_limit_is_refused_in_the_words_of_its_unit(void **state)
{
    (void)state;
    assert_refused(WORDS("--wear", "x"),
                   "--wear: 'x' is not a time: seconds (0.5), or with us, ms, s, m, h, d (500ms)");
    assert_refused(WORDS("--speed", "0"), "--speed: must be more than 0");
    assert_int_equal(assert_taken(WORDS("--wear", "0")).brake.wear, 0);
}

static void test_flags_and_options_are_taken_around_words(void **state)
{
    (void)state;
    struct car_config config = assert_taken(WORDS("go", "-l", "far", "--colour=red"));
    assert_true(config.loud);
    assert_string_equal(config.colour, "red");
    assert_int_equal(config.common.word_count, 2);
    assert_string_equal(config.common.words[1], "far");
    assert_refused(WORDS("--colour", "pink"), "--colour: not pink");
}

static void test_option_of_a_command_is_refused_without_it(void **state)
{
    (void)state;
    assert_refused(WORDS("go", "--lane", "1"), "--lane: an option of race alone");
    assert_refused(WORDS("--lane", "1"), "--lane: an option of race alone");
    assert_string_equal(assert_taken(WORDS("race", "--lane", "1")).colour, "1");
}

static void test_refuses_missing_and_superfluous_values(void **state)
{
    (void)state;
    assert_refused(WORDS("go", "--colour"), "--colour: needs a value: --colour NAME");
    assert_refused(WORDS("--loud=yes"), "--loud: takes no value");
}

static void test_help_and_version_end_the_parse(void **state)
{
    (void)state;
    assert_true(assert_taken(WORDS("-h", "--nonsense")).common.help);
    assert_true(assert_taken(WORDS("--help-all", "--heat", "x")).common.help_all);
    assert_true(assert_taken(WORDS("-V", "--lane")).common.version);
}

static void test_environment_replaces_a_default(void **state)
{
    (void)state;
    struct cli_table table;
    struct car_config config = {0};
    struct weft_error error = {0};
    table_init(&table, NULL);
    assert_int_equal(setenv("TEST_CAR_COLOUR", "blue", 1), 0);
    assert_int_equal(cli_parse_environment(&config, &table, &error), 0);
    assert_string_equal(config.colour, "blue");
    assert_int_equal(setenv("TEST_CAR_COLOUR", "pink", 1), 0);
    assert_int_equal(cli_parse_environment(&config, &table, &error), WEFT_ECONFIG);
    unsetenv("TEST_CAR_COLOUR");
}

static void test_program_that_takes_some_limits_knows_no_others(void **state)
{
    (void)state;
    struct cli_table table;
    table_init(&table, WORDS("speed"));
    assert_string_equal(table.options[table.first_limit].name, "speed");
    assert_string_equal(table.options[table.first_limit].fallback, "9");
    assert_string_equal(table.options[table.first_limit + 1].name, "wear");
    assert_int_equal(table.count, table.first_limit + 2);
}

static void assert_prints(void (*print)(const struct cli_table *table, FILE *out),
                          const char *expected)
{
    struct cli_table table;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    table_init(&table, NULL);
    print(&table, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void test_help_explains_what_is_common_and_names_the_rest(void **state)
{
    (void)state;
    assert_prints(cli_help_print_options,
                  "Options:\n"
                  "  --colour NAME              paint\n"
                  "  --version, -V              print the version\n"
                  "  --help, -h                 print this\n"
                  "  --help-all                 print all options, explained\n"
                  "  --wear SECONDS             how long it lasts [0]\n"
                  "--help-all explains also: --loud and limits such as --heat\n");
}

static void test_help_all_explains_the_limits_of_every_owner(void **state)
{
    (void)state;
    assert_prints(cli_help_print_all_options,
                  "Options:\n"
                  "  --colour NAME              paint\n"
                  "  --loud, -l                 no silencer\n"
                  "  --version, -V              print the version\n"
                  "  --help, -h                 print this\n"
                  "  --help-all                 print all options, explained\n"
                  "  --heat SIZE                how hot it gets [1KiB]\n"
                  "  --speed N                  how fast it gets [9]\n"
                  "  --wear SECONDS             how long it lasts [0]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_of_each_owner_are_set_in_its_own_struct),
        cmocka_unit_test(test_a_limit_is_refused_in_the_words_of_its_unit),
        cmocka_unit_test(test_flags_and_options_are_taken_around_words),
        cmocka_unit_test(test_option_of_a_command_is_refused_without_it),
        cmocka_unit_test(test_refuses_missing_and_superfluous_values),
        cmocka_unit_test(test_help_and_version_end_the_parse),
        cmocka_unit_test(test_environment_replaces_a_default),
        cmocka_unit_test(test_program_that_takes_some_limits_knows_no_others),
        cmocka_unit_test(test_help_explains_what_is_common_and_names_the_rest),
        cmocka_unit_test(test_help_all_explains_the_limits_of_every_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
