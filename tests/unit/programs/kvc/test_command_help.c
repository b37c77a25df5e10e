/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/command.h"
#include "programs/kvc/command_help.h"
#include "programs/kvc/exit.h"

enum { SCREEN_LINES = 24, SCREEN_COLUMNS = 80 };

/* Returns the text that print writes; the caller frees it. */
static char *printed_by(void (*print)(const struct cli_table *table, FILE *out))
{
    struct cli_table table;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    kvc_table_init(&table);
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

static void test_help_of_kvc_fits_a_screen(void **state)
{
    (void)state;
    char *brief = printed_by(kvc_help_print);
    char *all = printed_by(kvc_help_print_all);
    assert_in_range(count_lines(brief), 10, SCREEN_LINES);
    assert_true(count_lines(all) > 10);
    free(brief);
    free(all);
}

/* Each option begins a line of --help-all, and --help names it unless only one command takes it. */
static void test_every_option_of_kvc_is_named_and_explained(void **state)
{
    (void)state;
    struct cli_table table;
    char *brief = printed_by(kvc_help_print);
    char *all = printed_by(kvc_help_print_all);
    kvc_table_init(&table);
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

/* True if a line has the command, perhaps among others, and its arguments in the end or before blanks. */
static bool names_command(const char *text, const struct cli_command *command)
{
    const char *arguments = cli_shape_arguments(command->shape);
    char word[32];
    snprintf(word, sizeof word, " %s", command->name);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++) {
        const char *behind = at + strlen(word);
        while (strncmp(behind, ", ", 2) == 0)
            behind += 2 + strcspn(behind + 2, ", \n");
        behind += *behind == ' ' && *arguments;
        if (strncmp(behind, arguments, strlen(arguments)) == 0)
            return true;
    }
    return false;
}

static void test_help_of_kvc_names_every_command(void **state)
{
    (void)state;
    char *brief = printed_by(kvc_help_print);
    char *all = printed_by(kvc_help_print_all);
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        char usage[128];
        const char *arguments = cli_shape_arguments(command->shape);
        snprintf(usage, sizeof usage, "  %s%s%s", command->name, *arguments ? " " : "", arguments);
        if (!names_command(brief, command) || !strstr(all, usage) || !strstr(all, command->help))
            fail_msg("%s is not there", usage);
    }
    free(brief);
    free(all);
}

static void test_help_all_of_kvc_explains_every_exit_code(void **state)
{
    (void)state;
    char *all = printed_by(kvc_help_print_all);
    for (char *at = all; (at = strchr(at, '\n')) != NULL;)
        *at = ' ';
#define X(name, code, text) assert_non_null(strstr(all, " " #code ": " text ";"));
    CLI_EXIT_MAP(X)
#undef X
    free(all);
}

static void assert_explained(const char *name, bool prompt, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(cli_help_print_command(name, prompt, out), expected != NULL);
    fclose(out);
    assert_string_equal(text, expected ? expected : "");
    free(text);
}

static void test_a_command_is_explained_with_its_usage(void **state)
{
    (void)state;
    assert_explained("ping", true, "  ping\n      exchange a message, print its time\n");
    assert_explained("hgetall", false, "  hgetall TABLE\n      print all pairs, sorted by key\n");
}

static void test_a_command_with_values_is_explained_with_their_forms(void **state)
{
    (void)state;
    assert_explained("hset", true,
                     "  hset TABLE KEY VALUE\n      set a key, print its old value\n"
                     "VALUE is a string, or int:-3 float:1.5 bool:true hex:00ff base64:AP8= "
                     "str:TEXT\nempty: file:PATH (its bytes).\n"
                     "Options of hset, hmset:\n"
                     "  --ttl TIME                 expire after it, as 10, 500ms or 2h\n"
                     "  --expire-at SECONDS        expire at this time, in seconds since 1970\n"
                     "  --keep-ttl                 expire when the key did before\n"
                     "  --if-absent                only if the key is not there\n"
                     "  --if-present               only if the key is there\n"
                     "Options of hset, hmset, hdel, hmdel:\n"
                     "  --if-version VERSION       only if the value has this version\n");
}

static void test_options_of_a_command_are_explained_with_it_alone(void **state)
{
    (void)state;
    static const char first[] = "  bench [OPTION]...\n      measure the server under load\n"
                                "Options of bench:\n  --clients N ";
    char *text = NULL, *brief = printed_by(kvc_help_print);
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(cli_help_print_command("bench", false, out));
    fclose(out);
    assert_memory_equal(text, first, sizeof first - 1);
    assert_in_range(count_lines(text), 10, SCREEN_LINES);
    assert_null(strstr(brief, "--clients"));
    free(brief);
    free(text);
}

/* The words behind the program, as far as the parse has come when --help is met. */
static void test_help_behind_a_command_is_about_that(void **state)
{
    (void)state;
    char program[] = "kvc", word[] = "ping", help[] = "--help", behind[] = "--nonsense";
    char *argv[] = {program, word, help, behind, NULL}, *text = NULL;
    struct cli_table table;
    struct kvc_config config;
    struct weft_error error;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    kvc_table_init(&table);
    assert_int_equal(kvc_parse(&config, &table, 4, argv, &error), 0);
    assert_true(kvc_help_answer(&config, &table, out));
    fclose(out);
    assert_string_equal(text, "  ping\n      exchange a message, print its time\n");
    free(text);
}

static void test_help_of_the_prompt_fits_a_screen(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(cli_help_print_command(NULL, true, out));
    fclose(out);
    assert_in_range(count_lines(text), 10, SCREEN_LINES);
    assert_non_null(strstr(text, "  hget TABLE KEY                        print a key's value\n"));
    free(text);
}

static void test_prompt_and_command_line_explain_their_own(void **state)
{
    (void)state;
    assert_explained("quit", true, "  quit\n      leave, as exit and Ctrl-D do\n");
    assert_explained("quit", false, NULL);
    assert_explained("import", true, NULL);
    assert_explained("import", false,
                     "  import TABLE FILE\n      set a table from CSV or NDJSON\n"
                     "Options of import, export, watch:\n"
                     "  --all                      all tables, in the place of TABLE\n");
    assert_explained("none-such", false, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_of_kvc_fits_a_screen),
        cmocka_unit_test(test_every_option_of_kvc_is_named_and_explained),
        cmocka_unit_test(test_help_of_kvc_names_every_command),
        cmocka_unit_test(test_help_all_of_kvc_explains_every_exit_code),
        cmocka_unit_test(test_a_command_is_explained_with_its_usage),
        cmocka_unit_test(test_a_command_with_values_is_explained_with_their_forms),
        cmocka_unit_test(test_options_of_a_command_are_explained_with_it_alone),
        cmocka_unit_test(test_help_behind_a_command_is_about_that),
        cmocka_unit_test(test_help_of_the_prompt_fits_a_screen),
        cmocka_unit_test(test_prompt_and_command_line_explain_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
