/* SPDX-License-Identifier: MIT
 *
 * Tests that the manual and the completions name all that --help-all names, and that the manual
 * lists the plugins that kvs has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct process program;

static int end_program(void **state)
{
    (void)state;
    process_kill(&program);
    return 0;
}

static const char *help_of(const char *path)
{
    assert_int_equal(process_run(&program, WORDS(path, "--help-all")), 0);
    return program.out.text;
}

/* Returns the text of a file of the manual's folder; the caller frees it. */
static char *load(const char *name)
{
    char path[512];
    size_t size = 0;
    char *text = NULL;
    snprintf(path, sizeof path, MANUAL_FOLDER "/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(getdelim(&text, &size, 0, file) > 0);
    fclose(file);
    return text;
}

/* Finds the next option or command that begins a line of --help-all, with *kind "--" or "". Returns
 * NULL at the end. */
static const char *next_name(const char **at, char *name, size_t size, const char **kind)
{
    while ((*at = strstr(*at, "\n  ")) != NULL) {
        *at += 3;
        *kind = strncmp(*at, "--", 2) == 0 ? "--" : "";
        snprintf(name, size, "%.*s", (int)strcspn(*at + strlen(*kind), " ,\n"),
                 *at + strlen(*kind));
        if (*name && *name != ' ')
            return name;
    }
    return NULL;
}

/* Writes a name as a page has it, with escaped hyphens. */
static void escape(const char *name, char *dst)
{
    for (; *name; name++) {
        if (*name == '-')
            *dst++ = '\\';
        *dst++ = *name;
    }
    *dst = 0;
}

static void expect_names(const char *path, const char *file, const char *option,
                         const char *command, bool escaped)
{
    const char *at = help_of(path), *kind;
    char *text = load(file), name[64], word[128], expected[160];
    size_t count = 0;
    for (; next_name(&at, name, sizeof name, &kind); count++) {
        if (escaped)
            escape(name, word);
        else
            snprintf(word, sizeof word, "%s", name);
        const char *before = *kind ? option : command;
        snprintf(expected, sizeof expected, "%s%s", before, word);
        if (!strstr(text, expected))
            fail_msg("--help-all has %s%s, %s has no %s", kind, name, file, expected);
    }
    free(text);
    assert_true(count >= 10);
}

static void test_manual_has_what_help_has(void **state)
{
    (void)state;
    expect_names(KVS_PATH, "kvs.1", "\\fB\\-\\-", "\\fB", true);
    process_kill(&program);
    expect_names(KVC_PATH, "kvc.1", "\\fB\\-\\-", "\\fB", true);
}

static void test_bash_completion_has_what_help_has(void **state)
{
    (void)state;
    expect_names(KVS_PATH, "kvs.bash", "--", "", false);
    process_kill(&program);
    expect_names(KVC_PATH, "kvc.bash", "--", "", false);
}

static void test_zsh_completion_has_what_help_has(void **state)
{
    (void)state;
    expect_names(KVS_PATH, "kvs.zsh", "--", "'", false);
    process_kill(&program);
    expect_names(KVC_PATH, "kvc.zsh", "--", "'", false);
}

static void test_fish_completion_has_what_help_has(void **state)
{
    (void)state;
    expect_names(KVS_PATH, "kvs.fish", " -l ", " -a ", false);
    process_kill(&program);
    expect_names(KVC_PATH, "kvc.fish", " -l ", " -a ", false);
}

/* A name that does not exist is refused with those that do: each of them is a page's. */
static void expect_listed(const char *url)
{
    char *page = load("kvs.1"), name[64], word[160], expected[200];
    assert_int_equal(process_run(&program, WORDS(KVS_PATH, "--check", "--listen", url)), 2);
    const char *at = strstr(program.err.text, "there are: ");
    assert_non_null(at);
    at += strlen("there are: ");
    int used = 0;
    while (sscanf(at, " %63[a-z-]%n", name, &used) == 1) {
        escape(name, word);
        snprintf(expected, sizeof expected, "\n.TP\n\\fB%s\\fR\n", word);
        if (!strstr(page, expected))
            fail_msg("kvs has %s, its page has not", name);
        at += used + (at[used] == ',');
    }
    assert_true(used > 0);
    free(page);
}

static void test_manual_lists_the_codecs_that_kvs_has(void **state)
{
    (void)state;
    expect_listed(KVS_ANY_PORT "?codec=none-such");
}

static void test_manual_lists_the_services_that_kvs_has(void **state)
{
    (void)state;
    expect_listed(KVS_ANY_PORT "?service=none-such");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_manual_has_what_help_has, end_program),
        cmocka_unit_test_teardown(test_bash_completion_has_what_help_has, end_program),
        cmocka_unit_test_teardown(test_zsh_completion_has_what_help_has, end_program),
        cmocka_unit_test_teardown(test_fish_completion_has_what_help_has, end_program),
        cmocka_unit_test_teardown(test_manual_lists_the_codecs_that_kvs_has, end_program),
        cmocka_unit_test_teardown(test_manual_lists_the_services_that_kvs_has, end_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
