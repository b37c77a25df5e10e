/* SPDX-License-Identifier: MIT
 *
 * Tests kvc's prompt as a person uses it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "prompt_fixture.h"

static void test_screen_of_a_short_session(void **state)
{
    (void)state;
    enter("hmset look name 'a b' n int:3 no empty:", "(empty)\n(empty)\n(empty)\nkvc>");
    enter("hgetall look", "no    (empty)\nkvc>");
    assert_screen("help lists the commands, Tab completes, Ctrl-D leaves.\n"
                  "kvc> hmset look name 'a b' n int:3 no empty:\n"
                  "(empty)\n"
                  "(empty)\n"
                  "(empty)\n"
                  "kvc> hgetall look                                     TABLE\n"
                  "n     3\n"
                  "name  a b\n"
                  "no    (empty)\n"
                  "kvc>");
}

static void test_tab_completes_commands_and_tables_and_lists_what_there_is(void **state)
{
    (void)state;
    enter("hset completed k v", "(empty)\nkvc>");
    type("hs");
    type("Tab");
    see("hset  hscan\nkvc> hs");
    type("e");
    type("Tab");
    type("comp");
    type("Tab");
    see("kvc> hset completed");
    enter("k w", "v\nkvc>");
    type("help hmex");
    type("Tab");
    see("kvc> help hmexist");
}

static void test_usage_is_shown_as_one_types(void **state)
{
    (void)state;
    type("hset ");
    see("kvc> hset                                   TABLE KEY VALUE");
}

static void test_usage_stands_at_the_edge_of_a_terminal_that_is_resized(void **state)
{
    (void)state;
    struct process process;
    assert_int_equal(tmux(&process, WORDS("resize-window", "-x", "50", "-y", "40")), 0);
    process_kill(&process);
    type("hset ");
    see("kvc> hset                         TABLE KEY VALUE");
}

static void test_line_is_edited_within(void **state)
{
    (void)state;
    enter("hset edited k v", "(empty)\nkvc>");
    type("get editedx");
    type("BSpace");
    type("C-a");
    type("h");
    type("C-e");
    enter(" k", "TABLE KEY \nv\nkvc>");
}

static void test_history_is_recalled_also_by_the_next_session(void **state)
{
    (void)state;
    enter("hexist recalled k", "false\nkvc>");
    enter("ping", "pong from ");
    type("Up");
    type("Up");
    see("kvc> hexist recalled k");
    type("C-c");
    type("C-d");
    see("it left with 0");
    close_terminal();
    open_prompt("", "");
    type("Up");
    type("Up");
    type("Enter");
    see("kvc> hexist recalled k");
    see("false\nkvc>");
}

static void test_line_with_a_mistake_is_recalled_to_be_mended(void **state)
{
    (void)state;
    enter("hexist 'mended k", "kvc: nothing closes the '\nkvc>");
    type("Up");
    see("closes the '\nkvc> hexist 'mended k");
    type("'");
    type("Enter");
    see("usage: kvc hexist TABLE KEY\nkvc>");
}

static void test_prompt_stands_behind_raw_bytes_on_its_own_line(void **state)
{
    (void)state;
    enter("hset raw k v", "(empty)\nkvc>");
    enter("--raw hget raw k", "TABLE KEY\nv\nkvc>");
}

static void test_interrupt_cancels_a_command_and_not_the_program(void **state)
{
    (void)state;
    enter("hset cancelled k v", "(empty)\nkvc>");
    process_signal(&server.process, SIGSTOP);
    type("hset cancelled k w");
    type("Enter");
    see_line_end();
    type("C-c");
    see("kvc: cancelled");
    process_signal(&server.process, SIGCONT);
    enter("hexist cancelled k", "true\nkvc>");
}

static void test_interrupt_at_the_prompt_drops_the_line(void **state)
{
    (void)state;
    type("hset not this");
    see("not this");
    type("C-c");
    see("TABLE KEY VALUE\nkvc>");
    enter("ping", "pong from ");
}

static void test_end_of_input_leaves(void **state)
{
    (void)state;
    type("C-d");
    see("it left with 0\nicanon\necho\n");
}

static void test_quit_leaves(void **state)
{
    (void)state;
    enter("quit", "it left with 0");
    close_terminal();
    open_prompt("", "");
    enter("exit", "it left with 0");
}

static void test_name_that_is_not_resolved_leaves_the_terminal_as_it_was(void **state)
{
    (void)state;
    close_terminal();
    open_prompt("LD_PRELOAD=" SLOW_RESOLVER, "--server tcp://somewhere:1 --timeout 0.2");
    enter("ping", "it left with 3\nicanon\necho\n");
    see("kvc: cannot resolve tcp://somewhere:1 within 0.2 s");
}

static void test_connection_that_has_ended_is_made_again(void **state)
{
    (void)state;
    enter("ping", "pong from ");
    assert_int_equal(kvs_stop(&server), 0);
    kvs_kill(&server);
    enter("ping", "; connecting again");
    see("kvc: cannot connect to ");
    start_kvs();
    enter("hexist again k", "false\nkvc>");
}

static void test_help_timing_and_mistakes(void **state)
{
    (void)state;
    enter("help hset", "hset TABLE KEY VALUE\n      set a key, print its old value");
    enter("help nothing", "kvc: no help for 'nothing': help lists the commands\n");
    enter("help", "Words are quoted as in a shell");
    enter("timing maybe", "kvc: usage: timing on|off");
    enter("timing on", "kvc>");
    enter("hexist t k", " ms\nkvc>");
    enter("select", "kvc: unknown command \"select\"; there are: hget, hgetall, hmget, hset, "
                    "hmset, hincr, hdel, hmdel, hexist, hmexist, hexpire, httl, hpersist, hscan, "
                    "tables, count, drop, publish, ping, help, timing, quit\n");
    enter("quti", "kvc: unknown command \"quti\"; did you mean quit?\n");
    enter("bench --requests 10", "kvc: bench is a command of kvc's command line only\n");
    enter("hset t k -",
          "kvc: value \"-\": standard input, which brings the commands here; str:- is "
          "the text\n");
    enter("HGET t other", "kvc: 404 Not found for table: t, key: other");
    enter("hget 'open", "kvc: nothing closes the '");
    enter("hget t none", "kvc: 404 Not found for table: t, key: none");
    enter("--json hexist t k", "{\"status\": 200, \"value\": false}");
    enter("--raw hgetall t", "kvc: --raw: hgetall answers more or less");
}

static void test_values_are_coloured_by_type(void **state)
{
    (void)state;
    enter("hmset colours n int:3 s text", "(empty)\n(empty)\nkvc>");
    enter("hgetall colours", "s  text\nkvc>");
    look("-e");
    assert_non_null(strstr(screen, "\x1b[36m3"));
    assert_non_null(strstr(screen, "\x1b[32mtext"));
}

static void test_no_color_is_heard(void **state)
{
    (void)state;
    close_terminal();
    open_prompt("NO_COLOR=1", "");
    enter("hset plain n int:3", "(empty)\nkvc>");
    enter("hgetall plain", "n  3\nkvc>");
    look("-e");
    assert_null(strstr(screen, "\x1b[36m"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plain, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_screen_of_a_short_session),
        TEST(test_tab_completes_commands_and_tables_and_lists_what_there_is),
        TEST(test_usage_is_shown_as_one_types),
        TEST(test_usage_stands_at_the_edge_of_a_terminal_that_is_resized),
        TEST(test_line_is_edited_within),
        TEST(test_history_is_recalled_also_by_the_next_session),
        TEST(test_line_with_a_mistake_is_recalled_to_be_mended),
        TEST(test_prompt_stands_behind_raw_bytes_on_its_own_line),
        TEST(test_interrupt_cancels_a_command_and_not_the_program),
        TEST(test_interrupt_at_the_prompt_drops_the_line),
        TEST(test_end_of_input_leaves),
        TEST(test_quit_leaves),
        TEST(test_name_that_is_not_resolved_leaves_the_terminal_as_it_was),
        TEST(test_connection_that_has_ended_is_made_again),
        TEST(test_help_timing_and_mistakes),
        TEST(test_values_are_coloured_by_type),
        TEST(test_no_color_is_heard),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
