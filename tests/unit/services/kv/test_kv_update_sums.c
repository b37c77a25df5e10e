/* SPDX-License-Identifier: MIT
 *
 * Updates add to numbers and append to texts, by types or as faces without types do. */
#include "kv_update_fixture.h"

#include <locale.h>
#include <math.h>

static struct given sum(const struct bytes *current, int64_t by)
{
    return (struct given){.current = current,
                          .expires = KV_KEEP_EXPIRY,
                          .update = {.then = KV_THEN_ADD, .integer = by}};
}

static void test_add_takes_an_absent_key_for_zero(void **state)
{
    struct bytes old = integer(40);
    (void)state;
    assert_stores(sum(NULL, 7), integer(7));
    assert_stores(sum(&old, 2), integer(42));
    assert_stores(sum(&old, -41), integer(-1));
    struct given given = sum(&old, 1);
    given.current_expires = LATER;
    assert_int_equal(decide(given).expires, LATER);
    given.current_expires = PASSED;
    assert_stores(given, integer(1));
    assert_int_equal(decide(given).expires, KV_NEVER);
}

static void test_add_refuses_what_does_not_fit(void **state)
{
    struct bytes most = integer(INT64_MAX), least = integer(INT64_MIN);
    (void)state;
    assert_verdict(sum(&most, 1), KV_VERDICT_RANGE);
    assert_verdict(sum(&least, -1), KV_VERDICT_RANGE);
    assert_stores(sum(&most, INT64_MIN), integer(-1));
    assert_stores(sum(&least, INT64_MAX), integer(-1));
    assert_stores(sum(NULL, INT64_MIN), least);
}

static void test_add_refuses_other_types(void **state)
{
    const struct bytes values[] = {string("1"), text(KV_TYPE_BINARY, "1"), real(1),
                                   number(KV_TYPE_BOOL, 1), raw("", 0)};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_verdict(sum(&values[i], 1), KV_VERDICT_WRONG);
}

/* Stores take any bytes, so a value need not be one that a face has written. */
static void test_sums_refuse_bytes_that_are_no_packed_value(void **state)
{
    static const char varint_without_end[] = "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    const struct bytes values[] = {
        raw("v", 1),
        raw("\x18", 1),
        raw("\x18\x80", 2),
        raw("\x18\x01\x01", 3),
        raw("\x0a", 1),
        raw("\x0a\x02"
            "a",
            3),
        raw("\x21\x01", 2),
        raw("\x0a\x00"
            "a",
            3),
        raw("\x0a\x80", 2),
        raw("\x1a\x01"
            "a",
            3),
        raw("\xff\x01", 2),
        raw(varint_without_end, sizeof varint_without_end - 1),
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (int texts = 0; texts < 2; texts++) {
            struct given given = sum(&values[i], 1);
            given.update.text = texts;
            assert_verdict(given, KV_VERDICT_WRONG);
            given.update.then = KV_THEN_ADD_REAL;
            assert_verdict(given, KV_VERDICT_WRONG);
            given.update.then = KV_THEN_APPEND;
            given.value = string("x");
            assert_verdict(given, KV_VERDICT_WRONG);
        }
    }
}

static void test_add_by_texts_takes_what_reads_as_an_integer(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t sum;
    } cases[] = {
        {"0", true, 1},
        {"-1", true, 0},
        {"41", true, 42},
        {"", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"01", false, 0},
        {"-0", false, 0},
        {"-", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x1", false, 0},
        {"--1", false, 0},
        {"9223372036854775806", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN + 1},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999999", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (enum kv_type type = KV_TYPE_STRING; type <= KV_TYPE_BINARY; type++) {
            struct bytes current = text(type, cases[i].text);
            struct given given = sum(&current, 1);
            given.update.text = true;
            if (cases[i].good)
                assert_stores(given, integer(cases[i].sum));
            else
                assert_verdict(given, KV_VERDICT_WRONG);
        }
    }
    struct bytes most = string("9223372036854775807"), whole = real(41), part = real(41.5);
    struct given given = sum(&most, 1);
    given.update.text = true;
    assert_verdict(given, KV_VERDICT_RANGE);
    given.current = &whole;
    assert_stores(given, integer(42));
    given.current = &part;
    assert_verdict(given, KV_VERDICT_WRONG);
}

static struct given real_sum(const struct bytes *current, double by)
{
    return (struct given){.current = current,
                          .expires = KV_KEEP_EXPIRY,
                          .update = {.then = KV_THEN_ADD_REAL, .real = by}};
}

