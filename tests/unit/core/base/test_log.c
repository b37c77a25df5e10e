/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"

/* A log that ends in a pipe, and what stands in the pipe. */
struct fixture {
    struct weft_log log;
    int reader;
    char text[8192];
};

static struct fixture fixture;

static int setup(void **state)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    fixture = (struct fixture){.log = {.level = WEFT_LOG_INFO, .fd = fds[1]}, .reader = fds[0]};
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->reader);
    close(f->log.fd);
    return 0;
}

static const char *read_back(struct fixture *f)
{
    ssize_t n = read(f->reader, f->text, sizeof f->text - 1);
    f->text[n > 0 ? n : 0] = '\0';
    return f->text;
}

static void test_line_has_time_level_event_and_words(void **state)
{
    struct fixture *f = *state;
    weft_log_write(&f->log, WEFT_LOG_WARN, "refused", "peer=%s size=%d", "unix", 7);
    const char *line = read_back(f);

    int year, month, day, hour, minute, second, ms, end = 0;
    int fields = sscanf(line, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ level=warn%n", &year, &month, &day,
                        &hour, &minute, &second, &ms, &end);
    assert_int_equal(fields, 7);
    assert_int_equal(end, strlen("time=2026-01-31T12:00:00.000Z level=warn"));
    assert_string_equal(line + end, " event=refused peer=unix size=7\n");
}

static void test_level_that_is_off_writes_nothing(void **state)
{
    struct fixture *f = *state;
    weft_log_write(&f->log, WEFT_LOG_DEBUG, "event", "n=%d", 1);
    assert_string_equal(read_back(f), "");
}

static void test_null_log_is_silent(void **state)
{
    (void)state;
    assert_false(weft_log_on(NULL, WEFT_LOG_ERROR));
    weft_log_write(NULL, WEFT_LOG_ERROR, "event", "n=%d", 1);
}

static void test_long_line_is_cut_to_1024_bytes_and_ends(void **state)
{
    struct fixture *f = *state;
    weft_log_write(&f->log, WEFT_LOG_INFO, "long", "%*s", 5000, "x");
    const char *line = read_back(f);
    assert_int_equal(strlen(line), 1024);
    assert_int_equal(line[1023], '\n');
}

static void test_every_line_around_the_longest_is_one_that_ends(void **state)
{
    struct fixture *f = *state;
    weft_log_write(&f->log, WEFT_LOG_INFO, "long", "%s", "");
    size_t least = strlen(read_back(f));
    for (size_t added = 1024 - least - 3; added <= 1024 - least + 3; added++) {
        weft_log_write(&f->log, WEFT_LOG_INFO, "long", "%*s", (int)added, "x");
        const char *line = read_back(f);
        assert_int_equal(strlen(line), least + added < 1024 ? least + added : 1024);
        assert_int_equal(line[strlen(line) - 1], '\n');
    }
}

static void test_long_event_is_cut_as_well(void **state)
{
    struct fixture *f = *state;
    char event[3000];
    memset(event, 'e', sizeof event - 1);
    event[sizeof event - 1] = '\0';
    weft_log_write(&f->log, WEFT_LOG_INFO, event, "n=%d", 1);
    const char *line = read_back(f);
    assert_int_equal(strlen(line), 1024);
    assert_int_equal(line[1023], '\n');
}

static void test_newline_in_a_value_makes_no_second_line(void **state)
{
    struct fixture *f = *state;
    weft_log_write(&f->log, WEFT_LOG_INFO, "event", "text=%s", "a\nlevel=error\x1b");
    const char *line = read_back(f);
    assert_non_null(strstr(line, "text=a level=error \n"));
}

/* The C locale has no bytes for such a character, so printf refuses. */
static void test_words_that_cannot_be_printed_leave_the_line_whole(void **state)
{
    struct fixture *f = *state;
    weft_log_write(&f->log, WEFT_LOG_INFO, "event", "%ls", L"\u20AC");
    const char *line = read_back(f);
    assert_non_null(strstr(line, " event=event \n"));
}

static void test_writing_keeps_errno(void **state)
{
    (void)state;
    const struct weft_log broken = {.level = WEFT_LOG_INFO, .fd = -1};
    errno = ENOENT;
    weft_log_write(&broken, WEFT_LOG_INFO, "event", "n=%d", 1);
    assert_int_equal(errno, ENOENT);
}

static void test_level_names_are_read_back(void **state)
{
    (void)state;
    for (int i = WEFT_LOG_ERROR; i <= WEFT_LOG_TRACE; i++) {
        enum weft_log_level level;
        const char *name = weft_log_level_name((enum weft_log_level)i);
        assert_int_equal(weft_log_level_parse(name, &level), 0);
        assert_int_equal(level, i);
    }
}

