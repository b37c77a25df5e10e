/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "programs/kvc/format/csv.h"

static int read_text(const char *text, struct cli_csv_record *record)
{
    const char *why;
    return cli_csv_read(weft_view_str(text), record, &why);
}

/* The record that text begins with takes size bytes; 0: it has no end yet. */
static void expect_size(const char *text, size_t size, uint64_t lines)
{
    struct cli_csv_scan scan = {0};
    assert_int_equal(cli_csv_scan(&scan, weft_view_str(text)), size);
    assert_int_equal(scan.lines, lines);
}

/* The record has these first fields; second NULL: it has one. */
static void expect(const char *text, const char *first, const char *second)
{
    struct cli_csv_record record;
    assert_int_equal(read_text(text, &record), 0);
    assert_int_equal(record.count, second ? 2 : 1);
    assert_true(weft_view_equal(record.fields[0].text, weft_view_str(first)));
    if (second)
        assert_true(weft_view_equal(record.fields[1].text, weft_view_str(second)));
}

static void expect_malformed(const char *text, const char *expected)
{
    struct cli_csv_record record;
    const char *why = NULL;
    assert_int_equal(cli_csv_read(weft_view_str(text), &record, &why), WEFT_EMALFORMED);
    assert_string_equal(why, expected);
}

static void test_fields_stand_between_commas(void **state)
{
    (void)state;
    expect("a,b\n", "a", "b");
    expect("a,\n", "a", "");
    expect(",\n", "", "");
    expect("a b\n", "a b", NULL);
    expect("\n", "", NULL);
}

static void test_lines_end_in_lf_crlf_or_with_the_text(void **state)
{
    (void)state;
    expect("a,b\r\n", "a", "b");
    expect("\"a\",\"b\"\r\n", "a", "b");
    expect("\"a\",\"b\"\r", "a", "b");
    expect("a,b", "a", "b");
    expect("a,\"b\"", "a", "b");
    expect("a\rb,c\n", "a\rb", "c");
}

static void test_quotation_marks_hold_commas_line_ends_and_themselves(void **state)
{
    (void)state;
    struct cli_csv_record record;
    expect("\"a,b\",\"c\nd\"\n", "a,b", "c\nd");
    expect("\"\",x\n", "", "x");
    assert_int_equal(read_text("\"say \"\"hi\"\"\",x\n", &record), 0);
    assert_true(weft_view_equal(record.fields[0].text, weft_view_str("say \"\"hi\"\"")));
    assert_true(record.fields[0].doubled);
    assert_false(record.fields[1].doubled);
}

static void test_fields_beyond_the_second_are_counted(void **state)
{
    (void)state;
    struct cli_csv_record record;
    assert_int_equal(read_text("a,b,\"c\",d\n", &record), 0);
    assert_int_equal(record.count, 4);
}

static void test_end_of_a_record_is_no_line_end_within_marks(void **state)
{
    (void)state;
    expect_size("\"a\n\nb\",c\nd", 9, 3);
    expect_size("a,b\nc", 4, 1);
    expect_size("\n", 1, 1);
    expect_size("\"a\"\"\n\",b\r\nc", 10, 2);
    expect_size("\"a\n", 0, 1);
    expect_size("a", 0, 0);
}

/* Wherever the marks stand, a record that is refused ends where one that is right would. */
static void test_malformed_record_ends_at_a_line_end_outside_of_marks(void **state)
{
    (void)state;
    expect_size("a\"b,\"c\nd\"\ne", 10, 2);
    expect_size("\"a\"b\nc", 5, 1);
    expect_size("\"a\"b,\"c\nd\"\ne", 11, 2);
}

/* The search looks at each byte once, however the bytes come. */
static void test_record_is_waited_for_at_every_split(void **state)
{
    (void)state;
    static const char text[] = "a,\"b \"\"c\"\",\r\n\"\r\n";
    struct cli_csv_scan scan = {0};
    for (size_t size = 1; size + 1 < sizeof text; size++) {
        assert_int_equal(cli_csv_scan(&scan, weft_view(text, size)), 0);
        assert_int_equal(scan.at, size);
    }
    assert_int_equal(cli_csv_scan(&scan, weft_view_str(text)), sizeof text - 1);
    expect(text, "a", "b \"\"c\"\",\r\n");
}

static void test_marks_where_none_may_be_are_malformed(void **state)
{
    (void)state;
    static const char inside[] = "a quotation mark inside a field that does not begin with one";
    static const char after[] = "a quotation mark inside a quoted field, or none at its end";
    expect_malformed("a\"b\n", inside);
    expect_malformed("\"a\"b\n", after);
    expect_malformed("\"a\n", after);
    expect_malformed("\"a\"\rb\n", after);
}

static void test_undouble_leaves_single_marks(void **state)
{
    (void)state;
    static const char text[] = "\"\"say \"\"hi\"\"";
    uint8_t dst[sizeof text];
    size_t size = cli_csv_undouble(weft_view_str(text), dst);
    assert_int_equal(size, 9);
    assert_memory_equal(dst, "\"say \"hi\"", 9);
}

static void assert_printed(const char *prefix, const char *field, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cli_csv_print(out, prefix, weft_view_str(field));
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static void test_print_quotes_what_needs_it(void **state)
{
    (void)state;
    assert_printed("", "plain text", "plain text");
    assert_printed("", "", "");
    assert_printed("", "a,b", "\"a,b\"");
    assert_printed("", "say \"hi\"", "\"say \"\"hi\"\"\"");
    assert_printed("", "a\nb", "\"a\nb\"");
    assert_printed("", "a\rb", "\"a\rb\"");
    assert_printed("", "\xef\xbb\xbfkey", "\"\xef\xbb\xbfkey\"");
    assert_printed("str:", "int:1", "str:int:1");
    assert_printed("str:", "int:1,2", "\"str:int:1,2\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_stand_between_commas),
        cmocka_unit_test(test_lines_end_in_lf_crlf_or_with_the_text),
        cmocka_unit_test(test_quotation_marks_hold_commas_line_ends_and_themselves),
        cmocka_unit_test(test_fields_beyond_the_second_are_counted),
        cmocka_unit_test(test_end_of_a_record_is_no_line_end_within_marks),
        cmocka_unit_test(test_malformed_record_ends_at_a_line_end_outside_of_marks),
        cmocka_unit_test(test_record_is_waited_for_at_every_split),
        cmocka_unit_test(test_marks_where_none_may_be_are_malformed),
        cmocka_unit_test(test_undouble_leaves_single_marks),
        cmocka_unit_test(test_print_quotes_what_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
