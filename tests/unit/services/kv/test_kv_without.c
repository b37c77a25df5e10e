/* SPDX-License-Identifier: MIT
 *
 * Stores that cannot do everything: what they lack is said, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kv_calls.h"
#include "services/kv/stores/stores.h"

/* The memory store, as if it had only what stores had at first. */
static struct kv_store plain;

static int setup(void **state)
{
    (void)state;
    plain = weft_kv_store_memory;
    plain.flags &= ~(unsigned)(KV_STORE_UPDATE | KV_STORE_EXPIRY | KV_STORE_TABLES);
    kv_fixture_init(&kv_talk.fixture, &plain);
    return 0;
}

static struct told ask_request(const struct weft_kv_request *request)
{
    return ask(kv_call_payload(request));
}

static const struct weft_view key = {(const uint8_t *)"k", 1};

static void assert_lacking(const struct weft_kv_request *request, const char *message)
{
    struct told told = ask_request(request);
    assert_told(&told, 501, message);
    assert_false(kv_talk.reply_is_bad);
    told = ask(ask_key(ASK_HEXIST, "t", "k"));
    assert_value(&told, VIEW("\x28\x00"));
}

static void test_condition_is_not_implemented_by_a_store_without_them(void **state)
{
    const struct weft_kv_change change = {
        .key = key, .what = WEFT_KV_STORE, .condition = WEFT_KV_IF_ABSENT};
    const struct weft_kv_request request = {
        .op = WEFT_KV_HPUT, .table = VIEW("t"), .changes = &change, .change_count = 1};
    (void)state;
    assert_lacking(&request, "Store has no conditions: no hput");
}

static void test_sum_is_not_implemented_by_a_store_without_conditions(void **state)
{
    const struct weft_kv_request request = {.op = WEFT_KV_HINCR,
                                            .table = VIEW("t"),
                                            .keys = &key,
                                            .key_count = 1,
                                            .delta = {.type = WEFT_KV_INTEGER, .integer = 1}};
    (void)state;
    assert_lacking(&request, "Store has no conditions: no hincr");
}

static void test_expiry_is_not_implemented_by_a_store_without_it(void **state)
{
    const struct weft_kv_expiry soon = {WEFT_KV_EXPIRE_AFTER, 1000};
    const struct weft_kv_change change = {.key = key, .what = WEFT_KV_STORE, .expiry = soon};
    const struct weft_kv_request put = {
        .op = WEFT_KV_HPUT, .table = VIEW("t"), .changes = &change, .change_count = 1};
    const struct weft_kv_request expire = {.op = WEFT_KV_HEXPIRE,
                                           .table = VIEW("t"),
                                           .keys = &key,
                                           .key_count = 1,
                                           .expiry = {WEFT_KV_EXPIRE_NEVER, 0}};
    (void)state;
    assert_lacking(&put, "Store has no expiry: no hput");
    assert_lacking(&expire, "Store has no expiry: no hexpire");
}

static void test_tables_are_not_implemented_by_a_store_without_a_list_of_them(void **state)
{
    const struct weft_kv_request tables = {.op = WEFT_KV_TABLES};
    const struct weft_kv_request drop = {.op = WEFT_KV_DROP, .table = VIEW("t")};
    const struct weft_kv_request count = {.op = WEFT_KV_COUNT, .table = VIEW("t")};
    (void)state;
    assert_lacking(&tables, "Store has no list of tables: no tables");
    assert_lacking(&drop, "Store has no list of tables: no drop");
    assert_lacking(&count, "Store has no list of tables: no count");
}

/* They need nothing that an hmset does not. */
static void test_values_without_condition_and_expiry_are_put_into_any_store(void **state)
{
    const struct weft_kv_value one = {.type = WEFT_KV_INTEGER, .integer = 1};
    const struct weft_kv_change change = {.key = key, .what = WEFT_KV_STORE, .value = one};
    const struct weft_kv_request put = {
        .op = WEFT_KV_HPUT, .table = VIEW("t"), .changes = &change, .change_count = 1};
    (void)state;
    struct told told = ask_request(&put);
    assert_value(&told, VIEW(""));
    told = ask(ask_key(ASK_HGET, "t", "k"));
    assert_value(&told, VIEW("\x18\x01"));
}

/* A version is a digest, which no store has to keep. */
static void test_state_of_a_key_has_a_version_on_any_store(void **state)
{
    const struct weft_kv_request get = {
        .op = WEFT_KV_HGET, .table = VIEW("t"), .keys = &key, .key_count = 1, .state = true};
    (void)state;
    (void)ask(ask_hset("t", "k", VIEW("\x18\x01")));
    const struct weft_kv_reply *reply = kv_call(&get);
    assert_int_equal(reply->value_count, 1);
    assert_int_equal(reply->state_count, 1);
    assert_int_equal(reply->states[0].version.size, 16);
    assert_int_equal(reply->states[0].expires, 0);
}

#define WITHOUT(name) cmocka_unit_test_setup_teardown(name, setup, kv_calls_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITHOUT(test_condition_is_not_implemented_by_a_store_without_them),
        WITHOUT(test_sum_is_not_implemented_by_a_store_without_conditions),
        WITHOUT(test_expiry_is_not_implemented_by_a_store_without_it),
        WITHOUT(test_tables_are_not_implemented_by_a_store_without_a_list_of_them),
        WITHOUT(test_values_without_condition_and_expiry_are_put_into_any_store),
        WITHOUT(test_state_of_a_key_has_a_version_on_any_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
