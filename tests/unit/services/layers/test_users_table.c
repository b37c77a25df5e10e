/* SPDX-License-Identifier: MIT
 *
 * The file of users: what a line may say, which line an error names, and what rules allow; hashes, delays and
 * credentials. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "lib/fault.h"
#include "services/layers/users/credentials.h"
#include "services/layers/users/delay.h"
#include "services/layers/users/secret.h"
#include "services/layers/users/table.h"
#include "services/layers/users/users.h"

/* The hash of "sesame". */
#define HASH "$5$rounds=1000$salt$rloU6KpfKKm9G.NUT4Kh3.lZ3eQ67D/GrlYTTZlly7."

static struct weft_error error;

static struct users_table *parse(const char *text)
{
    struct users_table *table = NULL;
    size_t size = strlen(text);
    char *copy = weft_malloc(size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, size + 1);
    if (users_table_parse(&table, copy, size, "users", &error) < 0)
        weft_free(copy);
    return table;
}

static void test_lines_say_who_there_is_and_what_they_may(void **state)
{
    (void)state;
    struct users_table *table = parse("# all of them\n"
                                      "\n"
                                      "zoe " HASH " read:* write:orders-* subscribe # comment\r\n"
                                      "  adm\tcert:adm.example admin\n"
                                      "old uid:34");
    assert_non_null(table);
    assert_int_equal(table->count, 3);
    const struct users_entry *zoe = users_table_find(table, weft_view_str("zoe"));
    assert_non_null(zoe);
    assert_int_equal(zoe->kind, USERS_SECRET);
    assert_int_equal(zoe->rule_count, 3);
    assert_true(users_may(zoe, USERS_READ, weft_view_str("any")));
    assert_true(users_may(zoe, USERS_READ, weft_view(NULL, 0)));
    assert_true(users_may(zoe, USERS_WRITE, weft_view_str("orders-7")));
    assert_false(users_may(zoe, USERS_WRITE, weft_view_str("order")));
    assert_false(users_may(zoe, USERS_WRITE, weft_view(NULL, 0)));
    assert_true(users_may(zoe, USERS_SUBSCRIBE, weft_view_str("x")));
    assert_false(users_may(zoe, USERS_ADMIN, weft_view(NULL, 0)));
    const struct users_entry *adm = users_table_find_certificate(table, "adm.example");
    assert_non_null(adm);
    assert_true(users_may(adm, USERS_ADMIN, weft_view(NULL, 0)));
    assert_false(users_may(adm, USERS_READ, weft_view_str("any")));
    const struct users_entry *old = users_table_find_uid(table, 34);
    assert_string_equal(old->name, "old");
    assert_int_equal(old->rule_count, 0);
    assert_null(users_table_find_uid(table, 0));
    assert_null(users_table_find_certificate(table, "34"));
    assert_null(users_table_find(table, weft_view_str("zo")));
    assert_null(users_table_find(table, weft_view("zoe\0", 4)));
    assert_null(users_table_find(table, weft_view(NULL, 0)));
    users_table_unref(table);
}

static void test_write_includes_read(void **state)
{
    (void)state;
    struct users_table *table = parse("a " HASH " write:t");
    const struct users_entry *a = users_table_find(table, weft_view_str("a"));
    assert_true(users_may(a, USERS_READ, weft_view_str("t")));
    assert_false(users_may(a, USERS_READ, weft_view_str("u")));
    users_table_unref(table);
}

static void test_error_names_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"\n\nann", "users:3: 'ann' has no hash, cert:CN or uid:N"},
        {"a.b " HASH, "users:1: 'a.b' is no name: it takes 1 to 64 letters, digits, _, - and @"},
        {"ann secret", "users:1: the hash of user 'ann' is none that may be used; 'kvs "
                       "--hash-password' makes one, and there are cert:CN and uid:N"},
        {"ann $1$salt$qCwU1M1mbqDBYBpyLgYyV/",
         "users:1: the hash of user 'ann' is none that may be used; 'kvs --hash-password' makes "
         "one, and there are cert:CN and uid:N"},
        {"ann " HASH "\nbob " HASH " reed:*",
         "users:2: 'reed:*' is no rule; there are read:GLOB, write:GLOB, subscribe:GLOB and admin"},
        {"ann " HASH " admin:*", "users:1: 'admin:*' has a GLOB, but admin takes none"},
        {"ann " HASH " read:", "users:1: 'read:' has no GLOB behind the colon"},
        {"ann cert:", "users:1: 'cert:' has no common name"},
        {"ann uid:", "users:1: 'uid:' is no number of a user"},
        {"ann uid:-1", "users:1: 'uid:-1' is no number of a user"},
        {"ann uid:4294967295", "users:1: 'uid:4294967295' is no number of a user"},
        {"ann uid:99999999999999999999",
         "users:1: 'uid:99999999999999999999' is no number of a user"},
        {"ann " HASH "\nbob uid:1\nann uid:2", "users:3: user 'ann' has a line 1 already"},
        {"ann uid:1\nbob uid:01", "users:2: user 'bob' has what is proven in line 1 already"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(parse(rows[i].text));
        assert_string_equal(error.text, rows[i].error);
    }
}