static void test_unknown_level_is_refused(void **state)
{
    (void)state;
    enum weft_log_level level = WEFT_LOG_WARN;
    assert_int_equal(weft_log_level_parse("loud", &level), -EINVAL);
    assert_int_equal(weft_log_level_parse("", &level), -EINVAL);
    assert_int_equal(weft_log_level_parse("INFO", &level), -EINVAL);
    assert_int_equal(level, WEFT_LOG_WARN);
    assert_string_equal(weft_log_level_name((enum weft_log_level)99), "unknown");
}

static void expect_quoted(const char *text, size_t size, const char *quoted)
{
    char dst[WEFT_LOG_QUOTE_TEXT];
    assert_ptr_equal(weft_log_quote(weft_view(text, size), dst), dst);
    assert_string_equal(dst, quoted);
}

static void test_quote_leaves_text_as_it_is(void **state)
{
    (void)state;
    expect_quoted("caf\xC3\xA9", 5, "\"caf\xC3\xA9\"");
    expect_quoted(NULL, 0, "\"\"");
}

static void test_quote_escapes_quotes_and_backslashes(void **state)
{
    (void)state;
    expect_quoted("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
}

static void test_quote_escapes_control_characters(void **state)
{
    (void)state;
    expect_quoted("\n\r\t\0\x1b\x7f", 6, "\"\\n\\r\\t\\x00\\x1b\\x7f\"");
}

/* U+009B begins a control sequence on some terminals; U+00A0, the first after them, is text. */
static void test_quote_escapes_the_c1_control_characters(void **state)
{
    (void)state;
    expect_quoted("\xC2\x9B|\xC2\xA0", 5, "\"\\xc2\\x9b|\xC2\xA0\"");
}

static void test_quote_escapes_bytes_that_are_not_utf8(void **state)
{
    (void)state;
    expect_quoted("a\xFF\xE2\x82", 4, "\"a\\xff\\xe2\\x82\"");
}

static void test_quote_cuts_with_dots_outside_of_the_quotes(void **state)
{
    (void)state;
    char text[300], dst[WEFT_LOG_QUOTE_TEXT];
    memset(text, 'a', sizeof text);
    weft_log_quote(weft_view(text, sizeof text), dst);
    size_t size = strlen(dst);
    assert_int_equal(size, WEFT_LOG_QUOTE_TEXT - 1);
    assert_string_equal(dst + size - 5, "a\"...");
}

static void test_quote_cuts_only_what_does_not_fit(void **state)
{
    (void)state;
    char text[WEFT_LOG_QUOTE_TEXT], dst[WEFT_LOG_QUOTE_TEXT];
    memset(text, 'a', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++) {
        weft_log_quote(weft_view(text, size), dst);
        size_t quoted = strlen(dst);
        if (dst[quoted - 1] == '"')
            assert_int_equal(quoted, size + 2);
        else
            assert_true(size > WEFT_LOG_QUOTE_TEXT - 3);
    }
}

static void test_quote_cuts_no_character_in_two(void **state)
{
    (void)state;
    char text[400], dst[WEFT_LOG_QUOTE_TEXT];
    for (size_t i = 0; i + 4 <= sizeof text; i += 4)
        memcpy(text + i, "\xF0\x9F\x98\x80", 4);
    for (size_t skip = 0; skip < 4; skip++) {
        weft_log_quote(weft_view(text + skip, sizeof text - skip), dst);
        assert_true(weft_utf8_valid(weft_view_str(dst)));
    }
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PIPE(test_line_has_time_level_event_and_words),
        WITH_PIPE(test_level_that_is_off_writes_nothing),
        cmocka_unit_test(test_null_log_is_silent),
        WITH_PIPE(test_long_line_is_cut_to_1024_bytes_and_ends),
        WITH_PIPE(test_every_line_around_the_longest_is_one_that_ends),
        WITH_PIPE(test_long_event_is_cut_as_well),
        WITH_PIPE(test_newline_in_a_value_makes_no_second_line),
        WITH_PIPE(test_words_that_cannot_be_printed_leave_the_line_whole),
        cmocka_unit_test(test_writing_keeps_errno),
        cmocka_unit_test(test_level_names_are_read_back),
        cmocka_unit_test(test_unknown_level_is_refused),
        cmocka_unit_test(test_quote_leaves_text_as_it_is),
        cmocka_unit_test(test_quote_escapes_quotes_and_backslashes),
        cmocka_unit_test(test_quote_escapes_control_characters),
        cmocka_unit_test(test_quote_escapes_the_c1_control_characters),
        cmocka_unit_test(test_quote_escapes_bytes_that_are_not_utf8),
        cmocka_unit_test(test_quote_cuts_with_dots_outside_of_the_quotes),
        cmocka_unit_test(test_quote_cuts_only_what_does_not_fit),
        cmocka_unit_test(test_quote_cuts_no_character_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
