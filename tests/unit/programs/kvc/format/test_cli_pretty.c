/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/format/pretty.h"

static const struct cli_command hgetall = {.name = "hgetall", .shape = CLI_TABLE};
static const struct cli_command hscan = {.name = "hscan", .shape = CLI_PAGE};

static struct weft_kv_value text(const char *bytes)
{
    return (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = weft_view_str(bytes)};
}

static int print(const struct cli_command *command, const struct weft_kv_reply *reply, bool colours,
                 char **printed)
{
    size_t size;
    FILE *out = open_memstream(printed, &size);
    assert_non_null(out);
    int err = cli_pretty_print(out, command, reply, colours);
    fclose(out);
    return err;
}

static void expect(const struct cli_command *command, const struct weft_kv_reply *reply,
                   bool colours, const char *expected)
{
    char *printed;
    assert_int_equal(print(command, reply, colours, &printed), 0);
    assert_string_equal(printed, expected);
    free(printed);
}

static void test_values_of_pairs_stand_below_each_other(void **state)
{
    (void)state;
    const struct weft_kv_pair pairs[] = {{weft_view_str("long key"), text("1")},
                                         {weft_view_str("b"), text("2")},
                                         {weft_view_str("a"), {.type = WEFT_KV_EMPTY}}};
    const struct weft_kv_reply reply = {.pairs = pairs, .pair_count = 3};
    expect(&hgetall, &reply, false, "a         (empty)\nb         2\nlong key  1\n");
    expect(&hscan, &reply, false, "long key  1\nb         2\na         (empty)\n");
}

static void test_columns_are_those_that_the_terminal_shows(void **state)
{
    (void)state;
    const struct weft_kv_pair pairs[] = {{weft_view_str("ascii"), text("1")},
                                         {weft_view_str("表"), text("2")},
                                         {weft_view_str("e\u0301"), text("3")},
                                         {weft_view_str("\t\x1b"), text("4")},
                                         {weft_view("a\0", 2), text("5")}};
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    expect(&hscan, &(struct weft_kv_reply){.pairs = pairs, .pair_count = 5}, false,
           "ascii   1\n表      2\ne\u0301       3\n\\t\\x1b  4\na\\x00   5\n");
    setlocale(LC_CTYPE, "C");
}

static void test_a_very_long_key_moves_its_own_value_only(void **state)
{
    (void)state;
    const struct weft_kv_pair pairs[] = {
        {weft_view_str("a"), text("1")},
        {weft_view_str("bb"), text("2")},
        {weft_view_str("a key that is longer than 32 characters"), text("3")}};
    expect(&hscan, &(struct weft_kv_reply){.pairs = pairs, .pair_count = 3}, false,
           "a   1\nbb  2\na key that is longer than 32 characters  3\n");
}

static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("a\tb"), text("c\x1b[31m")};
    expect(&hgetall, &(struct weft_kv_reply){.pairs = &pair, .pair_count = 1}, false,
           "a\\tb  c\\x1b[31m\n");
}

static void test_each_type_has_its_colour(void **state)
{
    (void)state;
    const struct weft_kv_value values[] = {
        text("s"),
        {.type = WEFT_KV_EMPTY},
        {.type = WEFT_KV_BINARY, .bytes = weft_view("\xff", 1)},
        {.type = WEFT_KV_INTEGER, .integer = 1},
        {.type = WEFT_KV_FLOAT, .number = 1.5},
        {.type = WEFT_KV_BOOL, .boolean = true},
    };
    expect(&hgetall, &(struct weft_kv_reply){.values = values, .value_count = 6}, true,
           "\x1b[32ms\x1b[0m\n"
           "\x1b[2m(empty)\x1b[0m\n"
           "\x1b[35mhex:ff\x1b[0m\n"
           "\x1b[36m1\x1b[0m\n"
           "\x1b[36m1.5\x1b[0m\n"
           "\x1b[33mtrue\x1b[0m\n");
}

static FILE *open_terminal(int *master)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*master >= 0);
    assert_int_equal(grantpt(*master), 0);
    assert_int_equal(unlockpt(*master), 0);
    FILE *out = fopen(ptsname(*master), "we");
    assert_non_null(out);
    return out;
}

static void test_colours_are_for_terminals_whose_user_wants_them(void **state)
{
    (void)state;
    int master;
    FILE *out = open_terminal(&master), *file = tmpfile();
    assert_non_null(file);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    assert_true(cli_pretty_has_colours(out));
    assert_false(cli_pretty_has_colours(file));
    static const char *const plain[] = {"", "dumb", "unknown", "no-such-terminal", "../x/xterm"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        setenv("TERM", plain[i], 1);
        assert_false(cli_pretty_has_colours(out));
    }
    unsetenv("TERM");
    assert_false(cli_pretty_has_colours(out));
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "", 1);
    assert_true(cli_pretty_has_colours(out));
    setenv("NO_COLOR", "1", 1);
    assert_false(cli_pretty_has_colours(out));
    fclose(file);
    fclose(out);
    close(master);
}

static void print_with_failures(void *arg)
{
    char *printed;
    int err = print(&hgetall, arg, false, &printed);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    assert_int_equal(*printed == '\0', err < 0);
    free(printed);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    const struct weft_kv_pair pair = {weft_view_str("a"), text("b")};
    struct weft_kv_reply reply = {.pairs = &pair, .pair_count = 1};
    fault_each(print_with_failures, &reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_pairs_stand_below_each_other),
        cmocka_unit_test(test_columns_are_those_that_the_terminal_shows),
        cmocka_unit_test(test_a_very_long_key_moves_its_own_value_only),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_each_type_has_its_colour),
        cmocka_unit_test(test_colours_are_for_terminals_whose_user_wants_them),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
