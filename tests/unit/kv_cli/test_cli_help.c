/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "services/kv/cli/command.h"
#include "services/kv/cli/help.h"

enum { SCREEN_LINES = 34, SCREEN_COLUMNS = 80 };

static char *help_of(enum cli_program program)
{
    struct cli_table table;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cli_table_init(&table, program);
    cli_help_print(&table, out);
    fclose(out);
    return text;
}

static void assert_fits_a_screen(enum cli_program program)
{
    char *help = help_of(program);
    size_t lines = 0;
    for (const char *line = help; *line; lines++) {
        size_t length = strcspn(line, "\n");
        if (length > SCREEN_COLUMNS)
            fail_msg("too wide: %.*s", (int)length, line);
        line += length + 1;
    }
    assert_in_range(lines, 10, SCREEN_LINES);
    free(help);
}

static void test_help_fits_a_screen(void **state)
{
    (void)state;
    assert_fits_a_screen(CLI_KVS);
    assert_fits_a_screen(CLI_KVC);
}

static void test_help_of_kvs_names_every_limit_with_its_default(void **state)
{
    (void)state;
    char *help = help_of(CLI_KVS);
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

static void test_help_of_kvc_names_every_command(void **state)
{
    (void)state;
    char *help = help_of(CLI_KVC);
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        char line[128];
        snprintf(line, sizeof line, "  %s %s", command->name, cli_shape_arguments(command->shape));
        assert_non_null(strstr(help, line));
    }
    free(help);
}

static void test_help_leaves_out_the_other_program(void **state)
{
    (void)state;
    char *kvs = help_of(CLI_KVS), *kvc = help_of(CLI_KVC);
    assert_null(strstr(kvs, "--server"));
    assert_null(strstr(kvc, "--listen"));
    assert_null(strstr(kvc, "--max-connections"));
    free(kvs);
    free(kvc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_fits_a_screen),
        cmocka_unit_test(test_help_of_kvs_names_every_limit_with_its_default),
        cmocka_unit_test(test_help_of_kvc_names_every_command),
        cmocka_unit_test(test_help_leaves_out_the_other_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
