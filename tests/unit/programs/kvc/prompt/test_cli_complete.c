/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/prompt/complete.h"

static struct cli_tables_seen seen;

static int see_tables(void **state)
{
    (void)state;
    cli_tables_see(&seen, "users");
    cli_tables_see(&seen, "useful");
    cli_tables_see(&seen, "counts");
    return 0;
}

static int forget_tables(void **state)
{
    (void)state;
    cli_tables_fini(&seen);
    return 0;
}

/* Expects the offers for the end of line, separated by spaces, and the count of bytes with which
 * all begin. */
static void expect(const char *line, const char *offers, size_t common)
{
    struct cli_candidates candidates;
    char text[512] = "";
    size_t used = 0;
    cli_complete(&candidates, weft_view_str(line), &seen);
    for (size_t i = 0; i < candidates.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                 candidates.names[i]);
    assert_string_equal(text, offers);
    if (candidates.count > 0)
        assert_int_equal(candidates.common, common);
}

static void test_commands_complete_in_the_first_place(void **state)
{
    (void)state;
    expect("hs", "hset hscan", 2);
    expect("  hmg", "hmget", 5);
    expect("ti", "timing", 6);
    expect("x", "", 0);
}

static void test_options_complete_behind_the_commands_that_take_them(void **state)
{
    (void)state;
    expect("hset t k v --if", "--if-absent --if-present --if-version", 5);
    expect("hscan t --", "--prefix --match --keys-only", 2);
    expect("hget t k --s", "--state", 7);
    expect("hget t k --ttl", "", 0);
    expect("tables --", "", 0);
}

static void test_commands_of_the_command_line_are_not_offered(void **state)
{
    (void)state;
    expect("imp", "", 0);
    expect("batc", "", 0);
}

static void test_every_command_is_offered_for_an_empty_line(void **state)
{
    (void)state;
    expect("",
           "hget hgetall hmget hset hmset hincr hdel hmdel hexist hmexist hexpire httl hpersist "
           "hscan tables count drop publish ping help timing quit",
           0);
}

static void test_options_complete_before_the_command(void **state)
{
    (void)state;
    expect("--j", "--json", 6);
    expect("--", "--json --raw", 2);
    expect("--json --r", "--raw", 5);
    expect("--json hge", "hget hgetall", 4);
}

static void test_tables_complete_behind_a_command(void **state)
{
    (void)state;
    expect("hget use", "users useful", 3);
    expect("hget ", "users useful counts", 0);
    expect("--raw hget c", "counts", 6);
}

static void test_names_that_differ_within_a_character_share_none_of_it(void **state)
{
    (void)state;
    cli_tables_see(&seen, "t\xc3\xa4");
    cli_tables_see(&seen, "t\xc3\xb6");
    expect("hget t", "t\xc3\xa4 t\xc3\xb6", 1);
}

static void test_nothing_completes_behind_the_table(void **state)
{
    (void)state;
    expect("hget users ", "", 0);
    expect("hget users c", "", 0);
    expect("ping u", "", 0);
    expect("nothing u", "", 0);
}

static void test_arguments_of_the_prompts_own_commands_complete(void **state)
{
    (void)state;
    expect("timing ", "on off", 1);
    expect("help hmex", "hmexist", 7);
    expect("help tim", "timing", 6);
    expect("quit ", "", 0);
}

static void expect_hint(const char *line, const char *hint)
{
    assert_string_equal(cli_complete_hint(weft_view_str(line)), hint);
}

static void test_hint_is_the_usage_of_the_command(void **state)
{
    (void)state;
    expect_hint("hset", "TABLE KEY VALUE");
    expect_hint("hset users k", "TABLE KEY VALUE");
    expect_hint(" --json hget ", "TABLE KEY");
    expect_hint("timing ", "on|off");
    expect_hint("help", "[COMMAND]");
}

static void test_there_is_no_hint_where_there_is_no_command(void **state)
{
    (void)state;
    expect_hint("", "");
    expect_hint("hse", "");
    expect_hint("import", "");
    expect_hint("--json", "");
}

static void test_a_table_is_remembered_once(void **state)
{
    (void)state;
    cli_tables_see(&seen, "users");
    assert_int_equal(seen.count, 3);
}

static void test_a_table_that_must_be_quoted_is_not_remembered(void **state)
{
    (void)state;
    cli_tables_see(&seen, "my table");
    cli_tables_see(&seen, "it's");
    cli_tables_see(&seen, "\x1b[31m");
    cli_tables_see(&seen, "");
    assert_int_equal(seen.count, 3);
    cli_tables_see(&seen, "tä-b_l.e:1");
    assert_int_equal(seen.count, 4);
}

static void test_tables_that_there_is_no_room_for_are_not_remembered(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CLI_TABLES_SEEN; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        cli_tables_see(&seen, name);
    }
    assert_int_equal(seen.count, CLI_TABLES_SEEN);
}

static void see_with_failures(void *arg)
{
    struct cli_tables_seen few = {0};
    cli_tables_see(&few, arg);
    assert_int_equal(few.count, fault_failed() == 0);
    cli_tables_fini(&few);
}

static void test_a_table_without_memory_for_it_is_not_remembered(void **state)
{
    (void)state;
    char name[] = "users";
    fault_each(see_with_failures, name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, see_tables, forget_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commands_complete_in_the_first_place),
        TEST(test_options_complete_behind_the_commands_that_take_them),
        TEST(test_commands_of_the_command_line_are_not_offered),
        TEST(test_every_command_is_offered_for_an_empty_line),
        TEST(test_options_complete_before_the_command),
        TEST(test_tables_complete_behind_a_command),
        TEST(test_names_that_differ_within_a_character_share_none_of_it),
        TEST(test_nothing_completes_behind_the_table),
        TEST(test_arguments_of_the_prompts_own_commands_complete),
        TEST(test_hint_is_the_usage_of_the_command),
        TEST(test_there_is_no_hint_where_there_is_no_command),
        TEST(test_a_table_is_remembered_once),
        TEST(test_a_table_that_must_be_quoted_is_not_remembered),
        TEST(test_tables_that_there_is_no_room_for_are_not_remembered),
        TEST(test_a_table_without_memory_for_it_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