static void test_real_sum_is_a_float(void **state)
{
    struct bytes half = real(0.5), whole = integer(-3);
    (void)state;
    assert_stores(real_sum(NULL, 1.25), real(1.25));
    assert_stores(real_sum(&half, 1.25), real(1.75));
    assert_stores(real_sum(&whole, 0.5), real(-2.5));
}

static void test_real_sum_that_is_no_number_is_refused(void **state)
{
    struct bytes large = real(1.7e308), infinite = real(INFINITY), none = real(NAN);
    (void)state;
    assert_verdict(real_sum(&large, 1e308), KV_VERDICT_RANGE);
    assert_verdict(real_sum(&infinite, -INFINITY), KV_VERDICT_RANGE);
    assert_verdict(real_sum(&infinite, 1), KV_VERDICT_RANGE);
    assert_verdict(real_sum(&none, 1), KV_VERDICT_RANGE);
}

static void test_real_sum_refuses_other_types(void **state)
{
    const struct bytes values[] = {string("1"), text(KV_TYPE_BINARY, "1"), number(KV_TYPE_BOOL, 1),
                                   raw("", 0)};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_verdict(real_sum(&values[i], 1), KV_VERDICT_WRONG);
}

static void test_real_sum_by_texts_is_the_shortest_text(void **state)
{
    static const struct {
        const char *text;
        double by;
        const char *sum; /* NULL: refused */
    } cases[] = {
        {"10.50", 0.1, "10.6"},
        {"5.0e3", 200, "5200"},
        {"-1", 0.1, "-0.9"},
        {"1", 1e20, "1e+20"},
        {"0.1", 0.2, "0.30000000000000004"},
        {".5", 0, "0.5"},
        {"", 1, NULL},
        {"1 ", 1, NULL},
        {" 1", 1, NULL},
        {"nan", 1, NULL},
        {"inf", 1, NULL},
        {"0x10", 1, NULL},
        {"1e", 1, NULL},
        {"1,5", 1, NULL},
        {"1-1", 1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes current = string(cases[i].text);
        struct given given = real_sum(&current, cases[i].by);
        given.update.text = true;
        if (cases[i].sum)
            assert_stores(given, string(cases[i].sum));
        else
            assert_verdict(given, KV_VERDICT_WRONG);
    }
    struct bytes over = string("1e999"), whole = integer(3), half = real(0.5);
    struct given given = real_sum(&over, 1);
    given.update.text = true;
    assert_verdict(given, KV_VERDICT_RANGE);
    given.current = &whole;
    assert_stores(given, string("4"));
    given.current = &half;
    assert_stores(given, string("1.5"));
    given.current = NULL;
    assert_stores(given, string("1"));
}

static void test_text_of_a_number_too_long_to_be_one_is_refused(void **state)
{
    struct bytes current = {.data = {0x0a, 0xac, 0x02}, .size = 3 + 300};
    (void)state;
    memset(current.data + 3, '1', 300);
    struct given given = real_sum(&current, 1);
    given.update.text = true;
    assert_verdict(given, KV_VERDICT_WRONG);
}

/* Which locales there are depends on the system; where this one is missing, the test shows nothing. */
static void test_reals_are_written_and_read_alike_in_every_locale(void **state)
{
    struct bytes current = string("10.5");
    struct given given = real_sum(&current, 0.1);
    (void)state;
    given.update.text = true;
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    assert_stores(given, string("10.6"));
    (void)setlocale(LC_ALL, "C");
}

static struct given appended(const struct bytes *current, struct bytes value)
{
    return (struct given){.current = current,
                          .value = value,
                          .expires = KV_KEEP_EXPIRY,
                          .update.then = KV_THEN_APPEND};
}

static void test_append_joins_texts(void **state)
{
    struct bytes old = string("ab"), binary = text(KV_TYPE_BINARY, "ab"), empty = raw("", 0),
                 hollow = string("");
    (void)state;
    assert_stores(appended(&old, string("cd")), string("abcd"));
    assert_stores(appended(&old, text(KV_TYPE_BINARY, "cd")), text(KV_TYPE_BINARY, "abcd"));
    assert_stores(appended(&binary, string("cd")), text(KV_TYPE_BINARY, "abcd"));
    assert_stores(appended(NULL, string("cd")), string("cd"));
    assert_stores(appended(&empty, string("cd")), string("cd"));
    assert_stores(appended(&hollow, string("cd")), string("cd"));
    assert_stores(appended(&old, raw("", 0)), old);
    assert_stores(appended(NULL, raw("", 0)), empty);
}

static void test_append_takes_numbers_by_texts_alone(void **state)
{
    const struct bytes values[] = {integer(-12), real(1.5), number(KV_TYPE_BOOL, 1)};
    const struct bytes results[] = {string("-12x"), string("1.5x")};
    struct bytes old = string("a");
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct given given = appended(&values[i], string("x"));
        assert_verdict(given, KV_VERDICT_WRONG);
        given.update.text = true;
        if (i < 2)
            assert_stores(given, results[i]);
        else
            assert_verdict(given, KV_VERDICT_WRONG);
    }
    struct given given = appended(&old, integer(7));
    assert_verdict(given, KV_VERDICT_WRONG);
    given.update.text = true;
    assert_stores(given, string("a7"));
    given.current = &values[0];
    assert_stores(given, string("-127"));
    given.current = NULL;
    assert_stores(given, string("7"));
}

