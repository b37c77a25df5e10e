/* SPDX-License-Identifier: MIT
 *
 * The records of an input, out of a file and out of a pipe that is fed in pieces. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvc/bulk/records.h"

enum { MAX = 1000 };

static struct weft_loop *loop;
static char path[64];

static int make_loop(void **state)
{
    (void)state;
    strcpy(path, "/tmp/weft-records-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return weft_loop_new(&loop, 64);
}

static int free_loop(void **state)
{
    (void)state;
    weft_loop_free(loop);
    return unlink(path);
}

static void open_text(struct cli_records *records, const char *text, enum cli_records_form form)
{
    struct weft_error error;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(cli_records_open(records, path, form, MAX, loop, &error), 0);
}

/* Finds the next record that needs no waiting. */
static enum cli_records_found find(struct cli_records *records, struct cli_record *record)
{
    enum cli_records_found found;
    do
        found = cli_records_find(records, record);
    while (found == CLI_RECORD_LATER);
    return found;
}

static void expect(struct cli_records *records, const char *text, uint64_t first, uint64_t last)
{
    struct cli_record record;
    assert_int_equal(find(records, &record), CLI_RECORD);
    if (!weft_view_equal(record.text, weft_view_str(text)))
        fail_msg("'%.*s', not '%s'", (int)record.text.size, (const char *)record.text.data, text);
    assert_int_equal(record.first_line, first);
    assert_int_equal(record.last_line, last);
    assert_false(record.is_too_large);
    cli_records_take(records, &record);
}

static void expect_end(struct cli_records *records)
{
    struct cli_record record;
    assert_int_equal(find(records, &record), CLI_RECORD_END);
    cli_records_close(records);
}

static void test_records_have_their_lines(void **state)
{
    (void)state;
    struct cli_records records;
    open_text(&records, "a,\"b\nc\"\nd,e\nf", CLI_RECORDS_CSV);
    expect(&records, "a,\"b\nc\"", 1, 2);
    expect(&records, "d,e", 3, 3);
    expect(&records, "f", 4, 4);
    expect_end(&records);
    open_text(&records, "a\"\nb\n", CLI_RECORDS_LINES);
    expect(&records, "a\"", 1, 1);
    expect(&records, "b", 2, 2);
    expect_end(&records);
}

static void test_marks_that_nothing_closes_take_the_rest(void **state)
{
    (void)state;
    struct cli_records records;
    open_text(&records, "a,\"b\nc\nd", CLI_RECORDS_CSV);
    expect(&records, "a,\"b\nc\nd", 1, 3);
    expect_end(&records);
    open_text(&records, "a,\"b\nc\n", CLI_RECORDS_CSV);
    expect(&records, "a,\"b\nc", 1, 2);
    expect_end(&records);
}

static void test_record_is_found_again_until_it_is_taken(void **state)
{
    (void)state;
    struct cli_records records;
    struct cli_record record;
    open_text(&records, "a\nb\n", CLI_RECORDS_LINES);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(find(&records, &record), CLI_RECORD);
        assert_true(weft_view_equal(record.text, weft_view_str("a")));
    }
    expect(&records, "a", 1, 1);
    expect(&records, "b", 2, 2);
    expect_end(&records);
}

static void test_blank_lines_are_counted_and_passed_over(void **state)
{
    (void)state;
    static const enum cli_records_form forms[] = {CLI_RECORDS_LINES, CLI_RECORDS_CSV};
    struct cli_records records;
    for (size_t i = 0; i < 2; i++) {
        open_text(&records, "\n\r\n \t\na\n\n\nb\n\n \r\n  ", forms[i]);
        expect(&records, "a", 4, 4);
        expect(&records, "b", 7, 7);
        expect_end(&records);
        open_text(&records, "", forms[i]);
        expect_end(&records);
    }
}

static void test_byte_order_mark_is_passed_over_at_the_beginning_alone(void **state)
{
    (void)state;
    struct cli_records records;
    open_text(&records,
              "\xef\xbb\xbf"
              "a\n\xef\xbb\xbf"
              "b\n",
              CLI_RECORDS_LINES);
    expect(&records, "a", 1, 1);
    expect(&records,
           "\xef\xbb\xbf"
           "b",
           2, 2);
    expect_end(&records);
    open_text(&records, "\xef\xbb\xbf", CLI_RECORDS_CSV);
    expect_end(&records);
    open_text(&records, "\xef\xbb", CLI_RECORDS_CSV);
    expect(&records, "\xef\xbb", 1, 1);
    expect_end(&records);
    open_text(&records, "\"\xef\xbb\xbfk\",v\n", CLI_RECORDS_CSV);
    expect(&records, "\"\xef\xbb\xbfk\",v", 1, 1);
    expect_end(&records);
}

static void test_first_byte_tells_the_form(void **state)
{
    (void)state;
    struct cli_records records;
    open_text(&records, "\xef\xbb\xbf\n \n{\"key\"\n", CLI_RECORDS_GUESS);
    expect(&records, "{\"key\"", 3, 3);
    assert_int_equal(records.form, CLI_RECORDS_LINES);
    expect_end(&records);
    open_text(&records, "\n a,\"b\nc\"\n", CLI_RECORDS_GUESS);
    expect(&records, " a,\"b\nc\"", 2, 3);
    assert_int_equal(records.form, CLI_RECORDS_CSV);
    expect_end(&records);
    open_text(&records, " \n", CLI_RECORDS_GUESS);
    expect_end(&records);
}

