/* SPDX-License-Identifier: MIT
 *
 * On a terminal of the kernel's that nobody sits at, and a clock that is told the time. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvc/progress.h"

#define SECOND INT64_C(1000000000)

enum { PATIENCE_MS = 100000 };

struct terminal {
    int master;
    FILE *out;
    struct cli_progress progress;
};

static void set_columns(const struct terminal *terminal, unsigned short columns)
{
    const struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(ioctl(terminal->master, TIOCSWINSZ, &size), 0);
}

static int open_terminal(void **state)
{
    static struct terminal terminal;
    terminal.master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(terminal.master >= 0);
    assert_int_equal(grantpt(terminal.master), 0);
    assert_int_equal(unlockpt(terminal.master), 0);
    terminal.out = fopen(ptsname(terminal.master), "we");
    assert_non_null(terminal.out);
    set_columns(&terminal, 80);
    cli_progress_start(&terminal.progress, terminal.out, "rows", 0);
    *state = &terminal;
    return 0;
}

static int close_terminal(void **state)
{
    struct terminal *terminal = *state;
    fclose(terminal->out);
    close(terminal->master);
    return 0;
}

/* All that was drawn since the last look. The kernel hands on what was written in its own time, a
 * piece after another. */
static void expect(const struct terminal *terminal, const char *drawn)
{
    char text[256] = "";
    size_t used = 0;
    struct pollfd ready = {.fd = terminal->master, .events = POLLIN};
    fflush(terminal->out);
    do {
        ssize_t size = read(terminal->master, text + used, sizeof text - 1 - used);
        used += size > 0 ? (size_t)size : 0;
    } while (used < strlen(drawn) && poll(&ready, 1, PATIENCE_MS) > 0);
    assert_string_equal(text, drawn);
}

static void test_line_tells_part_time_left_rows_and_rate(void **state)
{
    struct terminal *terminal = *state;
    cli_progress_update(&terminal->progress, 2 * SECOND, 1000, 25, 100);
    expect(terminal, "\r\x1b[K[######                  ]  25 %  6 s left  1000 rows, 500 rows/s");
    cli_progress_update(&terminal->progress, 4 * SECOND, 4000, 100, 100);
    expect(terminal, "\r\x1b[K[########################] 100 %  0 s left  4000 rows, 1000 rows/s");
}

static void test_where_the_end_is_not_known_there_is_no_bar(void **state)
{
    struct terminal *terminal = *state;
    cli_progress_update(&terminal->progress, SECOND, 10, 99, 0);
    expect(terminal, "\r\x1b[K10 rows, 10 rows/s");
    /* A file that has grown since. */
    cli_progress_update(&terminal->progress, 2 * SECOND, 30, 101, 100);
    expect(terminal, "\r\x1b[K30 rows, 15 rows/s");
}

static void test_line_is_drawn_at_most_ten_times_a_second(void **state)
{
    struct terminal *terminal = *state;
    cli_progress_update(&terminal->progress, SECOND / 10 - 1, 1, 0, 0);
    expect(terminal, "");
    cli_progress_update(&terminal->progress, SECOND / 10, 1, 0, 0);
    expect(terminal, "\r\x1b[K1 rows, 10 rows/s");
    cli_progress_update(&terminal->progress, SECOND / 10 + 1, 2, 0, 0);
    expect(terminal, "");
}

static void test_bar_shrinks_with_the_terminal_and_goes(void **state)
{
    struct terminal *terminal = *state;
    set_columns(terminal, 53);
    cli_progress_update(&terminal->progress, SECOND, 1000, 50, 100);
    expect(terminal, "\r\x1b[K[#####     ]  50 %  1 s left  1000 rows, 1000 rows/s");
    set_columns(terminal, 45);
    cli_progress_update(&terminal->progress, 2 * SECOND, 1000, 50, 100);
    expect(terminal, "\r\x1b[K1000 rows, 500 rows/s");
}

static void test_line_is_cut_before_the_last_column(void **state)
{
    struct terminal *terminal = *state;
    set_columns(terminal, 12);
    cli_progress_update(&terminal->progress, SECOND, 1000, 50, 100);
    expect(terminal, "\r\x1b[K1000 rows, ");
}

static void test_terminal_without_a_size_is_taken_for_80_columns(void **state)
{
    struct terminal *terminal = *state;
    set_columns(terminal, 0);
    cli_progress_update(&terminal->progress, SECOND, 1000, 50, 100);
    expect(terminal, "\r\x1b[K[############            ]  50 %  1 s left  1000 rows, 1000 rows/s");
}

static void test_end_takes_away_what_was_drawn(void **state)
{
    struct terminal *terminal = *state;
    cli_progress_end(&terminal->progress);
    expect(terminal, "");
    cli_progress_update(&terminal->progress, SECOND, 10, 0, 0);
    cli_progress_end(&terminal->progress);
    expect(terminal, "\r\x1b[K10 rows, 10 rows/s\r\x1b[K");
    cli_progress_end(&terminal->progress);
    expect(terminal, "");
}

static void test_nothing_is_drawn_into_a_pipe(void **state)
{
    (void)state;
    struct cli_progress progress;
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    FILE *out = fdopen(ends[1], "w");
    assert_non_null(out);
    cli_progress_start(&progress, out, "rows", 0);
    cli_progress_update(&progress, SECOND, 10, 50, 100);
    cli_progress_end(&progress);
    fclose(out);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_terminal, close_terminal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_line_tells_part_time_left_rows_and_rate),
        TEST(test_where_the_end_is_not_known_there_is_no_bar),
        TEST(test_line_is_drawn_at_most_ten_times_a_second),
        TEST(test_bar_shrinks_with_the_terminal_and_goes),
        TEST(test_line_is_cut_before_the_last_column),
        TEST(test_terminal_without_a_size_is_taken_for_80_columns),
        TEST(test_end_takes_away_what_was_drawn),
        cmocka_unit_test(test_nothing_is_drawn_into_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
