/* SPDX-License-Identifier: MIT
 *
 * import and export: real kvc with files, against a real kvs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static void expect_rows(const char *table, const char *pairs)
{
    kvc_expect(url, WORDS("hgetall", table), pairs);
}

static void test_import_of_csv_takes_quotes_lines_and_types(void **state)
{
    (void)state;
    expect(WORDS("import", "csv",
                 write_file("rows.csv", "a,1\r\n"
                                        "\"b,c\",\"say \"\"hi\"\"\"\n"
                                        "d,int:3\n"
                                        "e,\"two\nlines\"\n"
                                        "f,file:/etc/passwd\n"
                                        "g,-")),
           0, "6 rows stored, 68 bytes in ", "");
    expect_rows("csv",
                "a\t1\nb,c\tsay \"hi\"\nd\tint:3\ne\ttwo\\nlines\nf\tfile:/etc/passwd\ng\t-\n");
}

static void test_import_says_which_line_is_wrong_and_stores_those_before(void **state)
{
    (void)state;
    expect(WORDS("import", "wrong", write_file("w1.csv", "a,1\n\"b\nc\",2\nd\ne,3\n")), 2,
           "2 rows stored, 12 bytes in ",
           "w1.csv:4: key \"d\": a row has a key and a value, not 1 fields\n");
    expect_rows("wrong", "a\t1\nb\\nc\t2\n");
    expect(WORDS("import", "w", write_file("w2.csv", "a,b\"c\n")), 2, "0 rows stored",
           "w2.csv:1: key \"a\": not CSV: a quotation mark inside a field that does not begin with "
           "one\n");
    expect(WORDS("import", "w", write_file("w3.csv", "a,\"b\"c\n")), 2, "0 rows stored",
           "w3.csv:1: key \"a\": not CSV: a quotation mark inside a quoted field, or none at its "
           "end\n");
    expect(WORDS("import", "w", write_file("w4.csv", "a,int:x\n")), 2, "0 rows stored",
           "w4.csv:1: key \"a\": value \"int:x\": not an integer\n");
    expect(WORDS("import", "w", write_file("w5.csv", "\xff,1\n")), 2, "0 rows stored",
           "w5.csv:1: key \"\\xff\": the key is not valid UTF-8\n");
    expect(WORDS("import", "w", write_file("w6.ndjson", "{\"key\": 1, \"value\": 2}\n")), 2,
           "0 rows stored", "w6.ndjson:1: a row is {\"key\": TEXT, \"value\": VALUE}");
    expect(WORDS("import", "w", write_file("w7.ndjson", "{\n")), 2, "0 rows stored",
           "w7.ndjson:1: not JSON: ");
    expect(WORDS("import", "w", path_of("nowhere")), 2, "", "cannot read ");
    expect(WORDS("--rows", "xml", "import", "w", "f"), 2, "",
           "--rows: unknown form 'xml'; there are: csv, ndjson\n");
    expect(WORDS("--max-message", "100000", "--max-frame", "100000", "import", "w", "/dev/zero"), 2,
           "0 rows stored", "a row of more than --max-message");
}

/* Neither the limits of kvc nor what is wrong with a row make anything of it a row of its own. */
static void test_refused_row_is_passed_over_whole(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "k1,v1\nk2,\"\xff line\nadmin,true\n\"\nk3,v3\n",
        "k1,v1\nk2,\"line\nadmin,true\n\",third\nk3,v3\n",
        "k1,v1\nk2,\"int:7\nadmin,true\n\"x\nk3,v3\n",
        "k1,v1\n\"k2\nadmin,true\n\xff\",v\nk3,v3\n",
        "k1,v1\nk2,a\"b,\"c\nadmin,true\n\"\nk3,v3\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char table[16];
        snprintf(table, sizeof table, "whole%zu", i);
        expect(WORDS("--keep-going", "import", table, write_file("whole.csv", rows[i])), 2,
               "2 rows stored, 12 bytes in ",
               i == 3 ? "whole.csv:2-4: key" : "whole.csv:2-4: key \"k2\": ");
        expect_rows(table, "k1\tv1\nk3\tv3\n");
    }
}

