/* SPDX-License-Identifier: MIT
 *
 * Tests the keys on a pipe in place of a terminal; signals are raised. */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvc/prompt/keys.h"
#include "programs/kvc/prompt/wide.h"

struct fixture {
    int ends[2];
    struct cli_keys keys;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    assert_int_equal(pipe2(fixture.ends, O_CLOEXEC), 0);
    assert_int_equal(cli_keys_init(&fixture.keys, fixture.ends[0]), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    cli_keys_fini(&fixture->keys);
    close(fixture->ends[0]);
    if (fixture->ends[1] >= 0)
        close(fixture->ends[1]);
    return 0;
}

static void type(const struct fixture *fixture, const char *bytes)
{
    ssize_t size = (ssize_t)strlen(bytes);
    assert_int_equal(write(fixture->ends[1], bytes, (size_t)size), size);
}

static void expect(struct fixture *fixture, enum cli_key key)
{
    wchar_t character;
    assert_int_equal(cli_keys_read(&fixture->keys, &character), key);
}

static void expect_typed(struct fixture *fixture, wchar_t expected)
{
    wchar_t character = 0;
    assert_int_equal(cli_keys_read(&fixture->keys, &character), CLI_KEY_TYPED);
    assert_int_equal(character, expected);
}

static void test_characters_come_one_at_a_time(void **state)
{
    type(*state, "aé表\x04");
    expect_typed(*state, L'a');
    expect_typed(*state, 0xe9);
    expect_typed(*state, 0x8868);
    expect_typed(*state, 4);
}

static void test_bytes_that_are_no_character_stand_for_themselves(void **state)
{
    type(*state, "\xff\xc3\xffz\xed\xa0\x80\xf4\x90y");
    expect_typed(*state, cli_wide_of_byte(0xff));
    expect_typed(*state, cli_wide_of_byte(0xc3));
    expect_typed(*state, cli_wide_of_byte(0xff));
    expect_typed(*state, L'z');
    expect_typed(*state, cli_wide_of_byte(0xed));
    expect_typed(*state, cli_wide_of_byte(0xa0));
    expect_typed(*state, cli_wide_of_byte(0x80));
    expect_typed(*state, cli_wide_of_byte(0xf4));
    expect_typed(*state, cli_wide_of_byte(0x90));
    expect_typed(*state, L'y');
}

static void test_enter_behind_half_a_character_is_heard(void **state)
{
    type(*state, "\xe9\n\xf0\x9f\x03");
    expect_typed(*state, cli_wide_of_byte(0xe9));
    expect_typed(*state, L'\n');
    expect_typed(*state, cli_wide_of_byte(0xf0));
    expect_typed(*state, cli_wide_of_byte(0x9f));
    expect(*state, CLI_KEY_INTERRUPT);
}

static void test_locale_changes_no_character(void **state)
{
    assert_non_null(setlocale(LC_CTYPE, "C"));
    type(*state, "\xc3\xbc\xf0\x9f\x98\x80");
    expect_typed(*state, 0xfc);
    expect_typed(*state, 0x1f600);
}

static void expect_paste(struct fixture *fixture, const char *bytes, size_t size)
{
    expect(fixture, CLI_KEY_PASTE);
    assert_int_equal(fixture->keys.paste.size, size);
    assert_memory_equal(fixture->keys.paste.data, bytes, size);
}

static void test_paste_comes_in_one_piece_with_its_controls(void **state)
{
    static const char pasted[] = "a\tb\n\x03\x1a\xff\x1b[20\x1b[200~";
    type(*state, "x\x1b[200~");
    type(*state, pasted);
    type(*state, "\x1b[201~y");
    expect_typed(*state, L'x');
    expect_paste(*state, pasted, sizeof pasted - 1);
    expect_typed(*state, L'y');
}

static void test_paste_whose_end_mark_is_broken_by_another_ends_there(void **state)
{
    type(*state, "\x1b[200~a\x1b[2\x1b[201~b");
    expect_paste(*state, "a\x1b[2", 4);
    expect_typed(*state, L'b');
}

static void test_empty_paste_is_no_loss(void **state)
{
    type(*state, "\x1b[200~\x1b[201~");
    expect_paste(*state, "", 0);
    assert_non_null(((struct fixture *)*state)->keys.paste.data);
}

static void test_escape_that_begins_no_paste_is_a_key(void **state)
{
    type(*state, "\x1b[A\x1b\x1b[200~p\x1b[201~\x1b[200x\x1b");
    expect_typed(*state, 0x1b);
    expect_typed(*state, L'[');
    expect_typed(*state, L'A');
    expect_typed(*state, 0x1b);
    expect_paste(*state, "p", 1);
    expect_typed(*state, 0x1b);
    for (const char *c = "[200x"; *c; c++)
        expect_typed(*state, *c);
    expect_typed(*state, 0x1b);
}

static void test_control_keys_of_a_terminal_that_makes_no_signals(void **state)
{
    type(*state, "\x03\x1a");
    expect(*state, CLI_KEY_INTERRUPT);
    expect(*state, CLI_KEY_SUSPEND);
}

static void test_stop_and_continuation_are_told(void **state)
{
    raise(SIGTSTP);
    expect(*state, CLI_KEY_SUSPEND);
    raise(SIGCONT);
    expect(*state, CLI_KEY_RESUME);
}

static void test_more_input_is_told(void **state)
{
    struct fixture *fixture = *state;
    assert_false(cli_keys_has_more(&fixture->keys));
    type(fixture, "ab");
    expect_typed(fixture, L'a');
    assert_true(cli_keys_has_more(&fixture->keys));
    expect_typed(fixture, L'b');
    assert_false(cli_keys_has_more(&fixture->keys));
}

static void test_interrupt_comes_before_the_keys_and_ends_nothing(void **state)
{
    type(*state, "a");
    raise(SIGINT);
    expect(*state, CLI_KEY_INTERRUPT);
    expect_typed(*state, L'a');
}

static void test_new_size_is_told(void **state)
{
    raise(SIGWINCH);
    expect(*state, CLI_KEY_RESIZE);
}

static void test_signals_that_end_a_program_are_an_end(void **state)
{
    raise(SIGHUP);
    expect(*state, CLI_KEY_END);
    raise(SIGTERM);
    expect(*state, CLI_KEY_END);
}

static volatile sig_atomic_t handled;

static void handle(int number)
{
    (void)number;
    handled++;
}

static void test_interrupt_that_is_not_held_goes_to_its_handler(void **state)
{
    void (*before)(int) = signal(SIGINT, handle);
    handled = 0;
    raise(SIGINT);
    assert_int_equal(handled, 0);
    cli_keys_hold_signals(false);
    assert_int_equal(handled, 1);
    cli_keys_hold_signals(true);
    raise(SIGINT);
    assert_int_equal(handled, 1);
    expect(*state, CLI_KEY_INTERRUPT);
    signal(SIGINT, before);
}

static void test_end_of_the_terminal_is_told(void **state)
{
    struct fixture *fixture = *state;
    close(fixture->ends[1]);
    fixture->ends[1] = -1;
    expect(fixture, CLI_KEY_END);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_characters_come_one_at_a_time),
        TEST(test_bytes_that_are_no_character_stand_for_themselves),
        TEST(test_enter_behind_half_a_character_is_heard),
        TEST(test_locale_changes_no_character),
        TEST(test_paste_comes_in_one_piece_with_its_controls),
        TEST(test_paste_whose_end_mark_is_broken_by_another_ends_there),
        TEST(test_empty_paste_is_no_loss),
        TEST(test_escape_that_begins_no_paste_is_a_key),
        TEST(test_control_keys_of_a_terminal_that_makes_no_signals),
        TEST(test_stop_and_continuation_are_told),
        TEST(test_more_input_is_told),
        TEST(test_interrupt_comes_before_the_keys_and_ends_nothing),
        TEST(test_new_size_is_told),
        TEST(test_signals_that_end_a_program_are_an_end),
        TEST(test_interrupt_that_is_not_held_goes_to_its_handler),
        TEST(test_end_of_the_terminal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
