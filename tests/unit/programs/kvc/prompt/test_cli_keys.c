/* SPDX-License-Identifier: MIT
 *
 * The terminal is a pipe: keys are bytes to be read, signals are raised. */
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
    type(*state, "aé表\x03");
    expect_typed(*state, L'a');
    expect_typed(*state, 0xe9);
    expect_typed(*state, 0x8868);
    expect_typed(*state, 3);
}

static void test_bytes_that_are_no_character_are_passed_over(void **state)
{
    type(*state, "\xff\xc3\xffz");
    expect_typed(*state, L'z');
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
    cli_keys_hold_interrupt(false);
    assert_int_equal(handled, 1);
    cli_keys_hold_interrupt(true);
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
        TEST(test_bytes_that_are_no_character_are_passed_over),
        TEST(test_interrupt_comes_before_the_keys_and_ends_nothing),
        TEST(test_new_size_is_told),
        TEST(test_signals_that_end_a_program_are_an_end),
        TEST(test_interrupt_that_is_not_held_goes_to_its_handler),
        TEST(test_end_of_the_terminal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
