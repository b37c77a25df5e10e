/* SPDX-License-Identifier: MIT
 *
 * hscan: a table page by page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_talk.h"

enum { MANY = 5000 };

static struct told told; /* by the last page */
static unsigned seen[MANY];

static int setup(void **state)
{
    memset(seen, 0, sizeof seen);
    return kv_talk_setup(state);
}

/* The page after the last one told, or the first. */
static void scan_on(uint32_t limit)
{
    uint8_t cursor[KV_CURSOR_MAX];
    size_t size = told.cursor.size;
    if (size > 0)
        memcpy(cursor, told.cursor.data, size);
    told = ask(ask_hscan("t", weft_view(cursor, size), limit));
    assert_false(kv_talk.reply_is_bad);
}

static void scan_first(uint32_t limit)
{
    told.cursor.size = 0;
    scan_on(limit);
}

static void set_value(int number, size_t size)
{
    char key[16];
    struct weft_bytes value = string_value(size, 'v');
    (void)snprintf(key, sizeof key, "%d", number);
    told = ask(ask_hset("t", key, weft_view(value.data, value.size)));
    assert_false(kv_talk.reply_is_bad);
    assert_int_equal(told.status, 200);
    free(value.data);
}

static int number_of(struct weft_view key)
{
    char text[16] = "";
    assert_true(key.size < sizeof text);
    memcpy(text, key.data, key.size);
    return atoi(text);
}

static void see_page(void)
{
    assert_int_equal(told.status, 200);
    assert_true(told.pair_count <= TOLD_MAX);
    for (size_t i = 0; i < told.pair_count; i++)
        seen[number_of(told.pairs[i].key)]++;
}

static void test_pages_keep_to_the_limit_and_have_every_key_once(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++)
        set_value(i, 1);
    told.cursor.size = 0;
    int pages = 0;
    do {
        scan_on(TOLD_MAX);
        see_page();
        pages++;
    } while (told.cursor.size > 0);
    assert_int_equal(pages, (MANY + TOLD_MAX - 1) / TOLD_MAX);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(seen[i], 1);
}

static void test_limit_0_is_a_thousand(void **state)
{
    (void)state;
    for (int i = 0; i < 1001; i++)
        set_value(i, 1);
    scan_first(0);
    assert_int_equal(told.pair_count, 1000);
    scan_on(0);
    assert_int_equal(told.pair_count, 1);
    assert_int_equal(told.cursor.size, 0);
}

static void test_absent_table_has_no_pairs(void **state)
{
    (void)state;
    scan_first(10);
    assert_int_equal(told.status, 200);
    assert_int_equal(told.pair_count, 0);
    assert_int_equal(told.cursor.size, 0);
}

static void scan_all_within(size_t most)
{
    told.cursor.size = 0;
    do {
        scan_on(0);
        see_page();
        assert_true(kv_talk.reply.size <= most);
    } while (told.cursor.size > 0);
}

static void test_page_stays_under_the_smaller_of_max_frame_and_max_message(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        set_value(i, 500);
    kv_talk.fixture.limits.max_frame = 3000;
    scan_all_within(3000);
    kv_talk.fixture.limits.max_frame = WEFT_MIB(8);
    kv_talk.fixture.limits.max_message = 2000;
    scan_all_within(2000);
    for (int i = 0; i < 40; i++)
        assert_int_equal(seen[i], 2);
}

static void test_page_of_large_values_ends_at_a_mebibyte(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        set_value(i, 300000);
    scan_first(0);
    see_page();
    assert_int_equal(told.pair_count, 3);
    assert_true(told.cursor.size > 0);
}

static void test_value_larger_than_a_page_comes_as_its_key_alone(void **state)
{
    (void)state;
    set_value(0, 100);
    set_value(1, 5000);
    set_value(2, 100);
    kv_talk.fixture.limits.max_message = 3000;
    scan_all_within(3000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen[i], 1);
    scan_first(0);
    for (size_t i = 0; i < told.pair_count; i++)
        assert_int_equal(told.pairs[i].value.size > 0, number_of(told.pairs[i].key) != 1);
}

static uint64_t set_long_key(size_t size, bool table)
{
    char *key = calloc(1, size + 1);
    assert_non_null(key);
    memset(key, '5', size);
    static const uint8_t value[] = {0x18, 1};
    told = ask(ask_hset(table ? key : "t", table ? "k" : key, weft_view(value, sizeof value)));
    assert_false(kv_talk.reply_is_bad);
    free(key);
    return told.status;
}

static void test_key_or_table_over_max_key_is_answered_413(void **state)
{
    (void)state;
    kv_talk.fixture.context.limits.max_key = 1000;
    for (int table = 0; table < 2; table++) {
        assert_int_equal(set_long_key(1000, table), 200);
        assert_int_equal(set_long_key(1001, table), 413);
        assert_true(
            weft_view_equal(told.message, weft_view_str("Key is too big: max-key is 64KiB")));
    }
    scan_first(0);
    assert_int_equal(told.pair_count, 1);
}

static void test_key_larger_than_a_page_is_passed_over(void **state)
{
    (void)state;
    set_value(0, 100);
    assert_int_equal(set_long_key(6000, false), 200);
    set_value(1, 100);
    kv_talk.fixture.limits.max_message = 3000;
    size_t pairs = 0;
    scan_first(1);
    for (;;) {
        assert_int_equal(told.status, 200);
        pairs += told.pair_count;
        if (told.cursor.size == 0)
            break;
        scan_on(1);
    }
    assert_int_equal(pairs, 2);
}

static void assert_expired(struct weft_view cursor)
{
    static const char text[] = "cursor expired: start again";
    told = ask(ask_hscan("t", cursor, 10));
    assert_false(kv_talk.reply_is_bad);
    assert_int_equal(told.status, 410);
    assert_true(weft_view_equal(told.message, weft_view_str(text)));
    assert_int_equal(told.pair_count, 0);
    assert_int_equal(told.cursor.size, 0);
}

static void test_cursor_that_is_none_is_answered_410(void **state)
{
    static const uint8_t zeros[KV_CURSOR_MAX + 1];
    (void)state;
    for (size_t size = 1; size <= sizeof zeros; size++)
        assert_expired(weft_view(zeros, size));
}

static void test_cursor_of_another_server_is_answered_410(void **state)
{
    uint8_t cursor[KV_CURSOR_MAX];
    (void)state;
    for (int i = 0; i < 20; i++)
        set_value(i, 1);
    scan_first(10);
    size_t size = told.cursor.size;
    assert_in_range(size, 1, KV_CURSOR_MAX);
    memcpy(cursor, told.cursor.data, size);
    kv_fixture_fini(&kv_talk.fixture);
    kv_fixture_init(&kv_talk.fixture, NULL);
    assert_expired(weft_view(cursor, size));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kv_talk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages_keep_to_the_limit_and_have_every_key_once),
        TEST(test_limit_0_is_a_thousand),
        TEST(test_absent_table_has_no_pairs),
        TEST(test_page_stays_under_the_smaller_of_max_frame_and_max_message),
        TEST(test_page_of_large_values_ends_at_a_mebibyte),
        TEST(test_value_larger_than_a_page_comes_as_its_key_alone),
        TEST(test_key_or_table_over_max_key_is_answered_413),
        TEST(test_key_larger_than_a_page_is_passed_over),
        TEST(test_cursor_that_is_none_is_answered_410),
        TEST(test_cursor_of_another_server_is_answered_410),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
