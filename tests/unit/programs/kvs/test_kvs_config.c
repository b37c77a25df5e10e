/* SPDX-License-Identifier: MIT
 *
 * Every setting from every source: the file, the environment, the command line, and what they refuse. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvs/config.h"
#include "settings_samples.h"

static char path[] = "/tmp/weft-kvs-config-XXXXXX";
static struct cli_table table;

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Parses the file, the environment and up to two words. */
static int parse(struct kvs_config *config, const char *name, const char *value,
                 struct weft_error *error)
{
    static char words[4][300];
    char *argv[] = {words[0], words[1], words[2], words[3], NULL, NULL};
    strcpy(words[0], "kvs");
    strcpy(words[1], "--config");
    strcpy(words[2], path);
    snprintf(words[3], sizeof words[3], "--%s%s%s", name ? name : "", value ? "=" : "",
             value ? value : "");
    if (!name)
        argv[3] = NULL;
    return kvs_parse(config, &table, NULL, name ? 4 : 3, argv, error);
}

/* Asserts that --print-config has the line "NAME VALUE", and then spaces and the origin. */
static void assert_printed(const struct kvs_config *config, const struct cli_option *option,
                           const char *value, const char *origin)
{
    char *text = NULL, wanted[300];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    kvs_config_print(config, &table, out);
    fclose(out);
    struct kvs_config as_text = {0};
    char canonical[WEFT_UNITS_TEXT];
    if (option->limit) {
        struct weft_error error;
        assert_int_equal(
            weft_limit_set(option->limit, (char *)&as_text + option->at, value, &error), 0);
        value = cli_limit_format(option->limit, (char *)&as_text + option->at, canonical);
    }
    snprintf(wanted, sizeof wanted, "%s %s ", option->name, value);
    const char *line = strstr(text, wanted);
    if (!line)
        fail_msg("no line '%s' in %s", wanted, text);
    line += strlen(wanted);
    line += strspn(line, " ");
    snprintf(wanted, sizeof wanted, "# %s\n", origin);
    assert_memory_equal(line, wanted, strlen(wanted));
    free(text);
}

static void put_setting(const char *name, const char *value)
{
    char line[400];
    snprintf(line, sizeof line, "# one\n%s %s\n", name, value);
    put(line);
}

static void check_sources(const struct cli_option *option, const struct sample *sample)
{
    struct kvs_config config;
    struct weft_error error = {0};
    char origin[64];
    bool flag = !option->argument;

    put_setting(option->name, sample->good);
    if (parse(&config, NULL, NULL, &error) < 0)
        fail_msg("%s", error.text);
    snprintf(origin, sizeof origin, "%s:2", path);
    assert_printed(&config, option, sample->good, origin);
    kvs_config_free(&config);

    /* The environment is stronger than a file, which has the setting too. */
    assert_int_equal(setenv(variable_of(option->name), sample->good, 1), 0);
    put_setting(option->name, flag ? "no" : sample->good);
    if (parse(&config, NULL, NULL, &error) < 0)
        fail_msg("%s", error.text);
    assert_printed(&config, option, sample->good, "environment");
    kvs_config_free(&config);

    /* And the command line is stronger than both. */
    assert_int_equal(setenv(variable_of(option->name), flag ? "no" : sample->good, 1), 0);
    if (parse(&config, option->name, flag ? NULL : sample->good, &error) < 0)
        fail_msg("%s", error.text);
    assert_printed(&config, option, sample->good, "command line");
    kvs_config_free(&config);
    unsetenv(variable_of(option->name));
}

static void test_every_setting_comes_from_file_environment_and_command_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < table.count; i++) {
        const struct cli_option *option = &table.options[i];
        struct sample sample = {0};
        char text[WEFT_UNITS_TEXT];
        if (option->action)
            continue;
        if (!sample_of(option, &sample, text))
            fail_msg("no sample of the setting %s", option->name);
        check_sources(option, &sample);
    }
}

static void check_refusals(const struct cli_option *option, const char *bad)
{
    struct kvs_config config;
    struct weft_error error = {0};
    char place[128];

    put_setting(option->name, bad);
    assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
    snprintf(place, sizeof place, "%s:2: %s: ", path, option->name);
    assert_memory_equal(error.text, place, strlen(place));

    put("");
    assert_int_equal(setenv(variable_of(option->name), bad, 1), 0);
    assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
    snprintf(place, sizeof place, "%s: %s: ", variable_of(option->name), option->name);
    assert_memory_equal(error.text, place, strlen(place));
    unsetenv(variable_of(option->name));

    assert_int_equal(parse(&config, option->name, bad, &error), WEFT_ECONFIG);
    snprintf(place, sizeof place, "--%s: ", option->name);
    assert_memory_equal(error.text, place, strlen(place));
}

