/* SPDX-License-Identifier: MIT
 *
 * The forms of a log's lines: JSON, priorities, and what a limiter leaves out. */
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

#include "core/base/log_private.h"
#include "lib/fault.h"
#include "lib/random.h"

static const int64_t second = 1000000000;

static char text[65536];

/* A log that ends in a pipe. */
static int reader;
static struct weft_log log_of_pipe;

static int setup(void **state)
{
    int fds[2];
    (void)state;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    reader = fds[0];
    log_of_pipe = (struct weft_log){.level = WEFT_LOG_TRACE, .fd = fds[1]};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(reader);
    close(log_of_pipe.fd);
    weft_log_limiter_free(log_of_pipe.limiter);
    return 0;
}

static const char *read_back(void)
{
    ssize_t n = read(reader, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void expect_json(const char *words, const char *pairs)
{
    char dst[WEFT__LOG_JSON_LINE], expected[512];
    size_t size =
        weft__log_json(dst, "NOW", "info", weft_view("ev", 2), weft_view(words, strlen(words)));
    snprintf(expected, sizeof expected, "{\"time\":\"NOW\",\"level\":\"info\",\"event\":\"ev\"%s}",
             pairs);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(dst, expected, size);
}

static void test_json_has_a_member_per_word(void **state)
{
    (void)state;
    expect_json("", "");
    expect_json("peer=unix error=EMFILE", ",\"peer\":\"unix\",\"error\":\"EMFILE\"");
    expect_json("closed.bad-frames=1 empty= next=2",
                ",\"closed.bad-frames\":1,\"empty\":\"\",\"next\":2");
}

static void test_json_numbers_are_whole_and_exact(void **state)
{
    (void)state;
    expect_json("n=0 m=123456789012345", ",\"n\":0,\"m\":123456789012345");
    expect_json(
        "n=1234567890123456 v=0.1.0 z=007 h=1e3 e=",
        ",\"n\":\"1234567890123456\",\"v\":\"0.1.0\",\"z\":\"007\",\"h\":\"1e3\",\"e\":\"\"");
}

static void test_json_reads_quoted_values_and_their_escapes(void **state)
{
    (void)state;
    expect_json("a=\"b c=d\" e=f", ",\"a\":\"b c=d\",\"e\":\"f\"");
    expect_json("a=\"\\\"\\\\\\n\\r\\t\"", ",\"a\":\"\\\"\\\\\\n\\r\\t\"");
    expect_json("a=\"\\x1b\\xff\"", ",\"a\":\"\\u001b\\\\xff\"");
    expect_json("a=\"\\q\\x\\xg0\" b=1", ",\"a\":\"\\\\q\\\\x\\\\xg0\",\"b\":1");
    expect_json("a=\"cut\"... b=1", ",\"a\":\"cut...\",\"b\":1");
    expect_json("a=\"never ends", ",\"a\":\"never ends\"");
    expect_json("a=\"\\", ",\"a\":\"\\\\\"");
}

static void test_json_keeps_words_without_a_key_as_a_message(void **state)
{
    (void)state;
    expect_json("the disk is full", ",\"message\":\"the disk is full\"");
    expect_json("file=x was cut", ",\"file\":\"x\",\"message\":\"was cut\"");
    expect_json("was cut file=x ", ",\"message\":\"was cut\",\"file\":\"x\"");
    expect_json("it ends ", ",\"message\":\"it ends\"");
}

static void test_json_is_utf8_whatever_the_words_are(void **state)
{
    (void)state;
    expect_json("a=\xC3\xA9\xFF\"\\", ",\"a\":\"\xC3\xA9\xEF\xBF\xBD\\\"\\\\\"");
}

/* Some lines are made of one piece that takes much room as JSON, the others of all pieces. */
static void test_json_of_every_line_has_room(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "x a=1 ", "\xFF", "\"", "a= ", "a=\xFF ", "a=\"\\x1b\" ", "\\"};
    char dst[WEFT__LOG_JSON_LINE + 1], words[WEFT__LOG_LINE];
    struct test_random random = test_random_start(7);
    for (size_t i = 0; i < 1000; i++) {
        size_t size = 0;
        const size_t only = test_random_below(&random, 16);
        for (;;) {
            const size_t count = sizeof pieces / sizeof *pieces;
            const char *piece = pieces[only < count ? only : test_random_below(&random, count)];
            if (size + strlen(piece) >= sizeof words - 50)
                break;
            memcpy(words + size, piece, strlen(piece));
            size += strlen(piece);
        }
        dst[WEFT__LOG_JSON_LINE] = '|';
        assert_true(weft__log_json(dst, "2026-01-31T12:00:00.000Z", "debug", weft_view("event", 5),
                                   weft_view(words, size)) < WEFT__LOG_JSON_LINE);
        assert_int_equal(dst[WEFT__LOG_JSON_LINE], '|');
    }
}

static void test_log_writes_json_lines(void **state)
{
    (void)state;
    weft_log_set_format(&log_of_pipe, WEFT_LOG_JSON, false);
    weft_log_write(&log_of_pipe, WEFT_LOG_WARN, "some", "n=%d text=\"a\nb\"", 7);
    const char *line = read_back();
    assert_memory_equal(line, "{\"time\":\"2", 10);
    assert_non_null(
        strstr(line, "Z\",\"level\":\"warn\",\"event\":\"some\",\"n\":7,\"text\":\"a b\"}\n"));
}

static void test_priorities_stand_before_each_line(void **state)
{
    (void)state;
    static const char expected[] = "34677";
    for (int format = WEFT_LOG_TEXT; format <= WEFT_LOG_JSON; format++) {
        weft_log_set_format(&log_of_pipe, (enum weft_log_format)format, true);
        for (int level = WEFT_LOG_ERROR; level <= WEFT_LOG_TRACE; level++) {
            weft_log_write(&log_of_pipe, (enum weft_log_level)level, "some", "n=%d", 7);
            const char *line = read_back();
            const char prefix[] = {'<', expected[level], '>', format == WEFT_LOG_TEXT ? 't' : '{'};
            assert_memory_equal(line, prefix, sizeof prefix);
        }
    }
}

static void test_format_names_are_read(void **state)
{
    (void)state;
    enum weft_log_format format = WEFT_LOG_TEXT;
    assert_int_equal(weft_log_format_parse("json", &format), 0);
    assert_int_equal(format, WEFT_LOG_JSON);
    assert_int_equal(weft_log_format_parse("text", &format), 0);
    assert_int_equal(format, WEFT_LOG_TEXT);
    assert_int_equal(weft_log_format_parse("xml", &format), -EINVAL);
}

static bool admit(struct weft_log_limiter *limiter, const char *event, int64_t now,
                  uint64_t expected)
{
    uint64_t left_out;
    bool admitted = weft__log_admit(limiter, event, now, &left_out);
    assert_int_equal(left_out, expected);
    return admitted;
}

static void test_limiter_admits_so_many_lines_per_event_and_second(void **state)
{
    (void)state;
    struct weft_log_limiter *limiter;
    assert_true(admit(NULL, "any", 0, 0));
    assert_int_equal(weft_log_limiter_new(&limiter, 2), 0);
    assert_true(admit(limiter, "one", 5 * second, 0));
    assert_true(admit(limiter, "one", 5 * second + 1, 0));
    assert_false(admit(limiter, "one", 6 * second - 1, 0));
    assert_true(admit(limiter, "other", 6 * second - 1, 0));
    assert_true(admit(limiter, "one", 6 * second, 1));
    assert_true(admit(limiter, "one", 6 * second, 0));
    weft_log_limiter_set_rate(limiter, 0);
    for (int i = 0; i < 100; i++)
        assert_true(admit(limiter, "one", 6 * second, 0));
    weft_log_limiter_free(limiter);
}

static void test_limiter_shares_a_place_once_there_are_too_many_events(void **state)
{
    (void)state;
    static char names[70][16];
    struct weft_log_limiter *limiter;
    assert_int_equal(weft_log_limiter_new(&limiter, 1), 0);
    for (int i = 0; i < 70; i++) {
        snprintf(names[i], sizeof names[i], "e%d", i);
        assert_true(admit(limiter, names[i], second, 0) == (i < 64));
    }
    weft_log_limiter_free(limiter);
}

static void test_what_was_left_out_is_told_once_its_second_is_over(void **state)
{
    (void)state;
    uint64_t left_out = 0;
    struct weft_log_limiter *limiter;
    assert_int_equal(weft_log_limiter_new(&limiter, 1), 0);
    for (int i = 0; i < 4; i++)
        (void)admit(limiter, "one", second, 0);
    assert_null(weft__log_next_left_out(limiter, second, false, &left_out));
    assert_string_equal(weft__log_next_left_out(limiter, 2 * second, false, &left_out), "one");
    assert_int_equal(left_out, 3);
    assert_null(weft__log_next_left_out(limiter, 2 * second, true, &left_out));
    (void)admit(limiter, "one", second, 0);
    assert_string_equal(weft__log_next_left_out(limiter, second, true, &left_out), "one");
    assert_int_equal(left_out, 1);
    weft_log_limiter_free(limiter);
}

static size_t count_in(const char *line, const char *part)
{
    size_t count = 0;
    for (const char *at = line; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void test_log_leaves_lines_out_and_says_how_many(void **state)
{
    (void)state;
    assert_int_equal(weft_log_limiter_new(&log_of_pipe.limiter, 5), 0);
    /* They may fall into two seconds, but not all of them. */
    for (int i = 0; i < 100; i++)
        weft_log_write(&log_of_pipe, WEFT_LOG_INFO, "much", "n=%d", i);
    weft_log_tell_left_out(&log_of_pipe, true);
    const char *lines = read_back();
    size_t written = count_in(lines, "event=much"), left_out = 0;
    assert_in_range(written, 5, 50);
    for (const char *at = lines; (at = strstr(at, "event=left-out of=much lines=")) != NULL; at++) {
        size_t more = 0;
        assert_int_equal(sscanf(at, "event=left-out of=much lines=%zu", &more), 1);
        left_out += more;
    }
    assert_int_equal(written + left_out, 100);
    weft_log_tell_left_out(&log_of_pipe, true);
    assert_string_equal(read_back(), "");
}

/* The second of the lines is over by the limiter's own clock, which begins long before that of the test. */
static void test_next_line_brings_what_was_left_out(void **state)
{
    (void)state;
    assert_int_equal(weft_log_limiter_new(&log_of_pipe.limiter, 1), 0);
    for (int i = 0; i < 4; i++)
        (void)admit(log_of_pipe.limiter, "much", -second, 0);
    weft_log_write(&log_of_pipe, WEFT_LOG_INFO, "much", "n=%d", 4);
    const char *lines = read_back();
    const char *told = strstr(lines, "event=left-out of=much lines=3\n");
    assert_non_null(told);
    assert_non_null(strstr(told, "event=much n=4\n"));
}

static void test_debug_lines_are_not_left_out(void **state)
{
    (void)state;
    assert_int_equal(weft_log_limiter_new(&log_of_pipe.limiter, 1), 0);
    for (int i = 0; i < 20; i++)
        weft_log_write(&log_of_pipe, WEFT_LOG_DEBUG, "much", "n=%d", i);
    assert_int_equal(count_in(read_back(), "event=much"), 20);
    weft_log_tell_left_out(&log_of_pipe, false);
    assert_string_equal(read_back(), "");
}

static void make_limiter(void *arg)
{
    struct weft_log_limiter *limiter;
    (void)arg;
    int err = weft_log_limiter_new(&limiter, 1);
    assert_int_equal(err, fault_failed() == 0 ? 0 : -ENOMEM);
    assert_true((limiter != NULL) == (err == 0));
    weft_log_limiter_free(limiter);
}

static void test_limiter_needs_memory(void **state)
{
    (void)state;
    fault_each(make_limiter, NULL);
}

static void test_log_without_a_limiter_has_left_nothing_out(void **state)
{
    (void)state;
    weft_log_tell_left_out(NULL, true);
    weft_log_tell_left_out(&log_of_pipe, true);
    assert_string_equal(read_back(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_has_a_member_per_word),
        cmocka_unit_test(test_json_numbers_are_whole_and_exact),
        cmocka_unit_test(test_json_reads_quoted_values_and_their_escapes),
        cmocka_unit_test(test_json_keeps_words_without_a_key_as_a_message),
        cmocka_unit_test(test_json_is_utf8_whatever_the_words_are),
        cmocka_unit_test(test_json_of_every_line_has_room),
        cmocka_unit_test_setup_teardown(test_log_writes_json_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_priorities_stand_before_each_line, setup, teardown),
        cmocka_unit_test(test_format_names_are_read),
        cmocka_unit_test(test_limiter_admits_so_many_lines_per_event_and_second),
        cmocka_unit_test(test_limiter_shares_a_place_once_there_are_too_many_events),
        cmocka_unit_test(test_what_was_left_out_is_told_once_its_second_is_over),
        cmocka_unit_test_setup_teardown(test_log_leaves_lines_out_and_says_how_many, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_next_line_brings_what_was_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_debug_lines_are_not_left_out, setup, teardown),
        cmocka_unit_test(test_limiter_needs_memory),
        cmocka_unit_test_setup_teardown(test_log_without_a_limiter_has_left_nothing_out, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
