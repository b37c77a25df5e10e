/* SPDX-License-Identifier: MIT
 *
 * How a loop comes by the number of a table's buckets, and what it does when it cannot read it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/virtual_loop.h"
#include "redis_store_world.h"

/* A table is looked up again after a minute. */
static void pass_a_minute(struct store_client *client)
{
    virtual_loop_spend(client->loop, INT64_C(61) * 1000000000);
    virtual_loop_turn(client->loop);
}

/* The look-up comes before the read of the key, and both are HGET. */
static void fail_lookups(size_t count, enum redis_outcome outcome, const char *error)
{
    redis_stand_in_plan(&(struct redis_stand_in_plan){
        .only = "HGET", .count = count, .outcome = outcome, .error = error});
}

static size_t calls_of_a_read(struct store_client *client)
{
    (void)redis_stand_in_calls();
    assert_string_equal(store_client_get(client, "t", "k"), "v");
    virtual_loop_turn(client->loop);
    return redis_stand_in_calls();
}

static void test_known_table_is_looked_up_again_after_a_minute(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    assert_int_equal(calls_of_a_read(client), 1);
    pass_a_minute(client);
    assert_int_equal(calls_of_a_read(client), 2);
    assert_int_equal(calls_of_a_read(client), 1);
}

static void test_table_that_was_not_used_for_long_is_looked_up_first(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = {.key = weft_view_str("k")};
    store_client_set(client, "t", "k", "v");
    pass_a_minute(client);
    pass_a_minute(client);
    fail_lookups(1, REDIS_UNAVAILABLE, NULL);
    assert_int_equal(store_client_do(client, KV_MGET, "t", &item, 1), KV_UNAVAILABLE);
    assert_int_equal(calls_of_a_read(client), 2);
}

/* The directory may be on a node that is away, while those of the keys serve. */
static void test_known_table_is_served_while_its_directory_is_away(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    pass_a_minute(client);
    fail_lookups(1, REDIS_UNAVAILABLE, NULL);
    assert_int_equal(calls_of_a_read(client), 2);
    assert_int_equal(calls_of_a_read(client), 1);
    virtual_loop_spend(client->loop, INT64_C(2) * 1000000000);
    assert_int_equal(calls_of_a_read(client), 2);
    assert_int_equal(calls_of_a_read(client), 1);
}

static void test_known_table_is_served_while_its_directory_does_not_answer(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    pass_a_minute(client);
    fail_lookups(1, REDIS_ANSWERED, NULL);
    /* There is one look-up at a time. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(calls_of_a_read(client), 1);
}

static unsigned tables_that_are_named(void)
{
    unsigned count = 0;
    for (int i = 0; i < 16; i++) {
        redisReply *reply = redis_stand_in_command("HLEN {weft:tables:%d}", i);
        count += (unsigned)reply->integer;
        freeReplyObject(reply);
    }
    return count;
}

static void test_table_is_made_again_after_the_cluster_was_emptied(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", "k", "v");
    freeReplyObject(redis_stand_in_command("FLUSHALL"));
    pass_a_minute(client);
    assert_null(store_client_get(client, "t", "k"));
    virtual_loop_turn(client->loop);
    store_client_set(client, "t", "k", "w");
    assert_int_equal(tables_that_are_named(), 1);
}

static void test_directory_that_breaks_fails_the_next_operation(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = {.key = weft_view_str("k")};
    store_client_set(client, "t", "k", "v");
    pass_a_minute(client);
    fail_lookups(1, REDIS_ANSWERED, "WRONGTYPE Operation against a key holding another value");
    assert_int_equal(calls_of_a_read(client), 2);
    fail_lookups(1, REDIS_ANSWERED, "WRONGTYPE Operation against a key holding another value");
    assert_int_equal(store_client_do(client, KV_MGET, "t", &item, 1), KV_FAILED);
}

/* Tables share the places where a loop remembers them. The stop of the store ends the look-up. */
static void test_lookup_may_end_when_its_table_has_lost_its_place(void **state)
{
    struct store_client *client = *state;
    char name[16];
    store_client_set(client, "t", "k", "v");
    pass_a_minute(client);
    fail_lookups(1, REDIS_ANSWERED, NULL);
    assert_int_equal(calls_of_a_read(client), 1);
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof name, "other%d", i);
        store_client_set(client, name, "k", "v");
    }
}

/* Returns the calls of a KV_MSET with if_table, which ends with that outcome. */
static size_t calls_of_a_try(struct store_client *client, const char *key, enum kv_outcome outcome)
{
    struct kv_item item = {.key = weft_view_str(key), .value.bytes = weft_view_str("w")};
    (void)redis_stand_in_calls();
    assert_int_equal(store_client_set_if_table(client, "t", &item, 1), outcome);
    if (outcome == KV_DONE)
        store_items_drop(&item, 1);
    return redis_stand_in_calls();
}

static void test_set_if_table_is_one_call(void **state)
{
    struct store_client *client = *state;
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    assert_int_equal(calls_of_a_try(client, REDIS_KEY_ONE, KV_DONE), 1);
}

static void test_set_if_table_is_not_tried_in_a_sparse_table(void **state)
{
    struct store_client *client = *state;
    const char *other = redis_store_world_other_key();
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    assert_int_equal(calls_of_a_try(client, other, KV_UNMET), 1);
    assert_int_equal(calls_of_a_try(client, REDIS_KEY_ONE, KV_UNMET), 0);
    /* A key that is replaced shows that it may be worth while. */
    store_client_set(client, "t", REDIS_KEY_ONE, "v");
    assert_int_equal(calls_of_a_try(client, REDIS_KEY_ONE, KV_DONE), 1);
}

static void test_set_if_table_changes_no_bucket_where_keys_expire(void **state)
{
    struct store_client *client = *state;
    struct kv_item item = {.key = weft_view_str(REDIS_KEY_ONE),
                           .value.bytes = weft_view_str("v"),
                           .expires = weft_loop_wall(client->loop) + 1000};
    assert_int_equal(store_client_do(client, KV_MSET, "t", &item, 1), KV_DONE);
    assert_int_equal(calls_of_a_try(client, REDIS_KEY_ONE, KV_UNMET), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_STORE_TEST(test_known_table_is_looked_up_again_after_a_minute),
        REDIS_STORE_TEST(test_table_that_was_not_used_for_long_is_looked_up_first),
        REDIS_STORE_TEST(test_known_table_is_served_while_its_directory_is_away),
        REDIS_STORE_TEST(test_known_table_is_served_while_its_directory_does_not_answer),
        REDIS_STORE_TEST(test_table_is_made_again_after_the_cluster_was_emptied),
        REDIS_STORE_TEST(test_directory_that_breaks_fails_the_next_operation),
        REDIS_STORE_TEST(test_lookup_may_end_when_its_table_has_lost_its_place),
        REDIS_STORE_TEST(test_set_if_table_is_one_call),
        REDIS_STORE_TEST(test_set_if_table_is_not_tried_in_a_sparse_table),
        REDIS_STORE_TEST(test_set_if_table_changes_no_bucket_where_keys_expire),
    };
    return cmocka_run_group_tests(tests, redis_store_world_begin, redis_store_world_end);
}
