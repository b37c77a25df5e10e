/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "programs/kvc/bulk/rows.h"

/* The row that text begins with is key and a value that prints as this row again. */
static void expect(enum cli_rows rows, const char *text, const char *again)
{
    char *printed = NULL;
    size_t size;
    struct cli_row row;
    struct weft_error error;
    if (cli_row_read(&row, rows, false, weft_view_str(text), &error) < 0)
        fail_msg("%s: %s", text, error.text);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    cli_row_print(out, rows, NULL, &row.pair, row.expires);
    fclose(out);
    assert_string_equal(printed, again);
    free(printed);
    cli_row_fini(&row);
}

static void expect_refused(enum cli_rows rows, const char *text, const char *expected)
{
    struct cli_row row;
    struct weft_error error = {0};
    assert_int_equal(cli_row_read(&row, rows, false, weft_view_str(text), &error), WEFT_ECONFIG);
    if (!strstr(error.text, expected))
        fail_msg("%s", error.text);
}

static void test_form_is_told_by_the_name_unless_it_is_said(void **state)
{
    (void)state;
    assert_int_equal(cli_rows_of(CLI_ROWS_BY_NAME, "a.csv"), CLI_ROWS_CSV);
    assert_int_equal(cli_rows_of(CLI_ROWS_BY_NAME, "a.csv.ndjson"), CLI_ROWS_NDJSON);
    assert_int_equal(cli_rows_of(CLI_ROWS_BY_NAME, "csv"), CLI_ROWS_NDJSON);
    assert_int_equal(cli_rows_of(CLI_ROWS_BY_NAME, NULL), CLI_ROWS_NDJSON);
    assert_int_equal(cli_rows_of(CLI_ROWS_NDJSON, "a.csv"), CLI_ROWS_NDJSON);
    assert_int_equal(cli_rows_of(CLI_ROWS_CSV, NULL), CLI_ROWS_CSV);
    assert_int_equal(cli_rows_records(CLI_ROWS_CSV, "a.ndjson"), CLI_RECORDS_CSV);
    assert_int_equal(cli_rows_records(CLI_ROWS_NDJSON, "a.csv"), CLI_RECORDS_LINES);
    assert_int_equal(cli_rows_records(CLI_ROWS_BY_NAME, "a.csv"), CLI_RECORDS_CSV);
    assert_int_equal(cli_rows_records(CLI_ROWS_BY_NAME, "a.ndjson"), CLI_RECORDS_LINES);
    assert_int_equal(cli_rows_records(CLI_ROWS_BY_NAME, "a.jsonl"), CLI_RECORDS_LINES);
    assert_int_equal(cli_rows_records(CLI_ROWS_BY_NAME, "a.txt"), CLI_RECORDS_GUESS);
    assert_int_equal(cli_rows_records(CLI_ROWS_BY_NAME, "-"), CLI_RECORDS_GUESS);
}

static void test_row_that_expires_comes_back_with_its_time(void **state)
{
    (void)state;
    expect(CLI_ROWS_NDJSON, "{\"key\": \"k\", \"value\": 1, \"expires\": 1893456000000}",
           "{\"key\": \"k\", \"value\": 1, \"expires\": 1893456000000}\n");
    expect_refused(CLI_ROWS_NDJSON, "{\"key\": \"k\", \"value\": 1, \"expires\": 0}",
                   "key \"k\": \"expires\" is no number of milliseconds since 1970");
    expect_refused(CLI_ROWS_NDJSON, "{\"key\": \"k\", \"value\": 1, \"table\": \"t\"}",
                   "with nothing else");
}

static void test_row_of_all_tables_has_its_table(void **state)
{
    static const char text[] = "{\"table\": \"t\", \"key\": \"k\", \"value\": null}";
    struct cli_row row;
    struct weft_error error;
    (void)state;
    assert_int_equal(cli_row_read(&row, CLI_ROWS_NDJSON, true, weft_view_str(text), &error), 0);
    assert_true(weft_view_equal(row.table, weft_view_str("t")));
    assert_int_equal(row.expires, 0);
    cli_row_fini(&row);
    assert_int_equal(cli_row_read(&row, CLI_ROWS_NDJSON, true,
                                  weft_view_str("{\"key\": \"k\", \"value\": null}"), &error),
                     WEFT_ECONFIG);
}