static void test_line_with_a_nul_is_refused(void **state)
{
    (void)state;
    struct users_table *table = NULL;
    char *text = weft_malloc(16);
    assert_non_null(text);
    memcpy(text, "ann uid:1\0admin", 16);
    assert_int_equal(users_table_parse(&table, text, 15, "users", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "users:1: there is a NUL in it");
    weft_free(text);
}

static void test_file_that_is_not_there_or_none_is_refused(void **state)
{
    (void)state;
    struct users_table *table = NULL;
    assert_int_equal(users_table_read(&table, "/nonexistent/users", &error), -ENOENT);
    assert_non_null(strstr(error.text, "/nonexistent/users: "));
    assert_int_equal(users_table_read(&table, "/", &error), -EISDIR);
    assert_int_equal(users_table_read(&table, "/dev/null", &error), -EINVAL);
}

static void test_globs_match_all_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *glob, *text;
        bool matches;
    } rows[] = {
        {"*", "", true},        {"*", "a", true},        {"a*", "a", true},
        {"a*", "ba", false},    {"a*c", "abbc", true},   {"a*c", "abb", false},
        {"?", "", false},       {"?", "a", true},        {"?", "ab", false},
        {"*a*b", "xaxb", true}, {"*a*b", "xbxa", false}, {"", "", true},
        {"", "a", false},       {"ab", "abc", false},    {"abc", "ab", false},
        {"a**b", "ab", true},   {"*ab", "aab", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(users_glob(rows[i].glob, weft_view_str(rows[i].text)), rows[i].matches);
}

static void read_one(void *arg)
{
    struct users_table *table = parse(arg);
    users_table_unref(table);
}

static void test_table_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(read_one, "ann " HASH " read:* write:x\nbob uid:1");
}

static void test_secret_is_right_or_not(void **state)
{
    (void)state;
    void *work = weft_calloc(1, users_secret_work_size());
    assert_non_null(work);
    assert_true(users_secret_is_hash(HASH));
    assert_true(users_secret_check(work, HASH, weft_view_str("sesame")));
    assert_false(users_secret_check(work, HASH, weft_view_str("sesam")));
    assert_false(users_secret_check(work, HASH, weft_view_str("sesamf")));
    assert_false(users_secret_check(work, HASH, weft_view("sesame\0", 7)));
    assert_false(users_secret_check(work, HASH, weft_view(NULL, 0)));
    char large[600];
    memset(large, 'x', sizeof large);
    assert_false(users_secret_check(work, HASH, weft_view(large, sizeof large)));
    uint8_t zeros[64] = {0};
    assert_memory_equal(work, zeros, sizeof zeros); /* it is wiped */
    weft_free(work);
}

