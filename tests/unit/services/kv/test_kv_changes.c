/* SPDX-License-Identifier: MIT
 *
 * hput, hincr and hexpire: conditions, and keys that expire. tests/vectors/changes.jsonl has what does not
 * depend on time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "core/task.h"
#include "kv_calls.h"
#include "lib/virtual_loop.h"

static const struct weft_kv_expiry ask_only = {0};

static struct weft_kv_expiry after(uint64_t milliseconds)
{
    return (struct weft_kv_expiry){WEFT_KV_EXPIRE_AFTER, milliseconds};
}

static void pass(int64_t milliseconds)
{
    assert_true(virtual_loop_advance(kv_talk.fixture.loop, milliseconds * 1000000));
}

static bool is_there(const char *key)
{
    struct told told = ask(ask_key(ASK_HEXIST, "t", key));
    assert_int_equal(told.status, 200);
    return weft_view_equal(told.values[0], VIEW("\x28\x01"));
}

static void test_key_is_there_until_its_time_and_not_from_it_on(void **state)
{
    (void)state;
    struct weft_kv_change change = storing("k", "v");
    change.expiry = after(100);
    const struct weft_kv_reply *reply = kv_put_one(change);
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->states[0].expires, VIRTUAL_LOOP_WALL_BEGIN + 100);
    assert_int_equal(reply->states[0].left, 100);
    pass(99);
    assert_true(is_there("k"));
    assert_int_equal(kv_expire("k", ask_only)->states[0].left, 1);
    pass(1);
    assert_false(is_there("k"));
    assert_false(kv_expire("k", ask_only)->values[0].boolean);
    change = storing("k", "w");
    change.condition = WEFT_KV_IF_ABSENT;
    assert_int_equal(kv_put_one(change)->status, 200);
}

static void test_value_without_expiry_never_expires_and_one_may_keep_it(void **state)
{
    (void)state;
    struct weft_kv_change change = storing("k", "v");
    change.expiry = after(100);
    (void)kv_put_one(change);
    change = storing("k", "w");
    change.expiry.when = WEFT_KV_EXPIRE_KEEP;
    assert_int_equal(kv_put_one(change)->states[0].left, 100);
    assert_int_equal(kv_put_one(storing("k", "x"))->states[0].expires, 0);
    pass(1000);
    assert_true(is_there("k"));
}

static void test_plain_hset_ends_an_expiry(void **state)
{
    (void)state;
    struct weft_kv_change change = storing("k", "v");
    change.expiry = after(100);
    (void)kv_put_one(change);
    (void)ask(ask_hset("t", "k", VIEW("\x18\x01")));
    pass(1000);
    assert_true(is_there("k"));
}

static void test_expiry_is_changed_asked_and_ended(void **state)
{
    (void)state;
    (void)kv_put_one(storing("k", "v"));
    assert_int_equal(kv_expire("k", ask_only)->states[0].left, 0);
    const struct weft_kv_reply *reply = kv_expire("k", after(5000));
    assert_true(reply->values[0].boolean);
    assert_int_equal(reply->states[0].left, 5000);
    assert_int_equal(reply->states[0].version.size, 0);
    pass(2000);
    assert_int_equal(kv_expire("k", ask_only)->states[0].left, 3000);
    reply = kv_expire("k", (struct weft_kv_expiry){WEFT_KV_EXPIRE_NEVER, 0});
    assert_int_equal(reply->states[0].expires, 0);
    pass(10000);
    assert_true(is_there("k"));
}

static void test_change_without_a_value_prolongs_a_lock_that_one_still_has(void **state)
{
    uint8_t version[16];
    (void)state;
    struct weft_kv_change lock = storing("lock", "me");
    lock.condition = WEFT_KV_IF_ABSENT;
    lock.expiry = after(100);
    const struct weft_kv_reply *reply = kv_put_one(lock);
    memcpy(version, reply->states[0].version.data, sizeof version);
    pass(50);
    const struct weft_kv_change prolong = {.key = VIEW("lock"),
                                           .what = WEFT_KV_LEAVE,
                                           .expiry = after(100),
                                           .condition = WEFT_KV_IF_VERSION,
                                           .version = weft_view(version, sizeof version)};
    reply = kv_put_one(prolong);
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->states[0].left, 100);
    pass(100);
    reply = kv_put_one(prolong);
    assert_int_equal(reply->status, 412);
    assert_true(reply->states[0].unmet);
    assert_int_equal(reply->states[0].version.size, 0);
}

static void test_sum_keeps_the_expiry(void **state)
{
    const struct weft_view key = VIEW("n");
    const struct weft_kv_request add = {.op = WEFT_KV_HINCR,
                                        .table = VIEW("t"),
                                        .keys = &key,
                                        .key_count = 1,
                                        .delta = {.type = WEFT_KV_INTEGER, .integer = 2}};
    (void)state;
    assert_int_equal(kv_call(&add)->values[0].integer, 2);
    (void)kv_expire("n", after(100));
    assert_int_equal(kv_call(&add)->values[0].integer, 4);
    pass(100);
    assert_int_equal(kv_call(&add)->values[0].integer, 2);
}

static void test_one_condition_that_does_not_hold_stops_all_changes(void **state)
{
    enum { MANY = 100 };
    struct weft_kv_change changes[MANY];
    char keys[MANY][16];
    (void)state;
    (void)kv_put_one(storing("k57", "there"));
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i);
        changes[i] = storing(keys[i], "new");
        changes[i].condition = WEFT_KV_IF_ABSENT;
    }
    const struct weft_kv_reply *reply = kv_put(changes, MANY);
    assert_int_equal(reply->status, 412);
    assert_int_equal(reply->value_count, 0);
    assert_int_equal(reply->state_count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(reply->states[i].unmet, i == 57);
        assert_int_equal(reply->states[i].version.size, i == 57 ? 16 : 0);
        assert_int_equal(is_there(keys[i]), i == 57);
    }
    changes[57].condition = WEFT_KV_IF_PRESENT;
    assert_int_equal(kv_put(changes, MANY)->status, 200);
}

static void test_key_that_comes_twice_among_many_is_found(void **state)
{
    enum { MANY = 40 };
    struct weft_kv_change changes[MANY];
    char keys[MANY][16];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i);
        changes[i] = removing(keys[i]);
    }
    assert_int_equal(kv_put(changes, MANY)->status, 200);
    for (int i = 1; i < MANY; i++) {
        changes[i].key = weft_view_str(keys[0]);
        assert_int_equal(kv_put(changes, MANY)->status, 400);
        changes[i].key = weft_view_str(keys[i]);
    }
}

static void test_large_values_are_stored_on_conditions_and_given_back(void **state)
{
    enum { SIZE = 100000 };
    static char text[SIZE + 1];
    (void)state;
    memset(text, 'x', SIZE);
    struct weft_kv_change change = storing("k", text);
    change.condition = WEFT_KV_IF_ABSENT;
    assert_int_equal(kv_put_one(change)->status, 200);
    assert_int_equal(kv_put_one(change)->status, 412);
    change.condition = WEFT_KV_IF_PRESENT;
    const struct weft_kv_reply *reply = kv_put_one(change);
    assert_int_equal(reply->status, 200);
    assert_int_equal(reply->values[0].bytes.size, SIZE);
    reply = kv_put_one(removing("k"));
    assert_int_equal(reply->values[0].bytes.size, SIZE);
    assert_int_equal(reply->states[0].version.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALLS_TEST(test_key_is_there_until_its_time_and_not_from_it_on),
        CALLS_TEST(test_value_without_expiry_never_expires_and_one_may_keep_it),
        CALLS_TEST(test_plain_hset_ends_an_expiry),
        CALLS_TEST(test_expiry_is_changed_asked_and_ended),
        CALLS_TEST(test_change_without_a_value_prolongs_a_lock_that_one_still_has),
        CALLS_TEST(test_sum_keeps_the_expiry),
        CALLS_TEST(test_one_condition_that_does_not_hold_stops_all_changes),
        CALLS_TEST(test_key_that_comes_twice_among_many_is_found),
        CALLS_TEST(test_large_values_are_stored_on_conditions_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