static void test_csv_rows_come_back(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "key,text\n",      "\"a,b\",\"say \"\"hi\"\"\"\n",
        "k,int:-3\n",      "k,float:0.1\n",
        "k,bool:true\n",   "k,bool:false\n",
        "k,base64:AP8=\n", "k,empty:\n",
        "k,str:int:3\n",   "\"\"\"k\"\"\",\"two\nlines\"\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(CLI_ROWS_CSV, rows[i], rows[i]);
    expect(CLI_ROWS_CSV, "k,hex:00ff", "k,base64:AP8=\n");
}

static void test_ndjson_rows_come_back(void **state)
{
    (void)state;
    static const char row[] = "{\"key\": \"k\", \"value\": {\"base64\": \"AP8=\"}}\n";
    expect(CLI_ROWS_NDJSON, row, row);
    expect(CLI_ROWS_NDJSON, "{\"value\":1,\"key\":\"k\"}", "{\"key\": \"k\", \"value\": 1}\n");
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    static const char form[] = "a row is {\"key\": TEXT, \"value\": VALUE}, with nothing else";
    expect_refused(CLI_ROWS_CSV, "k\n", "a row has a key and a value, not 1 fields");
    expect_refused(CLI_ROWS_CSV, "k,v,w\n", "a row has a key and a value, not 3 fields");
    expect_refused(CLI_ROWS_CSV, "k,\"v\"w\n", "key \"k\": not CSV: a quotation mark");
    expect_refused(CLI_ROWS_CSV, "\xff,v\n", "the key is not valid UTF-8");
    expect_refused(CLI_ROWS_CSV, "k,\xff\n", "not valid UTF-8; use hex: or base64:");
    expect_refused(CLI_ROWS_CSV, "k,int:x\n", "key \"k\": value \"int:x\": not an integer");
    expect_refused(CLI_ROWS_NDJSON, "x\n", "not JSON: ");
    expect_refused(CLI_ROWS_NDJSON, "{\"key\": 1, \"value\": 1}\n", form);
    expect_refused(CLI_ROWS_NDJSON, "{\"key\": \"k\"}\n", form);
    expect_refused(CLI_ROWS_NDJSON, "{\"key\": \"k\", \"value\": 1, \"more\": 1}\n", form);
    expect_refused(CLI_ROWS_NDJSON, "{\"key\": \"k\", \"value\": []}\n",
                   "key \"k\": an array is no value");
}

struct reading {
    enum cli_rows rows;
    const char *text;
};

static void read_with_failures(void *arg)
{
    const struct reading *reading = arg;
    struct cli_row row;
    struct weft_error error;
    int err = cli_row_read(&row, reading->rows, false, weft_view_str(reading->text), &error);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    if (err == 0)
        cli_row_fini(&row);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    struct reading doubled = {CLI_ROWS_CSV, "\"\"\"k\"\"\",\"base64:AP8=\"\n"};
    struct reading both = {CLI_ROWS_CSV, "\"\"\"k\"\"\",\"\"\"v\"\"\"\n"};
    struct reading json = {CLI_ROWS_NDJSON, "{\"key\": \"k\", \"value\": {\"base64\": \"AP8=\"}}"};
    fault_each(read_with_failures, &doubled);
    fault_each(read_with_failures, &both);
    fault_each(read_with_failures, &json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_is_told_by_the_name_unless_it_is_said),
        cmocka_unit_test(test_row_that_expires_comes_back_with_its_time),
        cmocka_unit_test(test_row_of_all_tables_has_its_table),
        cmocka_unit_test(test_csv_rows_come_back),
        cmocka_unit_test(test_ndjson_rows_come_back),
        cmocka_unit_test(test_mistakes_are_named),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
