/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/compiler.h"
#include "lib/fault.h"
#include "programs/lib/config_file.h"

struct fixture {
    char folder[64], main[96], taken[1024];
    struct cli_texts texts;
    struct weft_error error;
};

static const char *path_of(struct fixture *fixture, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    return path;
}

static void put(struct fixture *fixture, const char *name, const char *text)
{
    FILE *file = fopen(path_of(fixture, name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.folder = "/tmp/weft-config-XXXXXX"};
    assert_non_null(mkdtemp(fixture.folder));
    snprintf(fixture.main, sizeof fixture.main, "%s/main.conf", fixture.folder);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"main.conf", "a.conf", "b.conf", "c.part"};
    struct fixture *fixture = *state;
    cli_texts_free(&fixture->texts);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(fixture, names[i]));
    return rmdir(fixture->folder);
}

static int take(void *arg, const struct cli_setting *setting, struct weft_error *error)
{
    struct fixture *fixture = arg;
    if (strcmp(setting->name, "bad") == 0)
        return weft_error_set(error, WEFT_ECONFIG, "bad: no");
    size_t used = strlen(fixture->taken);
    snprintf(fixture->taken + used, sizeof fixture->taken - used, "%s:%u %s=%s|",
             strrchr(setting->file, '/') + 1, setting->line, setting->name,
             setting->value ? setting->value : "(none)");
    return 0;
}

static int run(struct fixture *fixture)
{
    *fixture->taken = '\0';
    return cli_config_read(&fixture->texts, fixture->main, take, fixture, &fixture->error);
}

static void assert_taken(struct fixture *fixture, const char *text, const char *expected)
{
    put(fixture, "main.conf", text);
    if (run(fixture) < 0)
        fail_msg("%s", fixture->error.text);
    assert_string_equal(fixture->taken, expected);
}

/* The error is FOLDER/ and then what is expected. */
static void assert_refused(struct fixture *fixture, const char *text, const char *expected)
{
    put(fixture, "main.conf", text);
    assert_true(run(fixture) < 0);
    assert_memory_equal(fixture->error.text, fixture->folder, strlen(fixture->folder));
    assert_string_equal(fixture->error.text + strlen(fixture->folder) + 1, expected);
}

static void test_file_gives_names_values_and_lines(void **state)
{
    assert_taken(*state, "", "");
    assert_taken(
        *state, "one 1\n\n# no\ntwo\t a b \r\n  # no\nflag\nlast x#y # no",
        "main.conf:1 one=1|main.conf:4 two=a b|main.conf:6 flag=(none)|main.conf:7 last=x#y|");
}

static void test_indented_lines_become_options_of_the_endpoint_above(void **state)
{
    assert_taken(*state, "listen tcp://a:1\n  codec raw\n\n\tlevel 3\nlisten ?x=1\n flag\nz 1\n",
                 "main.conf:1 listen=tcp://a:1?codec=raw&level=3|main.conf:5 listen=?x=1&flag|"
                 "main.conf:7 z=1|");
    assert_taken(*state, "listen ?\n codec raw\n", "main.conf:1 listen=?codec=raw|");
    assert_refused(*state, "one 1\n two 2\n",
                   "main.conf:2: an indented line, but none of a listen");
    assert_refused(*state, " two 2\n", "main.conf:1: an indented line, but none of a listen");
    assert_refused(*state, "listen a\n x b&c=d\n",
                   "main.conf:2: an option of an endpoint is `name value`, without ?&=");
}

static void test_include_reads_files_beside_the_including_one_in_order(void **state)
{
    put(*state, "b.conf", "b 1\n");
    put(*state, "a.conf", "a 1");
    put(*state, "c.part", "c 1");
    assert_taken(*state, "x 1\ninclude c.part\ny 1\ninclude [ab].conf\ninclude *.none\n",
                 "main.conf:1 x=1|c.part:1 c=1|main.conf:3 y=1|a.conf:1 a=1|b.conf:1 b=1|");
}

static void test_include_that_is_missing_itself_or_nothing_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char expected[256];
    snprintf(expected, sizeof expected, "main.conf:2: include %s/none: No such file or directory",
             fixture->folder);
    assert_refused(fixture, "\ninclude none\n", expected);
    assert_refused(fixture, "include\n", "main.conf:1: include: needs a file");
    put(fixture, "a.conf", "\n\ninclude main.conf\n");
    assert_refused(fixture, "include a.conf\n", "a.conf:3: this include includes itself");
}

static void test_mistake_in_an_included_file_is_named_by_that_file_and_line(void **state)
{
    put(*state, "a.conf", "good 1\nbad 1\n");
    assert_refused(*state, "include a.conf\n", "a.conf:2: bad: no");
}

static void test_includes_end_at_a_depth(void **state)
{
    struct fixture *fixture = *state;
    char name[16], text[32];
    for (int i = 0; i <= CLI_INCLUDE_MAX + 1; i++) {
        snprintf(name, sizeof name, "%d", i);
        snprintf(text, sizeof text, "include %d\n", i + 1);
        put(fixture, name, text);
    }
    put(fixture, "8", "x 1\n");
    assert_taken(fixture, "include 1\n", "8:1 x=1|");
    put(fixture, "8", "include 9\n");
    assert_refused(fixture, "include 1\n", "8:1: include: more than 8 deep");
    for (int i = 0; i <= CLI_INCLUDE_MAX + 1; i++) {
        snprintf(name, sizeof name, "%d", i);
        unlink(path_of(fixture, name));
    }
}

static void test_what_is_no_text_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = fopen(fixture->main, "w");
    assert_non_null(file);
    fwrite("a\0b", 3, 1, file);
    fclose(file);
    assert_int_equal(run(fixture), WEFT_ECONFIG);
    assert_non_null(
        strstr(fixture->error.text, "main.conf: has a NUL byte, so it is no configuration file"));
    assert_int_equal(truncate(fixture->main, 2 * CLI_FILE_MAX), 0);
    assert_int_equal(run(fixture), -EFBIG);
    assert_int_equal(
        cli_config_read(&fixture->texts, fixture->folder, take, fixture, &fixture->error), -EISDIR);
}

static void read_all(void *arg)
{
    struct fixture *fixture = arg;
    int err = run(fixture);
    cli_texts_free(&fixture->texts);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
}

static void test_file_survives_every_failing_allocation(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, "a.conf", "a 1\n");
    put(fixture, "main.conf", "listen x\n codec raw\ninclude a.conf\n");
    fault_each(read_all, fixture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_file_gives_names_values_and_lines),
        TEST(test_indented_lines_become_options_of_the_endpoint_above),
        TEST(test_include_reads_files_beside_the_including_one_in_order),
        TEST(test_include_that_is_missing_itself_or_nothing_is_refused),
        TEST(test_mistake_in_an_included_file_is_named_by_that_file_and_line),
        TEST(test_includes_end_at_a_depth),
        TEST(test_what_is_no_text_file_is_refused),
        TEST(test_file_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
