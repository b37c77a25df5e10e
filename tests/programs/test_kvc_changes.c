/* SPDX-License-Identifier: MIT
 *
 * kvc's commands on conditions, expiry, numbers and tables, and all tables in one file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static void test_only_the_first_of_two_that_want_a_key_absent_sets_it(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hset", "locks", "job", "me", "--if-absent", "--ttl", "1h"), "\n");
    kvc_expect_error(url, WORDS("hset", "locks", "job", "you", "--if-absent"), 1,
                     "kvc: 412 Condition is not met for table: locks, key: job; it has version "
                     "4b9ec56fd366eefb11eac77b36a95415\n");
    kvc_expect_error(url, WORDS("hset", "locks", "none", "x", "--if-present"), 1,
                     "key: none; it is not there\n");
    kvc_expect(url, WORDS("hget", "locks", "job"), "me\n");
}

static void test_version_that_state_prints_is_the_one_that_a_condition_takes(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hset", "v", "k", "me"), "\n");
    kvc_expect(url, WORDS("hget", "v", "k", "--version"),
               "me\t4b9ec56fd366eefb11eac77b36a95415\tnever\n");
    kvc_expect(url, WORDS("--json", "hget", "v", "k", "--state"),
               "{\"status\": 200, \"value\": \"me\", \"state\": {\"version\": "
               "\"4b9ec56fd366eefb11eac77b36a95415\"}}\n");
    kvc_expect_error(
        url, WORDS("hdel", "v", "k", "--if-version", "00000000000000000000000000000000"), 1, "412");
    kvc_expect(url, WORDS("hdel", "v", "k", "--if-version", "4b9ec56fd366eefb11eac77b36a95415"),
               "me\n");
    kvc_expect(url, WORDS("hexist", "v", "k"), "false\n");
}

static void test_expiry_is_set_asked_and_ended(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hmset", "e", "a", "1", "b", "2"), "\n\n");
    kvc_expect(url, WORDS("httl", "e", "a", "c"), "never\nabsent\n");
    kvc_expect(url, WORDS("hexpire", "e", "a", "1h"), "true\n");
    expect(WORDS("httl", "e", "a"), 0, "35", "");
    kvc_expect(url, WORDS("hexpire", "e", "c", "1h"), "false\n");
    kvc_expect(url, WORDS("hpersist", "e", "a", "b", "c"), "true\ntrue\nfalse\n");
    kvc_expect(url, WORDS("httl", "e", "a"), "never\n");
    kvc_expect(url, WORDS("hset", "e", "old", "x", "--expire-at", "1"), "\n");
    kvc_expect(url, WORDS("hexist", "e", "old"), "false\n");
}

static void test_numbers_are_added_to(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hincr", "n", "k"), "1\n");
    kvc_expect(url, WORDS("hincr", "n", "k", "-43"), "-42\n");
    kvc_expect(url, WORDS("--raw", "hincr", "n", "k", "0.5"), "-41.5");
    kvc_expect_error(url, WORDS("hincr", "n", "k"), 1,
                     "kvc: 409 Not an integer for table: n, key: k\n");
}

static void test_tables_are_listed_counted_and_dropped(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hmset", "tab/1", "a", "1", "b", "2"), "\n\n");
    kvc_expect(url, WORDS("hset", "tab/2", "a", "1"), "\n");
    kvc_expect(url, WORDS("tables", "tab/"), "tab/1\t2\ntab/2\t1\n");
    kvc_expect(url, WORDS("--json", "tables", "tab/2"),
               "{\"status\": 200, \"tables\": [{\"name\": \"tab/2\", \"count\": 1}]}\n");
    kvc_expect(url, WORDS("count", "tab/1"), "2\n");
    kvc_expect(url, WORDS("drop", "tab/1"), "2\n");
    kvc_expect(url, WORDS("tables", "tab/"), "tab/2\t1\n");
}

static void test_scan_shows_what_the_filter_lets_through(void **state)
{
    (void)state;
    kvc_expect(url, WORDS("hmset", "s", "user:1", "a", "user:2", "b", "other", "c"), "\n\n\n");
    kvc_expect(url, WORDS("hscan", "s", "--prefix", "user:", "--keys"), "user:1\nuser:2\n");
    kvc_expect(url, WORDS("hscan", "s", "--match", "*[r2]"), "other\tc\nuser:2\tb\n");
    kvc_expect(url, WORDS("hscan", "s", "--match", "x*"), "");
}

static void test_batch_takes_options_in_words_and_in_an_object(void **state)
{
    (void)state;
    const char *path = write_file("batch", "hset b k 1 --if-absent\n"
                                           "[\"hset\", \"b\", \"k\", 2, {\"if_absent\": true}]\n"
                                           "[\"hset\", \"b\", \"l\", 2, {\"ttl\": 3600}]\n"
                                           "hscan b --keys-only --prefix k\n"
                                           "count b\n");
    expect(WORDS("--keep-going", "batch", path), 1, "\n\nk\n2\n",
           ":2: 412 Condition is not met for table: b, key: k");
}

/* Types and expiry come back; the order of tables and keys is the store's. */
static void test_all_tables_go_through_one_file(void **state)
{
    (void)state;
    const char *path = path_of("all.ndjson");
    kvc_expect(url, WORDS("hmset", "all1", "i", "int:5", "b", "hex:00ff"), "\n\n");
    kvc_expect(url, WORDS("hset", "all2", "k", "text", "--ttl", "1h"), "\n");
    expect(WORDS("export", "--all", path), 0, "", "rows written");
    kvc_expect(url, WORDS("drop", "all1"), "2\n");
    kvc_expect(url, WORDS("drop", "all2"), "1\n");
    expect(WORDS("import", "--all", path), 0, "rows stored", "");
    kvc_expect(url, WORDS("hmget", "all1", "i", "b"), "int:5\nhex:00ff\n");
    expect(WORDS("httl", "all2", "k"), 0, "35", "");
}

static void test_all_tables_need_a_form_that_has_tables(void **state)
{
    (void)state;
    kvc_expect_error(url, WORDS("export", "--all", "x.csv"), 2, "CSV has no tables");
    kvc_expect_error(url, WORDS("import", "--all", "x.csv"), 2, "CSV has no tables");
    kvc_expect_error(url, WORDS("import", "--all"), 2, "usage: kvc import --all FILE");
    kvc_expect_error(url, WORDS("hget", "t", "k", "--all"), 2,
                     "--all: an option of import, export, watch alone");
    const char *path = write_file("no-tables", "{\"key\": \"k\", \"value\": 1}\n");
    expect(WORDS("import", "--all", path), 2, "", "a row of --all is {\"table\": TEXT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_first_of_two_that_want_a_key_absent_sets_it),
        cmocka_unit_test(test_version_that_state_prints_is_the_one_that_a_condition_takes),
        cmocka_unit_test(test_expiry_is_set_asked_and_ended),
        cmocka_unit_test(test_numbers_are_added_to),
        cmocka_unit_test(test_tables_are_listed_counted_and_dropped),
        cmocka_unit_test(test_scan_shows_what_the_filter_lets_through),
        cmocka_unit_test(test_batch_takes_options_in_words_and_in_an_object),
        cmocka_unit_test(test_all_tables_go_through_one_file),
        cmocka_unit_test(test_all_tables_need_a_form_that_has_tables),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