static void test_every_bad_value_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < table.count; i++) {
        const struct cli_option *option = &table.options[i];
        struct kvs_config config;
        struct weft_error error;
        struct sample sample = {0};
        char text[WEFT_UNITS_TEXT];
        if (option->action) {
            put_setting(option->name, "yes");
            assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
            assert_non_null(strstr(error.text, "is for the command line alone"));
            continue;
        }
        assert_true(sample_of(option, &sample, text));
        if (!option->argument) {
            put_setting(option->name, "maybe");
            assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
            assert_non_null(strstr(error.text, "'maybe' is neither yes nor no"));
        }
        if (sample.bad)
            check_refusals(option, sample.bad);
        put_setting(option->name, "");
        if (option->argument) {
            assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
            assert_non_null(strstr(error.text, "needs a value"));
        }
    }
}

static void test_unknown_setting_is_answered_with_the_nearest_name(void **state)
{
    (void)state;
    struct kvs_config config;
    struct weft_error error;
    char expected[128];
    put("log-level info\nmax-frames 1\n");
    assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
    snprintf(expected, sizeof expected,
             "%s:2: unknown setting 'max-frames'; did you mean max-frame?", path);
    assert_string_equal(error.text, expected);
    put("color red\n");
    assert_int_equal(parse(&config, NULL, NULL, &error), WEFT_ECONFIG);
    snprintf(expected, sizeof expected, "%s:1: unknown setting 'color'; see kvs --help-all", path);
    assert_string_equal(error.text, expected);
}

static void test_urls_of_a_stronger_source_replace_those_of_a_weaker_one(void **state)
{
    (void)state;
    struct kvs_config config;
    struct weft_error error;
    put("listen tcp://127.0.0.1:1\nlisten tcp://127.0.0.1:2\n  codec resp\n");
    assert_int_equal(parse(&config, NULL, NULL, &error), 0);
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[1], "tcp://127.0.0.1:2?codec=resp");
    kvs_config_free(&config);
    setenv("KVS_LISTEN", "tcp://127.0.0.1:3  ?codec=raw", 1);
    assert_int_equal(parse(&config, NULL, NULL, &error), 0);
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:3");
    assert_string_equal(config.listen[1], "?codec=raw");
    kvs_config_free(&config);
    assert_int_equal(parse(&config, "listen", "tcp://127.0.0.1:4", &error), 0);
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "tcp://127.0.0.1:4");
    kvs_config_free(&config);
    unsetenv("KVS_LISTEN");
}

static void test_example_is_a_file_and_so_is_what_it_comments_out(void **state)
{
    (void)state;
    struct kvs_config config, defaults = kvs_config_default(NULL);
    struct weft_error error;
    char *text = NULL;
    size_t size, settings = 0;
    FILE *out = open_memstream(&text, &size);
    kvs_config_print_example(&table, out);
    fclose(out);
    put(text);
    if (parse(&config, NULL, NULL, &error) < 0)
        fail_msg("%s", error.text);
    kvs_config_free(&config);
    /* A setting is commented out by a # without a space, and has a form in capitals if it has no default. */
    for (char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        size_t length = strcspn(line, "\n"), value = strcspn(line, " ") + 1;
        if (line[0] == '#' && islower((unsigned char)line[1]) && value < length &&
            !isupper((unsigned char)line[value])) {
            line[0] = ' ';
            memmove(line, line + 1, length - 1);
            line[length - 1] = ' ';
            settings++;
        }
    }
    put(text);
    if (parse(&config, NULL, NULL, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(settings > 20);
    assert_memory_equal(&config.limits, &defaults.limits, sizeof config.limits);
    kvs_config_free(&config);
    free(text);
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    forget_settings_of_the_environment();
    kvs_table_init(&table, NULL);
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_comes_from_file_environment_and_command_line),
        cmocka_unit_test(test_every_bad_value_is_refused_with_its_place),
        cmocka_unit_test(test_unknown_setting_is_answered_with_the_nearest_name),
        cmocka_unit_test(test_urls_of_a_stronger_source_replace_those_of_a_weaker_one),
        cmocka_unit_test(test_example_is_a_file_and_so_is_what_it_comments_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
