/* SPDX-License-Identifier: MIT
 *
 * Pastes, keys of the user's own, Ctrl-Z, and the history of prompts side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "prompt_fixture.h"

/* Keys in hexadecimal: bytes that are no text. */
static void type_bytes(const char *const *bytes)
{
    struct process process;
    const char *words[PROCESS_WORDS_MAX] = {"send-keys", "-H"};
    for (size_t count = 2; *bytes; bytes++)
        words[count++] = *bytes;
    assert_int_equal(tmux(&process, words), 0);
    process_kill(&process);
}

static void paste(const char *text)
{
    struct process process;
    assert_int_equal(tmux(&process, WORDS("set-buffer", "--", text)), 0);
    process_kill(&process);
    assert_int_equal(tmux(&process, WORDS("paste-buffer", "-p", "-d")), 0);
    process_kill(&process);
}

static void test_pasted_line_ends_within_quotes_are_text(void **state)
{
    (void)state;
    paste("hset pasted k 'one\nhset pasted injected 1\n\ttwo'");
    see("two'");
    type("Enter");
    see("(empty)\nkvc>");
    kvc_expect(url, WORDS("--json", "hgetall", "pasted"),
               "{\"status\": 200, \"pairs\": [{\"key\": \"k\", \"value\": "
               "\"one\\nhset pasted injected 1\\n\\ttwo\"}]}\n");
}

static void test_pasted_commands_run_with_enter_and_not_before(void **state)
{
    (void)state;
    paste("hset several a 1\nhset several b '2\n2' # two\n\nhexist several c\n");
    see("hexist several c");
    kvc_expect(url, WORDS("hgetall", "several"), "");
    type("Enter");
    see("(empty)\n(empty)\nfalse\nkvc>");
}

static void test_tab_in_quotes_is_text_and_elsewhere_parts_words(void **state)
{
    (void)state;
    type("hset tabs k 'a");
    type("Tab");
    enter("b'", "(empty)\nkvc>");
    paste("hset\ttabs\tl\tv");
    see("v");
    type("Enter");
    see("(empty)\n");
    enter("--json hmget tabs k l", "{\"status\": 200, \"values\": [\"a\\tb\", \"v\"]}");
}

static void test_line_with_bytes_of_another_encoding_is_refused(void **state)
{
    (void)state;
    type("hset latin k");
    type_bytes(WORDS("fc"));
    enter(" v", "kvc: the line was not sent: it has bytes that are not UTF-8, as of a "
                "terminal in another encoding\nkvc>");
    type("hset latin k two");
    type_bytes(WORDS("e9"));
    type("Enter");
    see("two\\U+DCE9");
    enter("hgetall latin", "hgetall latin");
    kvc_expect(url, WORDS("hgetall", "latin"), "");
}

static void test_paste_that_no_command_of_the_editor_takes_is_missed(void **state)
{
    (void)state;
    type("hset lost k v");
    type("C-v");
    paste("x");
    enter("", "kvc: the line was not sent: a paste is missing in it\nkvc>");
}

static void write_editrc(const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.editrc", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int remove_editrc(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.editrc", folder);
    (void)unlink(path);
    return close_it(state);
}

static void expect_own_keys(const char *editrc)
{
    close_terminal();
    write_editrc(editrc);
    open_prompt("", "");
    type("hgeta");
    type("Tab");
    type("none");
    see("kvc> hgetall none                                     TABLE");
    paste(" # more");
    see("none # more");
    type("Enter");
    type("C-d");
    see("it left with 0");
}

static void test_keys_of_ours_stay_with_vi_and_emacs_keys(void **state)
{
    (void)state;
    expect_own_keys("bind -v\n");
    expect_own_keys("# a comment\nkvc:bind -e\nother:bind -v\n");
}

static void test_keys_that_the_user_binds_are_the_users(void **state)
{
    (void)state;
    close_terminal();
    write_editrc("bind -v\nbind ^I ed-insert\n");
    open_prompt("", "");
    type("hgeta");
    type("Tab");
    type("x");
    see("kvc> hgeta      x");
}

static void test_line_is_drawn_again_and_edited_after_a_stop(void **state)
{
    (void)state;
    close_terminal();
    open_prompt_in_shell();
    type("hset stopped ");
    see("TABLE KEY VALUE");
    type("C-z");
    see("Stopped");
    enter("stty -a | tr ' ' '\\n' | grep -x -e '-*icanon' -e '-*echo'", "icanon\necho\n");
    type("fg");
    type("Enter");
    see("\nkvc> hset stopped ");
    type("k v");
    type("Left");
    enter("X", "(empty)\nkvc>");
    kvc_expect(url, WORDS("hgetall", "stopped"), "k\tXv\n");
}

static void test_prompts_side_by_side_keep_each_others_lines(void **state)
{
    (void)state;
    enter("hexist first k", "false\nkvc>");
    char first[sizeof terminal];
    strcpy(first, terminal);
    open_prompt("", "");
    enter("hexist second k", "false\nkvc>");
    type("C-d");
    see("it left with 0");
    close_terminal();
    strcpy(terminal, first);
    type("C-d");
    see("it left with 0");
    close_terminal();
    open_prompt("", "");
    type("Up");
    see("kvc> hexist second k");
    type("Up");
    see("kvc> hexist first k");
}

static void test_prompt_that_is_killed_loses_no_line(void **state)
{
    (void)state;
    enter("hexist killed k", "false\nkvc>");
    close_terminal();
    open_prompt("", "");
    type("Up");
    see("kvc> hexist killed k");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plain, remove_editrc)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pasted_line_ends_within_quotes_are_text),
        TEST(test_pasted_commands_run_with_enter_and_not_before),
        TEST(test_tab_in_quotes_is_text_and_elsewhere_parts_words),
        TEST(test_line_with_bytes_of_another_encoding_is_refused),
        TEST(test_paste_that_no_command_of_the_editor_takes_is_missed),
        TEST(test_keys_of_ours_stay_with_vi_and_emacs_keys),
        TEST(test_keys_that_the_user_binds_are_the_users),
        TEST(test_line_is_drawn_again_and_edited_after_a_stop),
        TEST(test_prompts_side_by_side_keep_each_others_lines),
        TEST(test_prompt_that_is_killed_loses_no_line),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