static void test_append_writes_a_longer_size_where_it_grows(void **state)
{
    char long_text[101], whole[201];
    (void)state;
    memset(long_text, 'a', 100);
    memset(whole, 'a', 200);
    long_text[100] = whole[200] = '\0';
    struct bytes old = string(long_text);
    struct made made = decide(appended(&old, string(long_text)));
    assert_int_equal(made.verdict, KV_VERDICT_STORE);
    assert_int_equal(made.value.size, 203);
    assert_memory_equal(made.value.data, "\x0a\xc8\x01", 3);
    assert_memory_equal(made.value.data + 3, whole, 200);
}

static void test_append_keeps_to_its_size(void **state)
{
    struct bytes old = string("abcd");
    struct given given = appended(&old, string("ef"));
    (void)state;
    given.update.size_max = 6;
    assert_stores(given, string("abcdef"));
    given.update.size_max = 5;
    assert_verdict(given, KV_VERDICT_RANGE);
    given.current = NULL;
    given.update.size_max = 1;
    assert_verdict(given, KV_VERDICT_RANGE);
}

/* Only the head of the value is read, so the rest need not be there. */
static void test_append_refuses_more_than_a_store_can_hold(void **state)
{
    struct kv_update update = {.then = KV_THEN_APPEND};
    static const uint8_t head[] = {0x0a, 0xfe, 0xff, 0xff, 0xff, 0x03};
    enum { SIZE = 0x3ffffffe };
    struct bytes more = string("ef");
    struct kv_item item = {.value.bytes = view_of(&more), .update = &update};
    struct kv_value current = {.bytes = weft_view(head, sizeof head + SIZE)};
    struct kv_next next;
    (void)state;
    weft_kv_update_decide(&item, &current, KV_NEVER, NOW, &next);
    assert_int_equal(next.verdict, KV_VERDICT_RANGE);
}

static void test_decision_with_time_zero_finds_nothing_expired(void **state)
{
    struct kv_update update = {.then = KV_THEN_ADD, .integer = 2};
    struct bytes old = integer(40), expected = integer(42);
    struct kv_item item = {.expires = KV_KEEP_EXPIRY, .update = &update};
    struct kv_value current = {.bytes = view_of(&old)};
    struct kv_next next;
    (void)state;
    weft_kv_update_decide(&item, &current, PASSED, 0, &next);
    assert_int_equal(next.verdict, KV_VERDICT_STORE);
    assert_int_equal(next.parts[0].size, expected.size);
    assert_memory_equal(next.parts[0].data, expected.data, expected.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_takes_an_absent_key_for_zero),
        cmocka_unit_test(test_add_refuses_what_does_not_fit),
        cmocka_unit_test(test_add_refuses_other_types),
        cmocka_unit_test(test_sums_refuse_bytes_that_are_no_packed_value),
        cmocka_unit_test(test_add_by_texts_takes_what_reads_as_an_integer),
        cmocka_unit_test(test_real_sum_is_a_float),
        cmocka_unit_test(test_real_sum_that_is_no_number_is_refused),
        cmocka_unit_test(test_real_sum_refuses_other_types),
        cmocka_unit_test(test_real_sum_by_texts_is_the_shortest_text),
        cmocka_unit_test(test_text_of_a_number_too_long_to_be_one_is_refused),
        cmocka_unit_test(test_reals_are_written_and_read_alike_in_every_locale),
        cmocka_unit_test(test_append_joins_texts),
        cmocka_unit_test(test_append_takes_numbers_by_texts_alone),
        cmocka_unit_test(test_append_writes_a_longer_size_where_it_grows),
        cmocka_unit_test(test_append_keeps_to_its_size),
        cmocka_unit_test(test_append_refuses_more_than_a_store_can_hold),
        cmocka_unit_test(test_decision_with_time_zero_finds_nothing_expired),
    };
    return cmocka_run_group_tests_name("kv update sums", tests, NULL, NULL);
}