static void write_long(const char *path, const char *before, const char *after)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(before, file);
    for (unsigned i = 0; i < 100000; i++)
        fputs("admin,true\n", file);
    fputs(after, file);
    fclose(file);
}

static void test_row_over_the_limit_is_passed_over_whole(void **state)
{
    (void)state;
    const char *path = path_of("long.csv");
    write_long(path, "k1,v1\nk2,\"", "\"\nk3,v3\n");
    expect(WORDS("--keep-going", "--max-message", "100000", "--max-frame", "100000", "import",
                 "long", path),
           2, "2 rows stored, 12 bytes in ", "long.csv:2: a row of more than --max-message");
    expect_rows("long", "k1\tv1\nk3\tv3\n");
    path = path_of("long");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "ping\n%01000000d\nping\n", 0);
    fclose(file);
    expect(WORDS("--keep-going", "--max-message", "100000", "--max-frame", "100000", "batch", path),
           2, "pong\npong\n", "long:2: a line of more than --max-message");
    expect(WORDS("--max-message", "100000", "--max-frame", "100000", "batch", "/dev/zero"), 2, "",
           "a line of more than --max-message");
}

static void test_each_refused_row_is_named(void **state)
{
    (void)state;
    struct kvs small;
    struct process kvc;
    const char *path = path_of("named.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "a,1\nonly\nb,%09000d\nc,3\n\"d\n\",%09000d\n", 0, 0);
    fclose(file);
    kvs_start(&small, WORDS("--listen", KVS_ANY_PORT, "--max-frame", "4KiB"));
    char plain[160];
    snprintf(plain, sizeof plain, "%s?threshold=1GiB", small.urls[0]);
    assert_int_equal(kvc_run(&kvc, plain, WORDS("--keep-going", "import", "t", path)), 2);
    assert_non_null(strstr(kvc.err.text, "named.csv:2: key \"only\": a row has a key and a value"));
    assert_non_null(strstr(kvc.err.text, "named.csv:3: key \"b\": 413 "));
    assert_non_null(strstr(kvc.err.text, "named.csv:5-6: key \"d\\n\": 413 "));
    assert_non_null(strstr(kvc.out.text, "2 rows stored, 8 bytes in "));
    assert_non_null(strstr(kvc.out.text, "; 3 refused"));
    process_kill(&kvc);
    kvs_end(&small);
}

static void test_mark_at_the_beginning_and_blank_lines_are_no_rows(void **state)
{
    (void)state;
    expect(WORDS("import", "mark",
                 write_file("mark.csv", "\xef\xbb\xbf"
                                        "k,v\n\n \r\n\xef\xbb\xbf"
                                        "l,w\n\n")),
           0, "2 rows stored", "");
    expect_rows("mark", "k\tv\n\xef\xbb\xbfl\tw\n");
    expect(WORDS("import", "mark2",
                 write_file("mark.ndjson", "\xef\xbb\xbf\n{\"key\": \"k\", \"value\": 1}\n\n")),
           0, "1 rows stored", "");
    expect(WORDS("batch", write_file("mark.txt", "\xef\xbb\xbf"
                                                 "ping\n\n  \n")),
           0, "pong\n", "");
    /* A key that begins with it comes back, even the first of a file. */
    kvc_expect(url, WORDS("hset", "mark3", "\xef\xbb\xbfk", "v"), "\n");
    const char *path = path_of("mark3.csv");
    expect(WORDS("export", "mark3", path), 0, "", "1 rows written");
    expect(WORDS("import", "mark4", path), 0, "1 rows stored", "");
    expect_rows("mark4", "\xef\xbb\xbfk\tv\n");
}