static void test_hash_of_a_password_is_one_that_the_file_takes(void **state)
{
    (void)state;
    char hash[WEFT_USERS_HASH_MAX], other[WEFT_USERS_HASH_MAX];
    void *work = weft_calloc(1, users_secret_work_size());
    assert_int_equal(weft_users_hash(hash, weft_view_str("open sesame"), &error), 0);
    assert_int_equal(weft_users_hash(other, weft_view_str("open sesame"), &error), 0);
    assert_string_not_equal(hash, other);
    assert_true(users_secret_is_hash(hash));
    assert_true(users_secret_check(work, hash, weft_view_str("open sesame")));
    assert_false(users_secret_check(work, hash, weft_view_str("open sesamE")));
    weft_free(work);
    assert_int_equal(weft_users_hash(hash, weft_view(NULL, 0), &error), WEFT_ECONFIG);
    assert_int_equal(weft_users_hash(hash, weft_view("a\0b", 3), &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "there is a NUL in the password"));
    char large[600];
    memset(large, 'x', sizeof large);
    assert_int_equal(weft_users_hash(hash, weft_view(large, sizeof large), &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "the password is longer than 511 bytes");
}

static void test_credentials_are_basic_or_bearer(void **state)
{
    (void)state;
    static const struct {
        const char *value, *user, *secret;
    } rows[] = {
        {"Basic YW5uOnNlc2FtZQ==", "ann", "sesame"},
        {"basic  YW5uOnNlc2FtZQ==", "ann", "sesame"},
        {"Bearer ann.se.same", "ann", "se.same"},
        {"Basic YW5uOmE6Yg==", "ann", "a:b"},
        {"Basic YW5u", NULL, NULL},
        {"Basic !", NULL, NULL},
        {"Basic", NULL, NULL},
        {"Bearer ann", NULL, NULL},
        {"Digest YW5uOnNlc2FtZQ==", NULL, NULL},
        {"", NULL, NULL},
        {"BasicYW5uOnNlc2FtZQ==", NULL, NULL},
        {"Basic Og==", "", ""},
    };
    uint8_t text[USERS_CREDENTIALS_MAX];
    struct weft_view user, secret;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_read = users_credentials_read(weft_view_str(rows[i].value), text, &user, &secret);
        assert_int_equal(is_read, rows[i].user != NULL);
        if (!is_read)
            continue;
        assert_true(weft_view_equal(user, weft_view_str(rows[i].user)));
        assert_true(weft_view_equal(secret, weft_view_str(rows[i].secret)));
    }
    char large[4096] = "Bearer a.";
    memset(large + 9, 'x', sizeof large - 9);
    assert_false(users_credentials_read(weft_view(large, sizeof large), text, &user, &secret));
    memcpy(large, "Basic ", 6);
    memset(large + 6, 'A', sizeof large - 6);
    assert_false(users_credentials_read(weft_view(large, sizeof large), text, &user, &secret));
}

static void test_each_failure_of_an_address_costs_more_up_to_two_seconds(void **state)
{
    (void)state;
    static struct users_delays delays;
    static const int64_t expected[] = {50, 100, 200, 400, 800, 1600, 2000, 2000};
    const int64_t ms = 1000000;
    int64_t now = 1000000 * ms;
    users_delays_init(&delays);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(users_delays_fail(&delays, i % 2 ? "10.0.0.1:1" : "10.0.0.1:65535", now),
                         expected[i] * ms);
    now += 60001 * ms;
    assert_int_equal(users_delays_fail(&delays, "10.0.0.1:7", now), 50 * ms);
    users_delays_fini(&delays);
}

static void test_address_that_has_failed_may_try_few_at_once(void **state)
{
    (void)state;
    static struct users_delays delays;
    const int64_t now = 5;
    users_delays_init(&delays);
    for (int i = 0; i < 100; i++)
        assert_true(users_delays_begin(&delays, "[::1]:7", now));
    (void)users_delays_fail(&delays, "[::1]:9", now);
    assert_false(users_delays_begin(&delays, "[::1]:7", now));
    for (int i = 0; i < 100 - USERS_DELAY_PENDING + 1; i++)
        users_delays_end(&delays, "[::1]:7");
    assert_true(users_delays_begin(&delays, "[::1]:7", now));
    assert_false(users_delays_begin(&delays, "[::1]:7", now));
    users_delays_fini(&delays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(test_lines_say_who_there_is_and_what_they_may),
        FAULT_TEST(test_write_includes_read),
        FAULT_TEST(test_error_names_file_and_line),
        FAULT_TEST(test_line_with_a_nul_is_refused),
        FAULT_TEST(test_file_that_is_not_there_or_none_is_refused),
        cmocka_unit_test(test_globs_match_all_of_a_name),
        cmocka_unit_test(test_table_survives_every_failing_allocation),
        FAULT_TEST(test_secret_is_right_or_not),
        FAULT_TEST(test_hash_of_a_password_is_one_that_the_file_takes),
        cmocka_unit_test(test_credentials_are_basic_or_bearer),
        cmocka_unit_test(test_each_failure_of_an_address_costs_more_up_to_two_seconds),
        cmocka_unit_test(test_address_that_has_failed_may_try_few_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