/* `count` times text, and then the rest. */
static void open_long(struct cli_records *records, const char *text, size_t count, const char *rest,
                      enum cli_records_form form)
{
    struct weft_error error;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("k,\"", file);
    for (size_t i = 0; i < count; i++)
        fputs(text, file);
    fputs(rest, file);
    fclose(file);
    assert_int_equal(cli_records_open(records, path, form, MAX, loop, &error), 0);
}

/* It is reported when it passes the bound, passed over to its end, and held by no buffer. */
static void test_record_that_is_too_large_is_passed_over_whole(void **state)
{
    (void)state;
    struct cli_records records;
    struct cli_record record;
    open_long(&records, "line\n", 1000000, "\",end\na,b\n", CLI_RECORDS_CSV);
    assert_int_equal(find(&records, &record), CLI_RECORD);
    assert_true(record.is_too_large);
    assert_int_equal(record.text.size, MAX);
    assert_int_equal(record.first_line, 1);
    cli_records_take(&records, &record);
    expect(&records, "a,b", 1000002, 1000002);
    assert_true(records.input.buf.cap < 1000000);
    expect_end(&records);
    open_long(&records, "x", 5000, "\na,b\n", CLI_RECORDS_LINES);
    assert_int_equal(find(&records, &record), CLI_RECORD);
    assert_true(record.is_too_large);
    cli_records_take(&records, &record);
    expect(&records, "a,b", 2, 2);
    expect_end(&records);
}

/* A search that finds no end is not begun again with each piece that comes. */
static void expect_one_look(enum cli_records_form form, const char *text)
{
    struct cli_records records;
    struct cli_record record;
    struct weft_error error;
    open_long(&records, text, (4u << 20) / strlen(text), "", form);
    cli_records_close(&records);
    assert_int_equal(cli_records_open(&records, path, form, UINT64_MAX, loop, &error), 0);
    uint64_t size = records.input.size;
    assert_int_equal(find(&records, &record), CLI_RECORD);
    assert_int_equal(record.text.size + 1, size + (text[strlen(text) - 1] != '\n'));
    assert_int_equal(records.scanned, size);
    cli_records_take(&records, &record);
    expect_end(&records);
}

static void test_each_byte_is_looked_at_once(void **state)
{
    (void)state;
    expect_one_look(CLI_RECORDS_CSV, "stray\n");
    expect_one_look(CLI_RECORDS_LINES, "no end");
    expect_one_look(CLI_RECORDS_GUESS, "stray\n");
}

static void on_ready(struct cli_input *input)
{
    (void)input;
}

/* A pipe, out of which each byte comes alone. */
static void test_pieces_of_a_pipe_make_the_same_records(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf\n\"a\n\"\"\",b\r\nc,d\n";
    struct cli_records records;
    struct weft_error error;
    struct cli_record record;
    int ends[2];
    char name[64];
    size_t found = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
    assert_int_equal(cli_records_open(&records, name, CLI_RECORDS_GUESS, MAX, loop, &error), 0);
    records.input.ready = on_ready;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        assert_int_equal(find(&records, &record), CLI_RECORD_WAIT);
        assert_int_equal(write(ends[1], text + i, 1), 1);
        weft_loop_turn(loop);
        if (find(&records, &record) != CLI_RECORD)
            continue;
        found++;
        assert_true(
            weft_view_equal(record.text, weft_view_str(found == 1 ? "\"a\n\"\"\",b\r" : "c,d")));
        assert_int_equal(record.first_line, found == 1 ? 2 : 4);
        cli_records_take(&records, &record);
    }
    assert_int_equal(found, 2);
    close(ends[1]);
    assert_int_equal(find(&records, &record), CLI_RECORD_WAIT);
    weft_loop_turn(loop);
    expect_end(&records);
    close(ends[0]);
}

static void test_input_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct cli_records records;
    struct cli_record record;
    open_text(&records, "a\nb", CLI_RECORDS_LINES);
    expect(&records, "a", 1, 1);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(dup3(null, records.input.fd, O_CLOEXEC) >= 0);
    close(null);
    assert_int_equal(find(&records, &record), CLI_RECORD_ERROR);
    assert_int_equal(records.err, -EBADF);
    cli_records_close(&records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_have_their_lines),
        cmocka_unit_test(test_marks_that_nothing_closes_take_the_rest),
        cmocka_unit_test(test_record_is_found_again_until_it_is_taken),
        cmocka_unit_test(test_blank_lines_are_counted_and_passed_over),
        cmocka_unit_test(test_byte_order_mark_is_passed_over_at_the_beginning_alone),
        cmocka_unit_test(test_first_byte_tells_the_form),
        cmocka_unit_test(test_record_that_is_too_large_is_passed_over_whole),
        cmocka_unit_test(test_each_byte_is_looked_at_once),
        cmocka_unit_test(test_pieces_of_a_pipe_make_the_same_records),
        cmocka_unit_test(test_input_that_cannot_be_read_says_why),
    };
    return cmocka_run_group_tests(tests, make_loop, free_loop);
}
