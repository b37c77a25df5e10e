/* SPDX-License-Identifier: MIT
 *
 * Pages with a filter, and pages of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "kv_calls.h"
#include "lib/virtual_loop.h"

enum { MANY = 3000, EVERY = 100 };

/* Every hundredth key begins with "x". */
static void fill(void)
{
    struct weft_kv_change changes[EVERY];
    char keys[EVERY][16];
    for (int i = 0; i < MANY; i += EVERY) {
        for (int k = 0; k < EVERY; k++) {
            (void)snprintf(keys[k], sizeof keys[k], "%s%d", k == 0 ? "x" : "y", i + k);
            changes[k] = storing(keys[k], "v");
        }
        assert_int_equal(kv_put(changes, EVERY)->status, 200);
    }
}

/* The sum of all pages of a walk. */
struct walk {
    size_t pages, shown, most; /* most: of one page */
    bool only_x;
};

static struct walk walk(struct weft_kv_request request)
{
    static uint8_t cursor[256];
    struct walk walk = {.only_x = true};
    do {
        const struct weft_kv_reply *reply = kv_call(&request);
        size_t count = reply->pair_count + reply->table_count;
        assert_int_equal(reply->status, 200);
        walk.pages++;
        walk.shown += count;
        walk.most = count > walk.most ? count : walk.most;
        for (size_t i = 0; i < reply->pair_count; i++)
            walk.only_x &= reply->pairs[i].key.data[0] == 'x';
        assert_true(reply->cursor.size <= sizeof cursor);
        memcpy(cursor, reply->cursor.data ? reply->cursor.data : cursor, reply->cursor.size);
        request.cursor = weft_view(cursor, reply->cursor.size);
    } while (request.cursor.size > 0);
    return walk;
}

static void test_filter_shows_each_key_that_fits_once_over_all_pages(void **state)
{
    (void)state;
    fill();
    struct walk by_prefix = walk(
        (struct weft_kv_request){.op = WEFT_KV_HSCAN, .table = VIEW("t"), .prefix = VIEW("x")});
    struct walk by_pattern = walk(
        (struct weft_kv_request){.op = WEFT_KV_HSCAN, .table = VIEW("t"), .match = VIEW("[!y]*")});
    assert_int_equal(by_prefix.shown, MANY / EVERY);
    assert_int_equal(by_pattern.shown, MANY / EVERY);
    assert_true(by_prefix.only_x && by_pattern.only_x);
}

static void test_page_with_a_filter_has_at_most_as_many_as_its_limit(void **state)
{
    (void)state;
    fill();
    struct walk few = walk((struct weft_kv_request){
        .op = WEFT_KV_HSCAN, .table = VIEW("t"), .match = VIEW("x*"), .limit = 3});
    assert_int_equal(few.shown, MANY / EVERY);
    assert_int_equal(few.most, 3);
}

/* The page ends where enough was compared, so that no pattern holds the loop. */
static void test_page_of_an_expensive_pattern_ends_early(void **state)
{
    enum { KEYS = 60, SIZE = 4000 };
    static char text[SIZE + 16];
    (void)state;
    memset(text, 'a', SIZE);
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(text + SIZE, sizeof text - SIZE, "%d", i);
        assert_int_equal(kv_put_one(storing(text, "v"))->status, 200);
    }
    struct walk none = walk((struct weft_kv_request){
        .op = WEFT_KV_HSCAN, .table = VIEW("t"), .match = VIEW("*aaaaaaaaaaaaaaaaaaaaaaaab")});
    assert_int_equal(none.shown, 0);
    assert_true(none.pages > 5);
}

static void test_keys_alone_come_without_values_and_states_with_expiry(void **state)
{
    (void)state;
    struct weft_kv_change change = storing("k", "v");
    change.expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_AFTER, 5000};
    (void)kv_put_one(change);
    struct weft_kv_request request = {
        .op = WEFT_KV_HSCAN, .table = VIEW("t"), .keys_only = true, .state = true};
    const struct weft_kv_reply *reply = kv_call(&request);
    assert_int_equal(reply->pair_count, 1);
    assert_int_equal(reply->pairs[0].value.type, WEFT_KV_EMPTY);
    assert_int_equal(reply->state_count, 1);
    assert_int_equal(reply->states[0].left, 5000);
    assert_int_equal(reply->states[0].version.size, 0);
    request.keys_only = request.state = false;
    reply = kv_call(&request);
    assert_int_equal(reply->pairs[0].value.type, WEFT_KV_STRING);
    assert_int_equal(reply->state_count, 0);
}

static void test_key_that_has_expired_is_on_no_page(void **state)
{
    (void)state;
    struct weft_kv_change change = storing("k", "v");
    change.expiry = (struct weft_kv_expiry){WEFT_KV_EXPIRE_AFTER, 5};
    (void)kv_put_one(change);
    assert_true(virtual_loop_advance(kv_talk.fixture.loop, 5000000));
    const struct weft_kv_request request = {.op = WEFT_KV_HSCAN, .table = VIEW("t")};
    assert_int_equal(kv_call(&request)->pair_count, 0);
}

static void test_tables_come_page_by_page_each_once(void **state)
{
    enum { TABLES = 25 };
    char name[16];
    (void)state;
    for (int i = 0; i < TABLES; i++) {
        (void)snprintf(name, sizeof name, "%s%d", i % 5 ? "a" : "b", i);
        (void)ask(ask_hset(name, "k", VIEW("\x18\x01")));
    }
    struct walk all = walk((struct weft_kv_request){.op = WEFT_KV_TABLES, .limit = 4});
    assert_int_equal(all.shown, TABLES);
    assert_int_equal(all.most, 4);
    struct walk some =
        walk((struct weft_kv_request){.op = WEFT_KV_TABLES, .prefix = VIEW("b"), .limit = 4});
    assert_int_equal(some.shown, TABLES / 5);
}

static void test_cursor_of_tables_that_was_not_given_out_has_expired(void **state)
{
    (void)state;
    const struct weft_kv_request request = {.op = WEFT_KV_TABLES, .cursor = VIEW("nonsense")};
    (void)ask(ask_hset("t", "k", VIEW("\x18\x01")));
    assert_int_equal(kv_call(&request)->status, 410);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALLS_TEST(test_filter_shows_each_key_that_fits_once_over_all_pages),
        CALLS_TEST(test_page_with_a_filter_has_at_most_as_many_as_its_limit),
        CALLS_TEST(test_page_of_an_expensive_pattern_ends_early),
        CALLS_TEST(test_keys_alone_come_without_values_and_states_with_expiry),
        CALLS_TEST(test_key_that_has_expired_is_on_no_page),
        CALLS_TEST(test_tables_come_page_by_page_each_once),
        CALLS_TEST(test_cursor_of_tables_that_was_not_given_out_has_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