static void test_rows_without_a_name_are_told_by_their_first_byte(void **state)
{
    (void)state;
    expect(WORDS("import", "guess", write_file("rows", "\n{\"key\": \"k\", \"value\": 1}\n")), 0,
           "1 rows stored", "");
    expect(WORDS("import", "guess", write_file("rows", "l,int:2\n")), 0, "1 rows stored", "");
    expect(WORDS("import", "guess", write_file("rows", "")), 0, "0 rows stored", "");
    expect_rows("guess", "k\tint:1\nl\tint:2\n");
}

static void test_import_keeps_going_where_it_is_told_to(void **state)
{
    (void)state;
    expect(WORDS("--keep-going", "import", "going", write_file("g.csv", "a,1\nb\nc,3\n")), 2,
           "2 rows stored, 8 bytes in ", "g.csv:2: key \"b\": a row has");
    expect_rows("going", "a\t1\nc\t3\n");
    expect(WORDS("--keep-going", "--json", "import", "going", path_of("g.csv")), 2,
           "{\"rows\": 2, \"bytes\": 8, \"seconds\": ", "");
}

static void test_export_prints_what_import_takes(void **state)
{
    (void)state;
    static const char *const forms[] = {"csv", "ndjson"};
    kvc_expect(url,
               WORDS("hmset", "types", "a", "int:-9223372036854775808", "b", "float:0.1", "c",
                     "bool:false", "d", "hex:00ff", "e", "empty:", "f", "str:int:1", "g", "", "h",
                     "a,\"b\"\nc", "i", "表", "j", "float:1", "k", "str:float:\"1\""),
               "\n\n\n\n\n\n\n\n\n\n\n");
    for (size_t i = 0; i < 2; i++) {
        char name[32];
        struct process first, second;
        snprintf(name, sizeof name, "types.%s", forms[i]);
        const char *path = path_of(name);
        expect(WORDS("export", "types", path), 0, "", "11 rows written, ");
        expect(WORDS("import", forms[i], path), 0, "11 rows stored, ", "");
        assert_int_equal(kvc_run(&first, url,
                                 WORDS("--json", "hmget", "types", "a", "b", "c", "d", "e", "f",
                                       "g", "h", "i", "j", "k")),
                         0);
        assert_int_equal(kvc_run(&second, url,
                                 WORDS("--json", "hmget", forms[i], "a", "b", "c", "d", "e", "f",
                                       "g", "h", "i", "j", "k")),
                         0);
        assert_string_equal(first.out.text, second.out.text);
        process_kill(&first);
        process_kill(&second);
    }
}

static void test_import_and_export_of_many_rows_give_the_same_lines(void **state)
{
    enum { ROWS = 20000 };
    (void)state;
    char line[512];
    struct process sort;
    const char *rows = path_of("many.csv");
    FILE *file = fopen(rows, "w");
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "key %d,%0*d\n", i, i % 50 == 0 ? 3000 : 8, i);
    fclose(file);
    expect(WORDS("import", "many", rows), 0, "20000 rows stored, ", "");
    expect(WORDS("export", "many", path_of("out.csv")), 0, "", "20000 rows written, ");
    snprintf(line, sizeof line,
             "cd %s && LC_ALL=C sort many.csv > a && LC_ALL=C sort out.csv > b && cmp a b", folder);
    assert_int_equal(process_run(&sort, WORDS("/bin/sh", "-c", line)), 0);
    process_kill(&sort);
}

static void test_import_reads_standard_input_and_export_writes_standard_output(void **state)
{
    (void)state;
    struct process kvc;
    process_start_piped(&kvc,
                        WORDS(KVC_PATH, "--server", url, "--rows", "csv", "import", "pipe", "-"));
    assert_int_equal(write(kvc.in, "k,v\n", 4), 4);
    close(kvc.in);
    kvc.in = -1;
    assert_int_equal(process_wait(&kvc), 0);
    process_kill(&kvc);
    expect(WORDS("export", "pipe"), 0, "{\"key\": \"k\", \"value\": \"v\"}\n",
           "1 rows written in ");
    expect(WORDS("--rows", "csv", "export", "pipe", "-"), 0, "k,v\n", "1 rows written in ");
    expect(WORDS("export", "pipe", "/nowhere/rows"), 2, "",
           "kvc: cannot write /nowhere/rows: No such file or directory\n");
    expect(WORDS("export", "pipe", "/dev/full"), 1, "",
           "kvc: cannot write the rows: No space left on device\nkvc: after 1 rows written");
}

static void fill_small_server(const char *const *options, int code, const char *out)
{
    struct kvs small;
    const char *all = url;
    kvs_start(&small, WORDS("--listen", KVS_ANY_PORT, "--max-memory", "256KiB"));
    url = small.urls[0];
    expect(options, code, out, "507 Store is full: max-memory is 256KiB\n");
    url = all;
    kvs_end(&small);
}

static void test_import_says_where_a_full_store_stopped_it_or_goes_on(void **state)
{
    (void)state;
    const char *rows = path_of("full.csv");
    FILE *file = fopen(rows, "w");
    assert_non_null(file);
    for (int i = 0; i < 20000; i++)
        fprintf(file, "key %d,value\n", i);
    fclose(file);
    fill_small_server(WORDS("import", "t", rows), 1, " refused");
    fill_small_server(WORDS("--keep-going", "import", "t", rows), 1, " refused");
}

static void test_import_that_is_interrupted_says_how_far_it_got(void **state)
{
    (void)state;
    struct process kvc;
    char line[128];
    process_start_piped(
        &kvc, WORDS(KVC_PATH, "--server", url, "--rows", "csv", "import", "interrupted", "-"));
    assert_int_equal(write(kvc.in, "a,1\nb,2\n", 8), 8);
    /* The rows that have come are sent, although more may follow. */
    for (bool there = false; !there;) {
        struct process look;
        assert_int_equal(kvc_run(&look, url, WORDS("hexist", "interrupted", "b")), 0);
        there = strcmp(look.out.text, "true\n") == 0;
        process_kill(&look);
    }
    process_signal(&kvc, SIGINT);
    process_wait_line(&kvc, 1, line, sizeof line);
    assert_non_null(strstr(line, "interrupted: 2 rows stored, 8 bytes in "));
    assert_int_equal(process_wait(&kvc), 130);
    process_kill(&kvc);
}

static void test_server_that_is_not_there_exits_3(void **state)
{
    (void)state;
    const char *path = write_file("n.csv", "a,1\n");
    const char *all = url;
    url = "unix:/nowhere/kvs.sock";
    expect(WORDS("import", "t", path), 3, "0 rows stored", "unix:/nowhere/kvs.sock");
    expect(WORDS("export", "t"), 3, "", "unix:/nowhere/kvs.sock");
    url = all;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_of_csv_takes_quotes_lines_and_types),
        cmocka_unit_test(test_import_says_which_line_is_wrong_and_stores_those_before),
        cmocka_unit_test(test_refused_row_is_passed_over_whole),
        cmocka_unit_test(test_row_over_the_limit_is_passed_over_whole),
        cmocka_unit_test(test_each_refused_row_is_named),
        cmocka_unit_test(test_mark_at_the_beginning_and_blank_lines_are_no_rows),
        cmocka_unit_test(test_rows_without_a_name_are_told_by_their_first_byte),
        cmocka_unit_test(test_import_keeps_going_where_it_is_told_to),
        cmocka_unit_test(test_export_prints_what_import_takes),
        cmocka_unit_test(test_import_and_export_of_many_rows_give_the_same_lines),
        cmocka_unit_test(test_import_reads_standard_input_and_export_writes_standard_output),
        cmocka_unit_test(test_import_says_where_a_full_store_stopped_it_or_goes_on),
        cmocka_unit_test(test_import_that_is_interrupted_says_how_far_it_got),
        cmocka_unit_test(test_server_that_is_not_there_exits_3),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
